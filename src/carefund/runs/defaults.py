"""What a fresh installation begins with: the nightly run and the weekly look at ended budgets."""

from datetime import time
from typing import Any

from django.utils import timezone

from carefund.runs.models import Run, Schedule

_SUNDAY = 6


def ensure_schedules(**_: Any) -> None:
    """Add the schedules that are not there yet; leave alone those that people changed. Called after each migration."""
    now = timezone.now()
    Schedule.objects.get_or_create(kind=Schedule.Kind.NIGHTLY, defaults={"at": time(2, 0), "last_slot_at": now})
    Schedule.objects.get_or_create(
        kind=Schedule.Kind.TAIL,
        defaults={
            "at": time(4, 0),
            "weekday": _SUNDAY,
            "parts": Run.Parts.BUDGETS_AND_USAGE,
            "last_slot_at": now,
        },
    )
