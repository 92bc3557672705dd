"""On which days planned visits fall, and until when one more service fits. Source: rules SAH-17 and SAH-18."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.care_recipient.commitments import Fund, OpenLine, commit
from carefund.domain.care_recipient.planned import (
    Frequency,
    Planned,
    fit,
    list_visits,
    list_visits_to_come,
    plan_lines,
)
from carefund.domain.periods import Period

TODAY = date(2026, 11, 22)
YEAR_ON = date(2027, 11, 22)
QUARTER = Fund(("now", 0), "ON", Period(date(2026, 10, 1), date(2026, 12, 31)), Decimal("200.00"))


def planned(frequency: str = "weekly", price: str = "80.00", start: date = TODAY, **more: object) -> Planned:
    return Planned(1, "ON", Decimal(price), Frequency(frequency), start, **more)


@pytest.mark.parametrize(
    ("frequency", "start", "first", "last", "expected"),
    [
        ("once", date(2026, 12, 1), date(2026, 10, 1), date(2026, 12, 31), ["12-01"]),
        ("once", date(2026, 9, 1), date(2026, 10, 1), date(2026, 12, 31), []),
        ("weekly", date(2026, 9, 1), date(2026, 12, 1), date(2026, 12, 16), ["12-01", "12-08", "12-15"]),
        ("fortnightly", date(2026, 12, 4), date(2026, 11, 1), date(2026, 12, 31), ["12-04", "12-18"]),
        ("monthly", date(2026, 8, 31), date(2026, 9, 1), date(2026, 12, 31), ["09-30", "10-31", "11-30", "12-31"]),
        ("monthly", date(2027, 12, 29), date(2028, 2, 1), date(2028, 3, 31), ["02-29", "03-29"]),
        ("monthly", date(2028, 2, 29), date(2029, 2, 1), date(2029, 3, 31), ["02-28", "03-29"]),
        ("weekly", date(2025, 11, 1), date(2025, 11, 1), date(2025, 12, 31),  # the quarter of 61 days
         ["11-01", "11-08", "11-15", "11-22", "11-29", "12-06", "12-13", "12-20", "12-27"]),
    ],
)  # fmt: skip
def test_visits_fall_on_these_days(frequency: str, start: date, first: date, last: date, expected: list[str]) -> None:
    found = list_visits(planned(frequency, start=start), first, last)
    assert [f"{day:%m-%d}" for day in found] == expected


def test_an_end_ends_it() -> None:
    assert list(list_visits(planned(to_date=TODAY + timedelta(days=7)), TODAY, YEAR_ON)) == [
        TODAY, TODAY + timedelta(days=7)
    ]  # fmt: skip


days = st.dates(date(2024, 1, 1), date(2029, 12, 31))


@given(st.sampled_from(list(Frequency)), days, days, days)
def test_a_part_of_the_days_has_the_visits_of_that_part(
    frequency: Frequency, start: date, first: date, last: date
) -> None:
    service = planned(frequency, start=start)
    whole = list(list_visits(service, date(2024, 1, 1), date(2029, 12, 31)))
    assert list(list_visits(service, first, last)) == [day for day in whole if first <= day <= last]


def test_visits_of_the_last_two_weeks_count_until_a_line_of_them_comes_in() -> None:
    service = planned(start=date(2026, 1, 4))
    assert next(list_visits_to_come(service, TODAY, YEAR_ON)) == date(2026, 11, 8)
    came_in = planned(start=date(2026, 1, 4), delivered_date=date(2026, 11, 17))
    assert next(list_visits_to_come(came_in, TODAY, YEAR_ON)) == TODAY


def test_visits_are_counted_as_far_as_the_budget_reaches() -> None:
    lines = plan_lines([planned()], [QUARTER], TODAY)
    assert len(lines) == 6
    assert commit(lines, [QUARTER])[QUARTER.key].planned == 480


def test_a_service_fits_until_the_money_runs_out() -> None:
    found = fit(planned("fortnightly"), [], [QUARTER], YEAR_ON)
    assert (found.visits, found.last_date, found.first_without) == (2, date(2026, 12, 6), date(2026, 12, 20))
    assert (found.is_out_of_money, found.left) == (True, 40)


def test_a_service_fits_as_far_as_budgets_are_known() -> None:
    found = fit(planned("fortnightly", "10.00"), [], [QUARTER], YEAR_ON)
    assert (found.visits, found.last_date, found.is_out_of_money) == (3, date(2026, 12, 20), False)


def test_what_is_committed_or_planned_comes_first() -> None:
    lines = [OpenLine(9, "ON", date(2026, 12, 30), Decimal("130.00"))]
    found = fit(planned("weekly"), lines, [QUARTER], YEAR_ON)
    assert (found.visits, found.first_without, found.left) == (0, TODAY, 70)


def test_unspent_funds_let_it_fit_longer() -> None:
    held = Fund(("CU", 0), "CU", Period(None, None), Decimal("80.00"))
    assert fit(planned("fortnightly"), [], [QUARTER, held], YEAR_ON).visits == 3


def test_without_a_budget_nothing_fits_and_nothing_ran_out() -> None:
    found = fit(planned(), [], [], YEAR_ON)
    assert (found.visits, found.last_date, found.first_without, found.is_out_of_money) == (0, None, TODAY, False)
