"""The geometry of the drawings: parts add up to the whole, whatever the figures."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.console.care_recipient.charts import draw_bar, draw_burn_down, draw_time_line
from carefund.domain.care_recipient.commitments import Commitment
from carefund.records.care_recipient.funding import BudgetFigures
from carefund.records.models import BudgetUsage, Classification, PlanBudget

pytestmark = pytest.mark.one_database
cents = st.decimals(min_value=0, max_value=20_000, places=2)
START, END = date(2026, 4, 1), date(2026, 6, 30)


def figures(total: Decimal, used: Decimal, *, committed: Decimal = Decimal(0), **more: Decimal) -> BudgetFigures:
    budget = PlanBudget(total=total, used=-used, start_date=START, end_date=END, **more)
    line = BudgetUsage(amount=-used, delivery_date=date(2026, 4, 20))
    return BudgetFigures(budget, (), (line,) if used else (), Commitment(delivered=committed), True)


@given(total=cents, used=cents, committed=cents, write_off=cents, rollover=cents)
def test_the_parts_of_a_bar_fill_it_exactly(
    total: Decimal, used: Decimal, committed: Decimal, write_off: Decimal, rollover: Decimal
) -> None:
    parts = draw_bar(figures(total, used, committed=committed, write_off=-write_off, rollover_deduction=-rollover))
    if parts:
        assert abs(sum(float(part.width.rstrip("%")) for part in parts) - 100) < 0.01
        assert all(part.amount > 0 for part in parts)


@given(total=cents, used=cents, day=st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_a_burn_down_stays_inside_its_frame(total: Decimal, used: Decimal, day: date) -> None:
    burn = draw_burn_down(figures(total, used), day)
    if burn is None:
        assert total <= 0
        return
    for point in burn.line.split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= 400
        assert 0 <= y <= 120
    assert 0 <= burn.days_gone_percent <= 100


def test_half_the_days_and_half_the_money_are_in_step() -> None:
    burn = draw_burn_down(figures(Decimal(1000), Decimal(500)), date(2026, 5, 15))
    assert burn is not None
    assert (burn.days_gone, burn.days, burn.days_gone_percent, burn.money_gone_percent) == (45, 91, 49, 50)
    assert burn.state[2] == "On track"


def test_what_was_overspent_is_safe_to_spend_below_zero() -> None:
    overspent = figures(Decimal(100), Decimal(120))
    assert overspent.safe_to_spend == Decimal(-20)
    assert [part.name for part in draw_bar(overspent)] == ["used"]


def test_a_time_line_marks_what_is_over_and_what_is_open() -> None:
    over = Classification(level="5", start_date=date(2025, 7, 1), end_date=date(2026, 3, 31))
    still = Classification(level="6", start_date=date(2026, 4, 1))
    line = draw_time_line([over, still], date(2026, 5, 3))
    assert line is not None
    assert [span.is_past for span in line.spans] == [True, False]
    assert [span.is_open for span in line.spans] == [False, True]
    assert [year for year, _ in line.years] == [2026]


def test_without_any_date_there_is_no_time_line() -> None:
    assert draw_time_line([Classification(level="5")], date(2026, 5, 3)) is None
