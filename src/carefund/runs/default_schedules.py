"""What a fresh installation begins with: a row for each entry of the table of schedules."""

from typing import Any

from django.utils import timezone

from carefund.runs.models import Schedule
from carefund.runs.schedule import ENTRIES


def ensure_schedules(**_: Any) -> None:
    """Add the schedules that are not there yet; leave alone those that people changed. Called after each migration."""
    now = timezone.now()
    for kind, entry in ENTRIES.items():
        Schedule.objects.get_or_create(kind=kind, defaults=entry.defaults | {"last_slot_at": now})
