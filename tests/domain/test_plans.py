"""Which plan a person's records belong to, and its dates. Source: rules SYNC-04 and SYNC-05."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.care_recipient.plans import (
    begin_anew,
    begins_anew,
    is_active,
    latest_period,
    plan_for,
    plan_period,
)
from carefund.domain.periods import Period

TODAY = date(2026, 11, 20)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)

days = st.dates(date(2025, 1, 1), date(2028, 12, 31))
periods = st.builds(Period, st.none() | days, st.none() | days)


@pytest.mark.parametrize(
    ("end", "active"),
    [(None, True), (TOMORROW, True), (TODAY, False), (YESTERDAY, False)],
)
def test_a_plan_is_active_without_end_or_with_an_end_after_today(end, active):
    assert is_active(Period(date(2025, 11, 1), end), TODAY) is active


@pytest.mark.parametrize(
    ("classifications", "expected"),
    [
        ([], None),
        ([(date(2025, 11, 1), None)], (date(2025, 11, 1), None)),
        ([(date(2025, 11, 1), date(2026, 3, 31)), (date(2026, 4, 1), None)], (date(2025, 11, 1), None)),
        (
            [(date(2026, 4, 1), date(2026, 9, 30)), (date(2025, 11, 1), date(2026, 12, 31))],
            (date(2025, 11, 1), date(2026, 12, 31)),
        ),
        ([(None, date(2026, 9, 30)), (date(2026, 1, 1), date(2026, 3, 1))], (date(2026, 1, 1), date(2026, 9, 30))),
        ([(None, None)], (None, None)),
        ([(date(2027, 1, 1), None)], (date(2027, 1, 1), None)),
    ],
)
def test_a_plan_runs_from_the_earliest_start_to_the_latest_end_or_stays_open(classifications, expected):
    found = plan_period(Period(*dates) for dates in classifications)
    assert found == (None if expected is None else Period(*expected))


@given(st.lists(periods, min_size=1))
def test_a_plan_covers_every_classification_in_any_order(classifications):
    plan = plan_period(classifications)
    assert plan is not None
    assert plan == plan_period(reversed(classifications))
    assert all(plan.start_date <= row.start_date for row in classifications if row.start_date and plan.start_date)
    if any(row.end_date is None for row in classifications):
        assert plan.end_date is None
    else:
        assert plan.end_date == max(row.end_date for row in classifications)


ENDED = Period(date(2025, 11, 1), date(2026, 6, 30))


@pytest.mark.parametrize(
    ("latest", "incoming", "expected"),
    [
        pytest.param(ENDED, [ENDED], False, id="still ended: a second sync makes no second plan"),
        pytest.param(ENDED, [], False, id="nothing classified any more"),
        pytest.param(ENDED, [ENDED, Period(date(2026, 10, 1), None)], True, id="came back after a gap"),
        pytest.param(ENDED, [Period(date(2026, 10, 1), None)], True, id="came back, the old one is not listed"),
        pytest.param(ENDED, [ENDED, Period(date(2026, 7, 1), None)], False, id="the day after the end continues"),
        pytest.param(ENDED, [ENDED, Period(date(2026, 7, 2), None)], True, id="a gap of one day"),
        pytest.param(ENDED, [Period(date(2025, 11, 1), None)], False, id="the end was taken back"),
        pytest.param(
            ENDED,
            [ENDED, Period(date(2026, 6, 1), date(2026, 9, 30)), Period(date(2026, 10, 1), None)],
            False,
            id="another classification bridges the gap",
        ),
        pytest.param(
            ENDED, [ENDED, Period(date(2026, 10, 1), date(2026, 9, 30))], False, id="withdrawn before it began"
        ),
        pytest.param(ENDED, [ENDED, Period(None, None)], False, id="a classification without dates is no return"),
        pytest.param(
            Period(date(2025, 11, 1), TODAY),
            [Period(date(2025, 11, 1), TODAY)],
            False,
            id="on its last day a plan is over, and yet stays the person's plan",
        ),
        pytest.param(
            Period(date(2025, 11, 1), TODAY), [Period(date(2027, 1, 1), None)], True, id="over on its last day"
        ),
        pytest.param(
            Period(date(2025, 11, 1), TOMORROW),
            [Period(date(2025, 11, 1), TOMORROW), Period(date(2027, 1, 1), None)],
            False,
            id="an active plan takes in what comes later",
        ),
        pytest.param(Period(None, None), [Period(date(2026, 10, 1), None)], False, id="a plan without dates is filled"),
    ],
)
def test_a_new_plan_begins_only_when_a_person_comes_back_after_the_last_one_ended(latest, incoming, expected):
    assert begins_anew(latest, incoming, TODAY) is expected


@given(st.lists(periods), days)
def test_a_plan_made_of_classifications_never_begins_anew_over_them(classifications, today):
    plan = plan_period(classifications) or Period(None, None)
    assert not begins_anew(plan, classifications, today)


@given(periods, st.lists(periods), days)
def test_once_begun_anew_the_same_answer_makes_no_third_plan_and_keeps_its_dates(latest, incoming, today):
    if begins_anew(latest, incoming, today):
        renewed = latest_period([latest, begin_anew(latest, incoming)], incoming)
        assert renewed is not None
        assert renewed.start_date > latest.end_date
        assert not begins_anew(renewed, incoming, today)
        assert latest_period([latest, renewed], incoming) == renewed


@given(st.lists(periods, max_size=4), periods, periods)
def test_dates_settled_once_are_settled(classifications, earlier, latest):
    found = latest_period([earlier, latest], classifications)
    if found is not None:
        assert latest_period([earlier, found], classifications) == found


RETURNED = Period(date(2026, 10, 1), None)


@pytest.mark.parametrize(
    ("record", "plan"),
    [
        pytest.param(Period(date(2026, 11, 1), None), RETURNED, id="begun in the new plan"),
        pytest.param(Period(date(2026, 1, 1), None), RETURNED, id="open since before"),
        pytest.param(Period(date(2026, 1, 1), date(2026, 10, 1)), RETURNED, id="in force on its first day"),
        pytest.param(Period(None, None), RETURNED, id="without dates"),
        pytest.param(Period(date(2026, 1, 1), date(2026, 6, 30)), ENDED, id="ended with the old plan"),
        pytest.param(Period(date(2026, 7, 1), date(2026, 9, 30)), ENDED, id="ended in the gap"),
        pytest.param(Period(date(2024, 1, 1), date(2024, 3, 31)), ENDED, id="ended before any plan"),
        pytest.param(Period(date(2026, 9, 30), date(2026, 9, 1)), ENDED, id="never in force"),
    ],
)
def test_a_record_belongs_to_the_newest_plan_begun_by_its_last_day(record, plan):
    assert [ENDED, RETURNED][plan_for([ENDED, RETURNED], record)] is plan


def test_a_level_of_the_earlier_plan_that_is_open_again_dates_the_latest_plan():
    old, new = Period(date(2025, 11, 1), date(2026, 6, 30)), Period(date(2026, 10, 1), None)
    assert latest_period([ENDED, RETURNED], [old, new]) == RETURNED
    assert latest_period([ENDED, RETURNED], [Period(date(2025, 11, 1), None), new]) == Period(date(2025, 11, 1), None)
