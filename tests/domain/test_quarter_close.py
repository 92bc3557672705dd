"""What of a quarter goes on, what is lost, and who is ready."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.care_recipient.quarter_close import (
    ClosingBudget,
    Readiness,
    count_days_to_close,
    project,
    quarter_to_close,
)
from carefund.domain.claims.money import Sum

pytestmark = pytest.mark.one_database
END, WITHIN = date(2026, 9, 30), date(2026, 11, 22)
D = Decimal
MONEY = st.decimals(0, 40_000, places=2)


@pytest.mark.parametrize(
    ("available", "still", "base", "rollover", "loss"),
    [
        ("800.00", "0.00", "13000.00", "800.00", "0.00"),  # less than either: all of it goes on
        ("1200.00", "0.00", "13000.00", "1200.00", "0.00"),  # between $1,000 and 10%: never more than is left
        ("5000.00", "0.00", "13000.00", "1300.00", "3700.00"),
        ("5000.00", "0.00", "2675.40", "1000.00", "4000.00"),
        ("5000.00", "4500.00", "13000.00", "500.00", "0.00"),
        ("5000.00", "6000.00", "13000.00", "0.00", "0.00"),  # claimed beyond the budget: nothing is left
        ("-40.00", "0.00", "13000.00", "0.00", "0.00"),
        ("2000.00", "0.00", "10005.92", "1000.59", "999.41"),  # level 5 in a quarter of 92 days
    ],
)
def test_the_greater_of_1000_and_a_tenth_goes_on_and_never_more_than_is_left(
    available: str, still: str, base: str, rollover: str, loss: str
) -> None:
    found = project(D(available), D(still), D(base))
    assert (found.rollover, found.loss) == (D(rollover), D(loss))


@given(MONEY, MONEY, MONEY)
def test_what_is_left_is_carried_over_or_lost_to_the_cent(available: Decimal, still: Decimal, base: Decimal) -> None:
    found = project(available, still, base)
    assert found.rollover + found.loss == found.rest == max(D(0), available - still)
    assert 0 <= found.rollover <= max(D(1000), base / 10 + D("0.005"))
    assert found.loss == 0 or found.rollover == found.cap


def closing(**more: Any) -> ClosingBudget:
    values = {"end_date": END, "available": D(2000), "base": D(13000), "is_closed": False}
    return ClosingBudget(**(values | more))


@pytest.mark.parametrize(
    ("given_budget", "today", "reason"),
    [
        (closing(), WITHIN, Readiness.READY),
        (closing(), END, Readiness.NOT_ENDED),
        (closing(), date(2026, 11, 29), Readiness.READY),  # the sixtieth day
        (closing(), date(2026, 11, 30), Readiness.WINDOW_OVER),
        (closing(not_claimed=Sum(1, D(80))), WITHIN, Readiness.NOT_CLAIMED),
        (closing(undecided=Sum(1, D(80))), WITHIN, Readiness.UNDECIDED),
        (closing(not_drawn=Sum(1, D(80))), WITHIN, Readiness.NOT_DRAWN),
        (closing(available=None), WITHIN, Readiness.NO_FIGURES),
        (closing(is_asked=True), WITHIN, Readiness.ASKED),
        (closing(is_closed=True), WITHIN, Readiness.ROLLED_OVER),
        (closing(rolled=D(1000), is_asked=True), WITHIN, Readiness.ROLLED_OVER),
        (closing(written_off=D(1), not_claimed=Sum(1, D(80))), WITHIN, Readiness.ROLLED_OVER),
    ],
)
def test_who_is_ready_and_why_not(given_budget: ClosingBudget, today: date, reason: Readiness) -> None:
    assert given_budget.readiness(today) is reason
    assert reason.label


def test_an_estimate_is_never_mixed_with_the_funders_figures() -> None:
    assert closing().projection is not None
    assert closing(is_closed=True).projection is None
    assert closing(rolled=D(1000)).projection is None
    assert closing(available=None).projection is None


@pytest.mark.parametrize(
    ("today", "end", "left"),
    [
        (date(2026, 11, 22), date(2026, 9, 30), 7),
        (date(2026, 1, 1), date(2025, 12, 31), 59),  # the programme's first quarter, of 61 days
        (date(2026, 3, 2), date(2025, 12, 31), -1),
        (date(2028, 2, 29), date(2027, 12, 31), 0),
    ],
)
def test_the_quarter_to_close_and_its_days(today: date, end: date, left: int) -> None:
    assert quarter_to_close(today).end_date == end
    assert count_days_to_close(end, today) == left
