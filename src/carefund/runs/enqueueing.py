"""Let the engine know that a run is waiting.

The ledger already holds the run, so a lost call loses nothing: the engines look there too. Beside SQLite there is
nothing to send, since the one background process sees the new row by itself. On PostgreSQL the run's items become
jobs, one for each share of them.
"""

import contextlib
import logging

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job

from carefund.runs.models import Run, RunItem

log = logging.getLogger(__name__)

SHARE = 50
BULK, INTERACTIVE = "bulk", "prompt"
TASK = "work on a share"
_PRIORITIES = {Run.Trigger.ON_DEMAND: 10, Run.Trigger.CLAIM_APPROVED: 5}
_BEFORE_SYNC = 3  # other work in bulk is short; it does not wait behind everybody's sync


def enqueue(run_id: int) -> None:
    """Tell the engine of a run, after the commit that wrote it. Telling twice is harmless; a failure is made up for."""
    if not settings.ON_POSTGRESQL:
        return
    try:
        _defer(run_id)
    except (ConnectorException, DatabaseError, InterfaceError) as error:
        log.error("a run could not be put on the queue (%s); housekeeping will try again", type(error).__name__)


def enqueue_missing() -> None:
    """Make the jobs that are missing, whatever became of those that were there."""
    waiting = RunItem.objects.filter(
        status=RunItem.Status.QUEUED,
        joined__isnull=True,
        run__status__in=(Run.Status.QUEUED, Run.Status.RUNNING),
    )
    for run_id in waiting.order_by().values_list("run_id", flat=True).distinct():
        enqueue(run_id)


def _defer(run_id: int) -> None:
    """One job for each share of the items that wait, less the jobs that wait already."""
    run = Run.objects.get(pk=run_id)
    waiting = RunItem.objects.filter(run=run, status=RunItem.Status.QUEUED, joined__isnull=True).count()
    there = _list_waiting_shares(run_id)
    missing = -(-waiting // SHARE) - len(there)
    if run.is_over or run.status == Run.Status.PAUSED or missing <= 0:
        return
    free = (share for share in range(len(there) + missing + 1) if share not in there)
    fresh = [_job(run, share) for share, _ in zip(free, range(missing), strict=False)]
    try:
        app.job_manager.batch_defer_jobs(fresh)
    except AlreadyEnqueued:  # somebody else is handing over the same run: one by one, none twice
        for job in fresh:
            with contextlib.suppress(AlreadyEnqueued):
                app.job_manager.defer_job(job)


def _job(run: Run, share: int) -> Job:
    is_interactive = run.trigger in _PRIORITIES
    return Job(
        id=None,
        queue=INTERACTIVE if is_interactive else BULK,
        priority=_PRIORITIES.get(Run.Trigger(run.trigger), 0 if run.kind == Run.SYNC else _BEFORE_SYNC),
        lock=None,
        queueing_lock=_lock(run.pk, share),
        task_name=TASK,
        task_kwargs={"run_id": run.pk},
    )


def _lock(run_id: int, share: int | str) -> str:
    return f"run {run_id} share {share}"


def _list_waiting_shares(run_id: int) -> set[int]:
    prefix = _lock(run_id, "")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT queueing_lock FROM procrastinate_jobs WHERE status = 'todo' AND starts_with(queueing_lock, %s)",
            [prefix],
        )
        return {int(lock.removeprefix(prefix)) for (lock,) in cursor.fetchall()}
