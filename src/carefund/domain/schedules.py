"""When a scheduled run is due, in the provider's own time, across changes to and from daylight saving."""

from datetime import UTC, datetime, time, timedelta, tzinfo

_DAYS = 7
_OPENS, _CLOSES = time(8), time(18)
_SATURDAY = 5


def latest_slot(now: datetime, at: time, zone: tzinfo, weekday: int | None = None) -> datetime:
    """The last instant, not after `now`, at which the clock on the wall showed `at` (on a `weekday`, Monday 0).

    A time that the change to daylight saving skips is due when it would have been; a time that comes twice is due once,
    the first time. Source: rule SYNC-12.
    """
    day = now.astimezone(zone).date()
    for days in range(_DAYS + 1):
        slot = datetime.combine(day - timedelta(days=days), at, zone).astimezone(UTC)
        if slot <= now and weekday in (None, slot.astimezone(zone).weekday()):
            return slot
    raise AssertionError("a week holds every weekday")


def next_slot(now: datetime, at: time, zone: tzinfo, weekday: int | None = None) -> datetime:
    """The first instant after `now` at which it is due."""
    day = now.astimezone(zone).date()
    for days in range(_DAYS + 2):
        slot = datetime.combine(day + timedelta(days=days), at, zone).astimezone(UTC)
        if slot > now and weekday in (None, slot.astimezone(zone).weekday()):
            return slot
    raise AssertionError("a week holds every weekday")


def is_business_hour(now: datetime, zone: tzinfo) -> bool:
    """Whether it is between 8 and 18 on a weekday by the clock on the wall; public holidays count as weekdays."""
    local = now.astimezone(zone)
    return local.weekday() < _SATURDAY and _OPENS <= local.time() < _CLOSES
