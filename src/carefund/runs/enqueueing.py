"""Let the engine know that a run is waiting.

The ledger already holds the run, so a lost call loses nothing: the engines look there too. Beside SQLite there is
nothing to send, since the one background process sees the new row by itself. On PostgreSQL the run's items become
jobs, one for each share of them.
"""

from django.conf import settings

from carefund.runs.models import Run, RunItem

if settings.ON_POSTGRESQL:
    from carefund.runs.postgresql_queue import make_jobs
else:

    def make_jobs(run_id: int) -> None:
        """Do nothing."""


def enqueue(run_id: int) -> None:
    """Tell the engine of a run, after the commit that wrote it. Telling twice is harmless; a failure is made up for."""
    make_jobs(run_id)


def enqueue_missing() -> None:
    """Make the jobs that are missing, whatever became of those that were there."""
    waiting = RunItem.objects.filter(
        status=RunItem.Status.QUEUED,
        joined__isnull=True,
        run__status__in=(Run.Status.QUEUED, Run.Status.RUNNING),
    )
    for run_id in waiting.order_by().values_list("run_id", flat=True).distinct():
        enqueue(run_id)
