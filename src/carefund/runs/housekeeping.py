"""What has to be looked after now and then, whichever engine works: the dead, the paused, an upgrade, the schedule."""

import contextlib
import logging

from django.db.models import Exists, OuterRef
from django.utils import timezone

from carefund.access.log_sealing import seal_logs
from carefund.runs import clock, crash_recovery, leases, ledger, schedule
from carefund.runs.call_counts import store_call_counts
from carefund.runs.care_recipient import reprocessing
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import CannotChangeRun, resume_run
from carefund.runs.webhooks.delivering import request_deliveries

log = logging.getLogger(__name__)


def tidy() -> None:
    """One round of housekeeping; harmless to repeat, by any number of processes at once."""
    crash_recovery.release_expired()
    leases.free_joined()
    for run in Run.objects.filter(status=Run.Status.PAUSED, resumes_at__lte=timezone.now()):
        with contextlib.suppress(CannotChangeRun):
            resume_run(run)
    for run_id in _list_runs_that_look_done():
        ledger.finish_run_if_done(run_id)
    reprocessing.request_after_upgrade(timezone.now())
    schedule.request_due_runs(timezone.now())
    clock.read_clock()
    store_call_counts()
    request_deliveries(timezone.now())
    seal_logs()


def _list_runs_that_look_done() -> list[int]:
    left = RunItem.objects.filter(run=OuterRef("pk"), status__in=(RunItem.Status.QUEUED, RunItem.Status.RUNNING))
    active = Run.objects.exclude(status__in=(Run.Status.FINISHED, Run.Status.CANCELLED))
    return list(active.filter(~Exists(left)).values_list("id", flat=True))
