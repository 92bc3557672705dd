"""Each open line is committed to exactly one budget that covers it, or to none. Source: rule SAH-15."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.care_recipient.commitments import (
    Commitment,
    Fund,
    OpenLine,
    SpokenFor,
    commit,
    drawing_order,
    first_day_of,
)
from carefund.domain.periods import Period

MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)
LINE = OpenLine(1, "AT", JUNE, Decimal("300.00"))


def fund(name: str, start: date | None = MAY, end: date | None = JULY, available: str = "1000", **more: object) -> Fund:
    return Fund((name, 0), "AT", Period(start, end), Decimal(available), **more)


def chosen(lines: list[OpenLine], *funds: Fund) -> dict[str, Decimal]:
    """What is committed, by the budget's name, where there is anything."""
    return {name: found.committed for (name, _), found in commit(lines, funds).items() if found.committed}


@pytest.mark.parametrize(
    ("funds", "expected"),
    [
        pytest.param([fund("a")], "a", id="the one that covers the day"),
        pytest.param([fund("a", start=JUNE)], "a", id="its first day"),
        pytest.param([fund("a", end=JUNE)], "a", id="its last day"),
        pytest.param([fund("a", None, None)], "a", id="without dates"),
        pytest.param([fund("a", end=JUNE - timedelta(days=1))], None, id="it ended the day before"),
        pytest.param([fund("a", start=JUNE + timedelta(days=1))], None, id="it begins the day after"),
        pytest.param([fund("a", is_returned=False)], None, id="no longer returned takes none"),
        pytest.param([fund("a", is_returned=False, available="5000"), fund("b")], "b", id="nor beside another"),
        pytest.param([Fund(("a", 0), "ON", Period(MAY, JULY), Decimal(1000))], None, id="of another kind"),
        pytest.param([fund("a", end=JUNE), fund("b", start=JUNE)], "b", id="where one ends and the next begins"),
        pytest.param(
            [fund("a", end=JUNE), fund("b", start=JUNE, available="0")], "a", id="the next one holds nothing yet"
        ),
        pytest.param(
            [fund(name, available="1000" if name == "c" else "0") for name in "abcd"],
            "c",
            id="four alike, one with money",
        ),
        pytest.param([fund("b"), fund("a")], "a", id="all alike: the lowest id"),
        pytest.param([fund("a"), fund("b", available="2000")], "b", id="the same dates: most left"),
        pytest.param([fund("a", available="10"), fund("b", available="20")], "b", id="none holds it: most left"),
        pytest.param([fund("a", available="-50")], "a", id="overspent already"),
        pytest.param([fund("a", None), fund("b")], "b", id="without a start began before all"),
        pytest.param([], None, id="no budget"),
    ],
)
def test_a_line_is_committed_to_one_budget(funds: list[Fund], expected: str | None) -> None:
    assert chosen([LINE], *funds) == ({expected: Decimal("300.00")} if expected else {})
    assert chosen([LINE], *reversed(funds)) == ({expected: Decimal("300.00")} if expected else {})


def test_what_is_committed_before_lowers_what_is_left_for_the_next_line() -> None:
    lines = [LINE._replace(key=key, delivery_date=JUNE + timedelta(days=key)) for key in (3, 1, 2)]
    assert chosen(lines, fund("a", available="400"), fund("b", available="350")) == {
        "a": Decimal("600.00"),
        "b": Decimal("300.00"),
    }


def test_duplicates_with_one_id_are_two_budgets() -> None:
    duplicates = [Fund(("a", number), "AT", Period(MAY, JULY), Decimal(300)) for number in (0, 1)]
    assert commit([LINE, LINE._replace(key=2)], duplicates) == {
        ("a", 0): Commitment(delivered=Decimal("300.00")),
        ("a", 1): Commitment(delivered=Decimal("300.00")),
    }


days = st.dates(date(2026, 5, 20), date(2026, 6, 10))
amounts = st.decimals(Decimal("0.01"), Decimal(900), places=2)
lines = st.lists(
    st.builds(OpenLine, st.integers(1, 10**6), st.sampled_from(["ON", "AT"]), days, amounts),
    unique_by=lambda line: line.key,
)
funds = st.lists(
    st.builds(
        Fund, st.tuples(st.sampled_from("abcdef"), st.integers(0, 1)), st.sampled_from(["ON", "AT"]),
        st.builds(Period, st.none() | days, st.none() | days),
        st.decimals(Decimal(-100), Decimal(2000), places=2), st.booleans(),
    ),
    unique_by=lambda fund: fund.key, max_size=6,
)  # fmt: skip


def _covers(fund: Fund, line: OpenLine) -> bool:
    return fund.is_returned and fund.type_code == line.type_code and fund.period.covers(line.delivery_date)


@given(lines, funds)
def test_what_is_committed_is_the_sum_of_the_lines_that_a_budget_covers(
    lines: list[OpenLine], funds: list[Fund]
) -> None:
    committed = {key: found.total for key, found in commit(lines, funds).items()}
    covered = [line for line in lines if any(_covers(funding, line) for funding in funds)]
    assert sum(committed.values()) == sum(line.amount for line in covered)
    assert not any(committed[funding.key] for funding in funds if not funding.is_returned)
    assert not any(committed[funding.key] for funding in funds if not any(_covers(funding, line) for line in lines))


