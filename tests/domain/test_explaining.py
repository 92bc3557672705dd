"""Every figure of a budget is explained to the cent, or what is left is named. Source: rules SAH-02 to SAH-07."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.care_recipient.entitlement_amounts import Basis, HeldRate, Terms, expect, work_out
from carefund.domain.care_recipient.explaining import Drawn, Facts, Origin, Undrawn, explain
from carefund.domain.care_recipient.rates import RATES, RateKind, multiply, spread, to_cents
from carefund.domain.periods import Period

START, END = date(2026, 4, 1), date(2026, 6, 30)
SPRING = Period(START, END)
OXYGEN = HeldRate("OXY_NORM", "Oxygen supplement", Period(START, None))
LEVEL_7 = HeldRate("7", "Level 7", Period(date(2025, 11, 1), None))
D = Decimal
ZERO = D("0.00")


@dataclass(frozen=True)
class Row:
    item_code: str
    amount: Decimal | None
    start_date: date | None = START
    end_date: date | None = END
    description: str = ""


@dataclass(frozen=True)
class Sums:
    total: Decimal | None
    available: Decimal | None
    used: Decimal | None = ZERO
    write_off: Decimal | None = ZERO
    rollover_deduction: Decimal | None = ZERO


def terms(*held: HeldRate, period: Period = SPRING, type_code: str = "ON") -> Terms:
    return Terms(type_code, period, held, RATES)


@pytest.mark.parametrize(
    ("row", "held", "period", "text"),
    [
        pytest.param(
            Row("ON_RATE_7", D("13047.49")), [], SPRING, "$159.31 × 90% × 91 days", id="rounded after multiplying"
        ),
        pytest.param(Row("ENT_NNBO", D("2376.01")), [], SPRING, "$26.11 × 91 days", id="supplements in full"),
        pytest.param(
            Row("ON_RATE_7", D("7828.49")), [], SPRING, "$159.31 × 90% × 60% × 91 days, interim funding", id="interim"
        ),
        pytest.param(
            Row("ON_RATE_5", D("5970.92"), date(2025, 11, 1), date(2025, 12, 31)),
            [],
            Period(date(2025, 11, 1), date(2025, 12, 31)),
            "$108.76 × 90% × 61 days",
            id="the first quarter has 61 days",
        ),
        pytest.param(
            Row("ON_RATE_1", D("2407.86"), date(2028, 1, 1), date(2028, 3, 31)),
            [],
            Period(date(2028, 1, 1), date(2028, 3, 31)),
            "$29.40 × 90% × 91 days",
            id="a leap day counts",
        ),
        pytest.param(
            Row("XY_9", D("4334.97")), [], SPRING, "$52.93 × 90% × 91 days", id="a code nobody knows, by its amount"
        ),
        pytest.param(
            Row("ON_RATE_7", D("1433.79")), [], SPRING, "$159.31 × 90% × 10 days, not all 91 of the dates",
            id="entered later",
        ),
        pytest.param(
            Row("ON_RATE_7", D("14497.21")), [], SPRING,
            "$159.31 × 91 days, including the share for care management", id="the tenth left in",
        ),
        pytest.param(
            Row("VET", D("1500.46")), [LEVEL_7], SPRING, "11.5% of the level: $159.31 × 90% × 11.5% × 91 days",
            id="a part of the level",
        ),
        pytest.param(
            Row("ON_RATE_6", D("9248.63"), None, None),
            [
                HeldRate("3", "Level 3", Period(date(2025, 11, 1), START + timedelta(days=23))),
                HeldRate("6", "Level 6", Period(START + timedelta(days=24), None)),
            ],
            SPRING,
            "$60.18 × 90% × 24 days + $131.82 × 90% × 67 days",
            id="one row for two levels",
        ),
    ],
)  # fmt: skip
def test_an_entitlement_is_worked_out_to_the_cent(row, held, period, text):
    working = work_out(row, terms(*held, period=period))
    assert (working.text, working.amount, working.basis) == (text, row.amount, Basis.RATE)


def test_a_rate_that_is_not_known_is_implied_and_said_to_be():
    working = work_out(Row("ON_RATE_7", D("13104.82")), terms())
    assert working.basis is Basis.IMPLIED
    assert working.text == "This amount does not match a known rate. It equals $160.0100 × 90% × 91 days."
    assert work_out(Row("ZZ", D("750.00")), terms(type_code="ZZ")).basis is Basis.STATED


@pytest.mark.parametrize("amount", [D("NaN"), D("1e25"), D("-5.00"), None])
@pytest.mark.parametrize("day", [date.min, date.max, None])
def test_what_no_budget_can_hold_is_left_as_it_is(amount: Decimal | None, day: date | None):
    row = Row("ON_RATE_7", amount, day, day)
    assert work_out(row, terms(LEVEL_7, period=Period(day, day))).basis is not Basis.RATE


def test_days_before_the_first_rate_have_none():
    assert spread(RATES, "7", date(2025, 10, 31), END) == []


def test_a_tier_is_a_fixed_amount():
    assert work_out(Row("AT_M", D("2000.00"), START, None), terms(type_code="AT")).text == "Medium tier: $2,000.00"


def test_a_later_rate_splits_the_days():
    later = replace(next(rate for rate in RATES if rate.key == "7"), amount=D("163.00"), from_date=date(2026, 6, 1))
    spans = spread([*RATES, later], "7", START, END)
    assert [(span.rate.amount, span.days) for span in spans] == [(D("159.31"), 61), (D("163.00"), 30)]
    assert to_cents(multiply(spans)) == D("13147.12")


DRAWS = [Drawn("Cleaning of 3 April 2026, $142.00", D("-142.00"), "us"), Drawn("Nursing, $88.25", D("-88.25"), "us")]


def facts(**changes) -> Facts:
    """The walk-through's budget with rollover, two draws, and a part written off: all of it explained."""
    rows = [Row("ON_RATE_7", D("13047.49")), Row("OXY_NORM", D("1334.06"))]
    total = D("13047.49") + D("1334.06") + D("1204.55")
    values = {
        "figures": Sums(total, total - D("230.25") - D("57.13"), D("-230.25"), D("-57.13")),
        "terms": terms(LEVEL_7, OXYGEN),
        "entitlements": rows,
        "draws": DRAWS,
        "rolled_over": ("January to March 2026", D("1204.55")),
    }
    return Facts(**(values | changes))


