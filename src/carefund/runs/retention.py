"""How long the ledger remembers: runs that ended long ago, and previews that nobody applied, are removed once a day.

A night of 10,000 people adds 10,000 entries, nearly all of which say that nothing changed. What changed, and every
answer, stays in change log and archive for good; only the record of who was asked about when is removed.
"""

import asyncio
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from carefund.access.roles import may_administer
from carefund.runs.leases import ClaimedItem
from carefund.runs.leftovers import forget_leftovers
from carefund.runs.models import Preview, Run, RunItem
from carefund.runs.requests import NewRunItem, request_once
from carefund.runs.sessions import Session
from carefund.runs.work import ItemResult, WorkKind

PREVIEWS_ARE_KEPT = timedelta(days=7)  # the answers of one are stale long before
ROUTINE_RUNS_ARE_KEPT = timedelta(days=7)
_AT_ONCE = 1000  # entries per step, so that nobody waits for the database meanwhile
_PAUSE_SECONDS = 0.05
_NAME = "retention"


def request_retention(trigger: str) -> Run:
    """Ask for the removal of what is older than is kept."""
    return request_once(_NAME, NewRunItem(_NAME), trigger=trigger, scope="runs and previews older than are kept")


async def _remove(session: Session, item: ClaimedItem) -> ItemResult:
    """A little at a time, each step a transaction of its own."""
    previews = await session.write(item, forget_previews, timezone.now())
    entries = 0
    while (gone := await session.write(item, forget_old_runs, timezone.now())) is not None:
        entries += gone
        await session.keep(item)
        await asyncio.sleep(_PAUSE_SECONDS)
    leftovers = await session.write(item, forget_leftovers, timezone.now())
    outcome = RunItem.Outcome.CHANGED if previews or entries or leftovers else RunItem.Outcome.UNCHANGED
    message = f"Removed {entries:,} entries of old runs, {previews:,} previews, and {leftovers:,} unused uploads, "
    return ItemResult(outcome, message + "ended sessions and old sign-ins.")


def forget_old_runs(now: datetime) -> int | None:
    """Delete some of what is older than CAREFUND_KEEP_RUNS_DAYS, oldest first; with 0 days nothing.

    A run that ended too long ago loses its entries and then goes itself; one that never ended stays. Return how many
    entries went, None when there was nothing to delete.
    """
    run = _find_old_run(now)
    if run is None:
        return None
    ids = list(RunItem.objects.filter(run=run).order_by().values_list("id", flat=True)[:_AT_ONCE])
    RunItem.objects.filter(id__in=ids).delete()
    if len(ids) < _AT_ONCE:
        run.delete()
    return len(ids)


def _find_old_run(now: datetime) -> Run | None:
    over = Run.objects.filter(status__in=(Run.Status.FINISHED, Run.Status.CANCELLED)).order_by("id")
    routine = over.filter(trigger=Run.Trigger.ROUTINE, finished_at__lt=now - ROUTINE_RUNS_ARE_KEPT).first()
    if routine is not None:
        return routine
    run = over.first()
    limit = now - timedelta(days=settings.KEEP_RUNS_DAYS)
    if not settings.KEEP_RUNS_DAYS or run is None or (run.finished_at or run.created_at) >= limit:
        return None
    return run


def forget_previews(now: datetime) -> int:
    """Delete previews that nobody applied in time. Return how many."""
    return Preview.objects.filter(item__finished_at__lt=now - PREVIEWS_ARE_KEPT).delete()[0]


RETENTION = WorkKind(name=_NAME, label="Removal of old runs", items="steps", work=_remove, may_ask=may_administer)
