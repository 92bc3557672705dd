"""When people are warned that a PRODA device or its key expires: 30, 14, 7 and 1 days ahead, once each. Pure."""

from datetime import date

from carefund.domain.wording import write_day

STEPS = (30, 14, 7, 1)
KEY, DEVICE = "key", "device"
_NAMES = {KEY: "The PRODA key", DEVICE: "The PRODA device"}


def find_step(days_left: int) -> int | None:
    """Return the warning that is due so many days ahead; None while the first of them is still to come. The last one
    stands until the day has passed and after it."""
    return min((step for step in STEPS if days_left <= step), default=None)


def write_matter(device_id: int, what: str, days_left: int) -> str:
    """Return what an alert is about. Each step is a matter of its own, so that people are told at each."""
    return f"device {device_id} {what} {find_step(days_left) or 'early'}"


def name_expiring(matter: str) -> str:
    """Return what expires, by what its alert is about."""
    return _NAMES[KEY if f" {KEY} " in matter else DEVICE]


def write_expiry(matter: str, due_date: date, today: date) -> str:
    """Return what expires, the day, and how many days are left."""
    days = (due_date - today).days
    if days < 0:
        return f"{name_expiring(matter)} expired on {write_day(due_date)}"
    left = {0: "today", 1: "tomorrow"}.get(days, f"in {days:,} days")
    return f"{name_expiring(matter)} expires on {write_day(due_date)}, {left}"