def test_all_of_it_is_explained():
    found = explain(facts())
    assert found.is_explained
    assert found.is_worked_out
    assert [term.origin for term in found.total.terms] == [Origin.FUNDER] * 3


@pytest.mark.parametrize(
    ("changes", "figure", "rest", "cause"),
    [
        ({"entitlements": [Row("ON_RATE_7", D("13047.49"))]}, "total", "1334.06", "not include Oxygen supplement ("),
        ({"entitlements": [Row("OXY_NORM", D("1334.06"))]}, "total", "13047.49", "not include Level 7 ("),
        ({"rolled_over": None}, "total", "1204.55", "usually rollover"),
        ({"draws": DRAWS[1:], "undrawn": [Undrawn("Cleaning", D("142.00"))]}, "used", "-142.00", "Cleaning: delivered"),
        ({"draws": DRAWS[1:]}, "used", "-142.00", "amount used is more than the draws listed"),
        ({"draws": None}, "used", "-230.25", "has not been read"),
        (
            {"draws": [DRAWS[0]._replace(is_returned=False), DRAWS[1]]},
            "used", "-142.00", "Cleaning of 3 April 2026, $142.00 is no longer returned.",
        ),
    ],
)  # fmt: skip
def test_a_term_that_is_missing_is_named(changes, figure, rest, cause):
    found = getattr(explain(facts(**changes)), figure)
    assert found.rest == D(rest)
    assert found.terms[-1].origin is Origin.UNKNOWN
    assert cause in found.cause


@pytest.mark.parametrize("name", ["total", "used", "write_off"])
def test_a_figure_that_is_not_stated_is_named(name):
    given = facts()
    figures = replace(given.figures, **{name: None})
    found = explain(replace(given, figures=figures))
    assert name.replace("_", " ") in found.available.cause
    assert found.available.rest == effect(given, name)


def effect(given: Facts, name: str) -> Decimal:
    return getattr(given.figures, name)


def test_money_that_is_on_its_way_is_named():
    given = facts()
    total = given.figures.total - D("1204.55")
    found = explain(replace(given, figures=Sums(total, total, D("0.00")), draws=()))
    assert found.total.cause == "Not in the total yet: Rollover from the quarter before."
    assert found.total.rest == D("-1204.55")


def test_a_day_too_few_is_named():
    given = facts()
    less = to_cents(D("159.31") * D("0.9"))
    found = explain(replace(given, figures=replace(given.figures, total=given.figures.total - less)))
    assert found.total.cause == "The difference equals 1 day of Level 7 too many in the entitlements."


