"""Quarters and financial years as the Australian government counts them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.periods import Period
from carefund.domain.quarters import next_quarter, previous_quarter, quarter_of

days = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("day", "start", "end", "number", "year", "name"),
    [
        (date(2026, 7, 1), date(2026, 7, 1), date(2026, 9, 30), 1, 2026, "July to September 2026"),
        (date(2026, 12, 31), date(2026, 10, 1), date(2026, 12, 31), 2, 2026, "October to December 2026"),
        (date(2028, 2, 29), date(2028, 1, 1), date(2028, 3, 31), 3, 2027, "January to March 2028"),
        (date(2026, 6, 30), date(2026, 4, 1), date(2026, 6, 30), 4, 2025, "April to June 2026"),
    ],
)
def test_the_financial_year_begins_in_july(day, start, end, number, year, name):
    quarter = quarter_of(day)
    assert (quarter.start_date, quarter.end_date, quarter.number, quarter.financial_year, quarter.name) == (
        start,
        end,
        number,
        year,
        name,
    )


@given(days)
def test_quarters_follow_one_another_without_gap_or_overlap(day):
    quarter = quarter_of(day)
    assert Period(quarter.start_date, quarter.end_date).covers(day)
    assert next_quarter(quarter).start_date == quarter.end_date + timedelta(days=1)
    assert previous_quarter(next_quarter(quarter)) == quarter
    assert quarter.days in (90, 91, 92)
    assert next_quarter(quarter).number == quarter.number % 4 + 1


@given(days, st.none() | days, st.none() | days)
def test_a_period_overlaps_a_quarter_if_they_share_a_day(day, start, end):
    quarter = quarter_of(day)
    shared = [
        quarter_day
        for quarter_day in (quarter.start_date + timedelta(days=number) for number in range(quarter.days))
        if (start is None or start <= quarter_day) and (end is None or quarter_day <= end)
    ]
    if start is None or end is None or start <= end:
        assert quarter.overlaps(start, end) is bool(shared)
