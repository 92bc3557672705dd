"""When the funder is down: how a run notices it, and how it is held until the funder answers again.

Which errors count as an outage, and what the funder is called, is said by its entry among the funders. A run that
resumes by itself begins with one item; only when that works does it go on with the others.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from carefund.funders.errors.access import DeviceBusy
from carefund.funders.errors.outages import Unavailable
from carefund.funders.errors.root import FunderError
from carefund.funders.registry import find_funder
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run
from carefund.runs.requests import CannotChangeRun, pause_run

log = logging.getLogger(__name__)

_IN_A_ROW = 5
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)


@dataclass(slots=True)
class Outage:
    """Failures in a row that look like the funder's, not the item's. `applies` is false for a run of one item."""

    funder: str = ""
    is_probing: bool = False
    applies: bool = True
    suspects: dict[ClaimedItem, FunderError] = field(default_factory=dict)

    @property
    def is_certain(self) -> bool:
        """Whether so many failed in a row that the run shall wait."""
        return len(self.suspects) >= (1 if self.is_probing else _IN_A_ROW)

    def suspect(self, item: ClaimedItem, error: FunderError) -> bool:
        """Whether this failure may be the funder's; then it is kept until that is known."""
        if not (self.applies and self.funder and find_funder(self.funder).is_outage(error)):
            return False
        self.suspects[item] = error
        return True

    def acquit(self) -> list[tuple[ClaimedItem, FunderError]]:
        """Those who failed for themselves after all: all so far, unless the outage is certain."""
        if self.is_certain:
            return []
        failed = list(self.suspects.items())
        self.suspects.clear()
        return failed


def pause_for_funder(run_id: int, error: FunderError, funder: str) -> None:
    """Hold a run because of what the funder said; it resumes by itself if waiting may help."""
    run = Run.objects.get(pk=run_id)
    now = timezone.now()
    reason, resumes_at = f"{error.message} {error.advice}", None
    if isinstance(error, Unavailable | DeviceBusy):
        since = run.paused_at or now
        reason = f"{find_funder(funder).label} unavailable since {_clock(since, now)} ({error.message.rstrip('.')})"
        resumes_at = now + _wait_after(now - since)
    try:
        pause_run(run, reason, resumes_at, by_itself=True)
    except CannotChangeRun:
        log.info("a run was over before it could be paused")


def _clock(since: datetime, now: datetime) -> str:
    local = since.astimezone(settings.BUSINESS_TIME_ZONE)
    return f"{local:%H:%M}" if now - since < timedelta(hours=20) else f"{local:%-d %B, %H:%M}"


def _wait_after(down: timedelta) -> timedelta:
    """As long again as it has been down, from half a minute up to a quarter of an hour."""
    return min(max(_FIRST_WAIT, down), _LONGEST_WAIT)