def test_what_nothing_explains_is_left_to_the_cent_without_a_guess():
    given = facts()
    found = explain(replace(given, figures=replace(given.figures, total=given.figures.total + D("3210.99"))))
    assert (found.total.rest, found.total.cause) == (D("3210.99"), "")
    assert not found.is_explained


def test_details_that_were_not_read_are_computed_from_what_the_person_holds():
    found = explain(facts(entitlements=None))
    assert found.total.is_explained
    assert [term.origin for term in found.total.terms] == [Origin.COMPUTED, Origin.COMPUTED, Origin.FUNDER]


def test_interim_funding_is_named_where_no_entitlement_was_read():
    """Paid at 60% while waiting: what the person holds comes to more than the total says."""
    given = facts(entitlements=None, rolled_over=None)
    level = to_cents(D("159.31") * D("0.9") * D("0.6") * 91)
    found = explain(replace(given, figures=replace(given.figures, total=level + D("1334.06"))))
    assert found.total.rest == level - D("13047.49")
    assert found.total.cause == "Level 7 is paid at 60%: interim funding."


def test_draws_that_reverse_and_another_providers_are_explained_of_a_budget_below_zero():
    """Drawn, given back, drawn with more by us, and by another provider, until more is gone than there was."""
    draws = [
        Drawn("Cleaning", D("-142.00"), "us"),
        Drawn("Cleaning", D("142.00"), "us"),
        Drawn("Cleaning", D("-15000.00"), "us"),
        Drawn("Nursing", D("-600.00"), "another provider"),
    ]
    total = facts().figures.total
    figures = Sums(total, total - D("15600.00"), D("-15600.00"), D("0.00"))
    assert figures.available < 0
    found = explain(facts(figures=figures, draws=draws))
    assert found.is_explained
    assert [(term.label, term.amount, term.working) for term in found.used.terms] == [
        ("Drawn by us", D("-15000.00"), "3 draws"),
        ("Drawn by another provider", D("-600.00"), "1 draw"),
    ]


levels = st.sampled_from([rate.key for rate in RATES if rate.kind is RateKind.LEVEL])
starts = st.dates(date(2025, 11, 1), date(2029, 1, 1))


@given(st.data(), levels, levels, starts, st.integers(2, 91), st.booleans(), st.booleans())
def test_take_away_any_entitlement_and_it_is_named(data, first, second, start, days, with_oxygen, interim_split):
    """Two levels one after the other, and a supplement: each entitlement taken away is what the explanation names."""
    end = start + timedelta(days=days - 1)
    change = start + timedelta(days=data.draw(st.integers(1, days - 1)))
    held = [
        HeldRate(first, f"First {first}", Period(None if interim_split else start, change - timedelta(days=1))),
        HeldRate(second, f"Second {second}", Period(change, None)),
    ]
    if with_oxygen:
        held.append(HeldRate("OXY_NORM", "Oxygen", Period(start, None)))
    budget = terms(*held, period=Period(start, end))
    rows = []
    for level in held:
        shared = budget.share_days(level.span)
        rows.append(
            Row(level.key if level.key == "OXY_NORM" else f"ON_RATE_{level.key}", expect(level, budget).amount, *shared)
        )
    total = sum(row.amount for row in rows)
    whole = explain(Facts(Sums(total, total), budget, rows))
    assert whole.is_worked_out
    place = data.draw(st.integers(0, len(rows) - 1))
    left = explain(Facts(Sums(total, total), budget, rows[:place] + rows[place + 1 :]))
    assert left.total.rest == rows[place].amount
    alike = [level.name for level, row in zip(held, rows, strict=True) if row.amount == rows[place].amount]
    assert any(left.total.cause.startswith(f"The entitlements do not include {name} (") for name in alike)


@given(
    st.lists(st.decimals(D("-900"), D("900"), places=2), max_size=6),
    st.decimals(D("-5000"), D("5000"), places=2),
    st.none() | st.decimals(D("-5000"), D("90000"), places=2),
)
def test_terms_always_add_up_to_the_figure(amounts, used, total):
    """Whatever the funder says, reversals and negative amounts too: no cent is lost, and none is invented."""
    draws = [Drawn(f"Draw {number}", amount, "us") for number, amount in enumerate(amounts)]
    found = explain(Facts(Sums(total, None, used), terms(LEVEL_7), [Row("ON_RATE_7", D("13047.49"))], draws=draws))
    for figure in found.figures:
        if figure.stated is not None:
            assert sum(term.amount for term in figure.terms) == figure.stated
