"""Rules of care management: which budgets count, adding up without counting twice, what moved, what may be lost."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.care_management.carry_over import estimate_loss
from carefund.domain.care_management.pools import (
    Pool,
    PooledBudget,
    add_up_uses,
    choose_budgets,
    compare_pools,
    is_care_management,
    roll_up,
    says_the_same,
)
from carefund.domain.quarters import Quarter, quarter_of

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
OCTOBER = Quarter(date(2026, 10, 1))
JANUARY = Quarter(date(2027, 1, 1))


def money(text: str) -> Decimal:
    return Decimal(text)


def budget(
    budget_id: str = "B1",
    *,
    start: date | None = date(2026, 10, 1),
    end: date | None = date(2026, 12, 31),
    code: str = "CM",
    text: str = "Care management",
    provider: str = "A",
    total: str = "1000.00",
    used: str = "0.00",
    available: str | None = None,
    allocated: str | None = None,
    updated: str = "",
) -> PooledBudget:
    return PooledBudget(
        budget_id,
        provider,
        code,
        text,
        start,
        end,
        money(total),
        money(used),
        money(available) if available is not None else money(total) + money(used),
        money("0.00"),
        money("0.00"),
        allocated=money(allocated) if allocated is not None else None,
        updated_at_date_time=updated,
    )


def pool(provider: str, *budgets: PooledBudget, minutes: int = 0) -> Pool:
    return Pool(provider, OCTOBER, AT + timedelta(minutes=minutes), budgets)


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("CM", "Care management", True),
        ("cm ", "", True),
        ("", "CARE  MANAGEMENT", True),
        ("X9", "Care-management", True),
        ("ON", "Home support ongoing", False),
        ("", "", False),
        ("ON", "Care management reduction", False),
    ],
)
def test_care_management_is_known_by_code_or_text(code: str, text: str, expected: bool):
    assert is_care_management(code, text) is expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (date(2026, 10, 1), date(2026, 12, 31), True),
        (date(2026, 7, 1), date(2026, 9, 30), False),
        (date(2027, 1, 1), date(2027, 3, 31), False),
        (date(2026, 9, 30), date(2026, 10, 1), True),
        (date(2026, 12, 31), date(2027, 1, 31), True),
        (date(2026, 7, 1), None, True),
        (None, date(2026, 9, 30), False),
        (None, None, True),
    ],
)
def test_a_budget_counts_if_it_shares_a_day_with_the_quarter(start: date | None, end: date | None, expected: bool):
    assert bool(choose_budgets([budget(start=start, end=end)], OCTOBER)) is expected


def test_new_year_is_the_border_of_two_quarters():
    assert quarter_of(date(2026, 12, 31)) == OCTOBER
    assert quarter_of(date(2027, 1, 1)) == JANUARY
    rows = [budget("B1"), budget("B2", start=date(2027, 1, 1), end=date(2027, 3, 31))]
    assert [row.budget_id for row in choose_budgets(rows, OCTOBER)] == ["B1"]
    assert [row.budget_id for row in choose_budgets(rows, JANUARY)] == ["B2"]


def test_of_a_budget_told_twice_the_later_update_counts():
    rows = [budget(total="2.00", updated="2026-11-02"), budget(total="1.00", updated="2026-11-01")]
    (chosen,) = choose_budgets(rows, OCTOBER)
    assert chosen.total == money("2.00")


def test_uses_are_added_up_per_person_and_nobody_comes_last():
    uses = add_up_uses([("", money("-900")), ("2", money("-10")), ("1", money("-5")), ("1", money("-20")), ("3", None)])
    assert [(use.care_recipient_id, use.amount, use.lines) for use in uses] == [
        ("1", money("-25"), 2),
        ("2", money("-10"), 1),
        ("3", money("0"), 1),
        ("", money("-900"), 1),
    ]


def test_a_budget_in_two_answers_is_counted_once_for_the_id_written_on_it():
    shared = budget("S", provider="B", total="70.00")
    whole = roll_up([pool("A", budget("B1"), shared), pool("B", shared)])
    assert whole.sums.total == money("1070.00")
    assert whole.parts["A"].total == money("1000.00")
    assert whole.parts["B"].total == money("70.00")
    assert whole.repeated_budget_ids == ("S",)


def test_an_id_asked_twice_counts_once():
    assert roll_up([pool("A", budget()), pool("A", budget(), minutes=5)]).sums.total == money("1000.00")


amounts = st.decimals(min_value=-10_000, max_value=10_000, places=2)
pools = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.lists(st.tuples(st.sampled_from("12345"), st.sampled_from("ABCX"), amounts), max_size=5),
    ),
    max_size=5,
)


@given(pools)
def test_a_roll_up_splits_back_into_its_parts_exactly(shapes: list[tuple[str, list[tuple[str, str, Decimal]]]]):
    made = [
        pool(name, *(budget(key, provider=owner, total=str(total)) for key, owner, total in rows), minutes=number)
        for number, (name, rows) in enumerate(shapes)
    ]
    whole = roll_up(made)
    for metric in ("total", "used", "available", "rollover_deduction", "write_off"):
        parts = [getattr(part, metric) for part in whole.parts.values()]
        known = [amount for amount in parts if amount is not None]
        assert (sum(known, Decimal("0.00")) if known else None) == getattr(whole.sums, metric)
    assert roll_up([*made, *made]).sums == whole.sums


def test_between_two_saves_each_budget_tells_what_moved():
    before = pool("A", budget("B1"), budget("gone"))
    after = pool("A", budget("B1", used="-200.00"), budget("new"))
    changes = {change.budget_id: change for change in compare_pools(before, after)}
    assert {key: change.what for key, change in changes.items()} == {"B1": "changed", "new": "new", "gone": "gone"}
    moved = {metric.name: metric.change for metric in changes["B1"].metrics}
    assert moved["used"] == money("-200.00")
    assert moved["total"] == money("0.00")
    assert says_the_same(before, before)
    assert not says_the_same(before, after)


def test_within_a_year_everything_goes_on_so_nothing_is_lost_if_it_can_be_used():
    rows = [budget(total="9200.00", used="-5000.00", allocated="9200.00")]
    found = estimate_loss(rows, date(2026, 11, 20))
    assert found is not None
    assert found.year_end_date == date(2027, 6, 30)
    assert found.to_be_allocated == money("18100.00")  # 100.00 a day for January to June: 90 + 91 days
    assert found.lost == 0


def test_what_exceeds_the_last_quarters_allocation_is_lost():
    rows = [
        budget(start=date(2027, 4, 1), end=date(2027, 6, 30), total="30000.00", used="-1000.00", allocated="9100.00")
    ]
    found = estimate_loss(rows, date(2027, 6, 30))
    assert found is not None
    assert (found.to_be_allocated, found.expected_use) == (0, 0)
    assert found.may_be_carried == money("9100.00")
    assert found.lost == money("19900.00")


def test_money_of_ended_quarters_that_was_not_carried_yet_counts():
    rows = [
        budget("1", start=date(2026, 7, 1), end=date(2026, 9, 30), total="5000.00", used="-500.00"),
        budget("0", start=date(2026, 4, 1), end=date(2026, 6, 30), total="8000.00", allocated="3000.00"),
        budget("2", total="5000.00"),
    ]
    found = estimate_loss(rows, date(2026, 10, 1))
    assert found is not None
    assert found.to_come_in == money("7500.00")  # 4,500 of this year, and of the last year's 8,000 only 3,000


def test_without_a_budget_in_this_quarter_there_is_no_estimate():
    assert estimate_loss([], date(2026, 11, 20)) is None
    assert estimate_loss([budget(start=date(2026, 7, 1), end=date(2026, 9, 30))], date(2026, 11, 20)) is None


@given(
    st.decimals(min_value=0, max_value=100_000, places=2),
    st.decimals(min_value=0, max_value=100_000, places=2),
    st.dates(date(2026, 10, 1), date(2026, 12, 31)),
)
def test_the_parts_of_the_estimate_add_up_and_none_is_negative(total: Decimal, used: Decimal, today: date):
    found = estimate_loss([budget(total=str(total), used=str(-used))], today)
    assert found is not None
    parts = (found.left_now, found.to_come_in, found.to_be_allocated, found.expected_use, found.may_be_carried)
    assert all(part >= 0 for part in (*parts, found.expected_left, found.lost))
    left = found.left_now + found.to_come_in + found.to_be_allocated - found.expected_use
    assert abs(max(Decimal(0), left) - found.expected_left) <= Decimal("0.03")
    assert found.lost <= found.expected_left


def test_more_given_back_than_used_is_no_pace_of_spending():
    found = estimate_loss([budget(used="20.00", available="1020.00")], date(2026, 11, 20))
    assert (found.left_now, found.expected_use) == (money("1020.00"), 0)