@given(lines, funds, st.randoms())
def test_the_order_in_which_they_come_does_not_matter(lines: list[OpenLine], funds: list[Fund], random) -> None:
    committed = commit(lines, funds)
    random.shuffle(lines)
    random.shuffle(funds)
    assert commit(lines, funds) == committed


@given(lines, funds, days)
def test_older_lines_do_not_bear_on_the_budgets_of_a_day(lines: list[OpenLine], funds: list[Fund], day: date) -> None:
    covering = [funding.key for funding in funds if funding.is_returned and funding.period.covers(day)]
    first = first_day_of([funding.period for funding in funds if funding.is_returned], day)
    assert (first is None) is (not covering)
    recent = [line for line in lines if first is not None and line.delivery_date >= first]
    committed, of_recent = commit(lines, funds), commit(recent, funds)
    assert [committed[key] for key in covering] == [of_recent[key] for key in covering]
    bearing = [
        funding
        for funding in funds
        if funding.is_returned and (first is None or (funding.period.end_date or date.max) >= first)
    ]
    of_bearing = commit(recent, bearing)
    assert [committed[key] for key in covering] == [of_bearing[key] for key in covering]


def test_quarters_that_follow_each_other_do_not_reach_back() -> None:
    quarters = [fund("a", date(2026, 4, 1), date(2026, 6, 30)), fund("b", date(2026, 7, 1), date(2026, 9, 30))]
    assert first_day_of([quarter.period for quarter in quarters], date(2026, 8, 1)) == date(2026, 7, 1)


TODAY = date(2026, 11, 22)
QUARTER = Fund(("ON-now", 0), "ON", Period(date(2026, 10, 1), date(2026, 12, 31)), Decimal("500.00"))
HELD = Fund(("CU", 0), "CU", Period(None, None), Decimal("200.00"))
ACCOUNT = Fund(("HC", 0), "HC", Period(None, None), Decimal("300.00"))
EQUIPMENT = Fund(("AT-now", 0), "AT", Period(date(2026, 1, 1), date(2026, 12, 31)), Decimal("1000.00"))


def line(key: int, amount: str, type_code: str = "ON", *, reason: SpokenFor = SpokenFor.DELIVERED) -> OpenLine:
    return OpenLine(key, type_code, TODAY, Decimal(amount), reason)


def test_each_reason_is_a_part_of_its_own() -> None:
    lines = [line(1, "80", reason=SpokenFor.CLAIMED), line(2, "70"), line(3, "60", reason=SpokenFor.PLANNED)]
    found = commit(lines, [QUARTER])[QUARTER.key]
    assert found == Commitment(Decimal(80), Decimal(70), Decimal(60))
    assert (found.committed, found.total) == (150, 210)


def test_ongoing_services_draw_the_quarter_then_provider_held_funds_then_the_home_care_account() -> None:
    lines = [line(1, "450"), line(2, "150"), line(3, "250"), line(4, "400")]
    found = {key[0]: commitment.total for key, commitment in commit(lines, [ACCOUNT, HELD, QUARTER]).items()}
    assert found == {"ON-now": 850, "CU": 150, "HC": 250}  # what nothing holds stays with the budget: it is overspent


def test_equipment_draws_unspent_funds_first() -> None:
    lines = [line(1, "150", "AT"), line(2, "290", "AT"), line(3, "400", "AT")]
    found = {key[0]: commitment.total for key, commitment in commit(lines, [EQUIPMENT, ACCOUNT, HELD]).items()}
    assert found == {"CU": 150, "HC": 290, "AT-now": 400}
    assert sorted(["AT", "HC", "ON", "CU"], key=drawing_order) == ["ON", "CU", "HC", "AT"]


def test_equipment_is_paid_from_unspent_funds_where_no_budget_was_approved() -> None:
    assert commit([line(1, "150", "HM")], [HELD])[HELD.key].delivered == 150


def test_care_management_draws_no_unspent_funds() -> None:
    assert not commit([line(1, "50", "CM")], [QUARTER, HELD])[HELD.key].total


def test_what_was_delivered_comes_before_what_is_planned() -> None:
    lines = [line(1, "400", reason=SpokenFor.PLANNED), line(2, "400")]
    found = commit(lines, [QUARTER, ACCOUNT, HELD])
    assert found[QUARTER.key] == Commitment(delivered=Decimal(400), planned=Decimal(400))


@pytest.mark.parametrize("available", ["-50.00", "0.00"])
def test_a_budget_without_money_lets_unspent_funds_pay(available: str) -> None:
    """Of a budget that was re-issued with less than was drawn before, or whose draws were reversed late."""
    empty = Fund(("ON-now", 0), "ON", QUARTER.period, Decimal(available))
    assert commit([line(1, "80")], [empty, HELD])[HELD.key].delivered == 80


def test_a_budget_that_ended_lets_nothing_overflow() -> None:
    ended = Fund(("old", 0), "ON", Period(date(2026, 7, 1), date(2026, 9, 30)), Decimal("10.00"))
    assert not any(found.total for found in commit([line(1, "80")], [ended, HELD]).values())
