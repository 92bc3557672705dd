"""How long the ledger remembers: runs that ended long ago, and previews that nobody applied, are let go.

A night of 10,000 people adds 10,000 entries, nearly all of which say that nothing changed. What changed, and every
answer, stays in change log and archive for good; only the record of who was asked about when is let go.
"""

from datetime import datetime, timedelta

from django.conf import settings

from carefund.runs.models import Preview, Run, RunItem

PREVIEWS_ARE_KEPT = timedelta(days=7)  # the answers of one are stale long before
_AT_ONCE = 1000  # entries per look, so that nobody waits for the database meanwhile


def forget_old_runs(now: datetime) -> int:
    """Delete some of what is older than CAREFUND_KEEP_RUNS_DAYS, oldest first; gives how many entries. 0 days: nothing.

    A run that ended too long ago loses its entries and then goes itself; one that never ended stays.
    """
    _forget_previews(now)
    if not settings.KEEP_RUNS_DAYS:
        return 0
    run = Run.objects.filter(status__in=(Run.Status.FINISHED, Run.Status.CANCELLED)).order_by("id").first()
    limit = now - timedelta(days=settings.KEEP_RUNS_DAYS)
    if run is None or (run.finished_at or run.created_at) >= limit:
        return 0
    ids = list(RunItem.objects.filter(run=run).order_by().values_list("id", flat=True)[:_AT_ONCE])
    RunItem.objects.filter(id__in=ids).delete()
    if len(ids) < _AT_ONCE:
        run.delete()
    return len(ids)


def _forget_previews(now: datetime) -> None:
    old = Preview.objects.filter(item__finished_at__lt=now - PREVIEWS_ARE_KEPT)
    if old.exists():  # so that a look around writes nothing
        old.delete()
