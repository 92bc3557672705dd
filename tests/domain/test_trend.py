"""How ongoing money goes from quarter to quarter. Source: rules SAH-01, SAH-06, SAH-07 and SAH-18."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.care_recipient.planned import Frequency, Planned
from carefund.domain.care_recipient.trend import Foreseen, OngoingBudget, Trend, project
from carefund.domain.periods import Period

TODAY = date(2026, 11, 22)
NOW = Period(date(2026, 10, 1), date(2026, 12, 31))
BEFORE = Period(date(2026, 7, 1), date(2026, 9, 30))
D = Decimal


def budget(total: str = "5000", used: str = "2000", period: Period = NOW, **more: Decimal) -> OngoingBudget:
    return OngoingBudget(period, D(total), D(used), **({"rollover": D(0), "lost": D(0), "base": D(total)} | more))


def weekly(price: str, start: date = TODAY + timedelta(days=1)) -> Planned:
    return Planned(1, "ON", D(price), Frequency.WEEKLY, start)


def see(*budgets: OngoingBudget, entitled: Decimal | None = None, services: tuple[Planned, ...] = (),
        delivered: tuple[tuple[date, Decimal], ...] = ()) -> Trend:  # fmt: skip
    return project(budgets, entitled, services, delivered, TODAY)


def test_planned_visits_say_what_remains_and_what_is_lost() -> None:
    trend = see(budget(), services=(weekly("200"),), delivered=((TODAY, D(9999)),))
    [quarter] = trend.quarters
    assert (trend.basis, quarter.to_come, quarter.remaining) == (Foreseen.PLANNED, 1200, 1800)
    assert (quarter.rollover, quarter.lost, trend.runs_out_date) == (1000, 800, None)


def test_the_day_on_which_money_runs_out() -> None:
    trend = see(budget(), services=(weekly("1100"),))
    assert trend.runs_out_date == date(2026, 12, 7)
    [quarter] = trend.quarters
    assert (quarter.remaining, quarter.rollover, quarter.lost) == (-3600, 0, 0)


def test_without_plans_the_last_eight_weeks_are_the_forecast() -> None:
    days = [TODAY - timedelta(days=7 * number) for number in range(20)]
    trend = see(budget(), delivered=tuple((day, D(140)) for day in days))
    # Eight visits since 4 October, which is 50 days ago.
    assert (trend.basis, trend.weekly) == (Foreseen.DELIVERED, D("156.80"))
    assert trend.quarters[0].to_come > 0
    assert trend.runs_out_date is None
    assert see(budget(used="4900"), delivered=tuple((day, D(140)) for day in days)).runs_out_date is not None


def test_without_either_nothing_is_foreseen() -> None:
    trend = see(budget())
    assert (trend.basis, trend.quarters[0].to_come, trend.runs_out_date) == (Foreseen.NOTHING, 0, None)


def test_draws_that_were_reversed_foresee_nothing() -> None:
    assert see(budget(), delivered=((TODAY, D(-80)),)).basis is Foreseen.NOTHING


def test_the_next_quarter_begins_with_what_moves_on() -> None:
    trend = see(budget(), entitled=D("4600.00"), services=(weekly("200"),))
    coming = trend.quarters[-1]
    assert coming.period == Period(date(2027, 1, 1), date(2027, 3, 31))
    assert coming.total == D("5500.00")  # 50.00 a day for 90 days, and 1,000.00
    assert coming.to_come == 13 * 200


def test_of_what_ended_the_funders_figures_count() -> None:
    ended = budget(period=BEFORE, used="3000", rollover=D(700), lost=D(1300))
    assert see(ended).quarters[0].rollover == 700
    not_yet_closed = budget(period=BEFORE, used="4500")
    assert (see(not_yet_closed).quarters[0].rollover, see(not_yet_closed).quarters[0].lost) == (500, 0)


def test_a_tenth_is_taken_of_the_entitlements_not_of_what_was_rolled_in() -> None:
    [quarter] = see(budget("12000", "9000", base=D("10444.45"))).quarters
    assert (quarter.rollover, quarter.lost) == (D("1044.45"), D("1955.55"))


def test_the_first_quarter_had_61_days() -> None:
    first = budget(period=Period(date(2025, 11, 1), date(2025, 12, 31)))
    trend = project([first], D("3050.00"), (), (), date(2025, 12, 1))
    assert [quarter.period for quarter in trend.quarters] == [first.period, Period(date(2026, 1, 1), date(2026, 3, 31))]
    assert trend.quarters[1].total == D("5500.00")  # 50.00 a day, and 1,000.00


amounts = st.decimals(0, 20_000, places=2)


@given(amounts, amounts, amounts)
def test_what_remains_rolls_over_or_is_lost(total: Decimal, used: Decimal, price: Decimal) -> None:
    [quarter] = see(budget(str(total), str(used)), services=(weekly(str(price)),)).quarters
    assert quarter.rollover + quarter.lost == max(quarter.remaining, 0)
