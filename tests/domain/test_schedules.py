"""When a scheduled run is due, across changes to and from daylight saving."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.schedules import latest_slot, next_slot

SYDNEY = ZoneInfo("Australia/Sydney")


def wall(text: str) -> datetime:
    """A time on Sydney's clocks, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=SYDNEY).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "at", "latest", "following"),
    [
        ("2026-11-20 03:00", time(2), "2026-11-20 02:00", "2026-11-21 02:00"),
        ("2026-11-20 01:59", time(2), "2026-11-19 02:00", "2026-11-20 02:00"),
        ("2026-11-20 02:00", time(2), "2026-11-20 02:00", "2026-11-21 02:00"),
    ],
)
def test_a_daily_slot_is_the_last_one_not_after_now(now, at, latest, following):
    assert latest_slot(wall(now), at, SYDNEY) == wall(latest)
    assert next_slot(wall(now), at, SYDNEY) == wall(following)


def test_a_weekly_slot_comes_on_its_weekday():
    assert latest_slot(wall("2026-11-20 12:00"), time(4), SYDNEY, 6) == wall("2026-11-15 04:00")
    assert next_slot(wall("2026-11-20 12:00"), time(4), SYDNEY, 6) == wall("2026-11-22 04:00")
    assert next_slot(wall("2026-11-22 04:00"), time(4), SYDNEY, 6) == wall("2026-11-29 04:00")


def test_a_time_that_daylight_saving_skips_is_due_once_all_the_same():
    # On 4 October 2026 the clocks go from 02:00 straight to 03:00.
    due = [datetime(2026, 10, 3, 16, 30, tzinfo=UTC)]
    assert slots_between("2026-10-03 12:00", "2026-10-04 12:00", time(2, 30)) == due


def test_a_time_that_comes_twice_is_due_once():
    # On 5 April 2026 the clocks go back from 03:00 to 02:00.
    due = [datetime(2026, 4, 4, 15, 30, tzinfo=UTC)]
    assert slots_between("2026-04-04 12:00", "2026-04-05 12:00", time(2, 30)) == due


def slots_between(start: str, end: str, at: time) -> list[datetime]:
    found, now = [], wall(start)
    while (now := next_slot(now, at, SYDNEY)) <= wall(end):
        found.append(now)
    return found


@given(
    st.integers(1_600_000_000, 2_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.times(),
    st.none() | st.integers(0, 6),
)
def test_now_lies_between_the_last_slot_and_the_next(now, at, weekday):
    last, following = latest_slot(now, at, SYDNEY, weekday), next_slot(now, at, SYDNEY, weekday)
    assert last <= now < following
    assert following - last <= timedelta(days=7 if weekday is not None else 1, hours=1)
    assert latest_slot(following, at, SYDNEY, weekday) == following
