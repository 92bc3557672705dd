"""The queue on PostgreSQL: jobs for the shares of a run. Imported there alone: beside SQLite there is no queue, and
what speaks to this one is a seventh of all that a command imports.
"""

import contextlib
import logging

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


def make_jobs(run_id: int) -> None:
    """Make the jobs of a run that are missing; a failure is logged, and made up for by housekeeping."""
    try:
        _defer(run_id)
    except (ConnectorException, DatabaseError, InterfaceError) as error:
        log.error("a run could not be put on the queue (%s); housekeeping will try again", type(error).__name__)


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
