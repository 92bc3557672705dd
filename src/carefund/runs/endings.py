"""The end of a run, told to whoever wants to be told."""

from collections.abc import Iterator

from carefund.records.webhooks.events import RUN_FINISHED, NewEvent, note_events
from carefund.runs.models import Run, RunItem


def note_run_over(run_id: int) -> None:
    """Note that a run has finished or was cancelled, in the transaction in which it did; not of routine."""
    note_events(_describe(run_id))


def _describe(run_id: int) -> Iterator[NewEvent]:
    """Read only if somebody wants to know."""
    for run in Run.objects.filter(pk=run_id).exclude(trigger=Run.Trigger.ROUTINE):
        failed = RunItem.objects.filter(run=run, outcome=RunItem.Outcome.FAILED).count()
        data = {"run_id": run.pk, "kind": run.kind, "status": str(run.status), "total": run.total, "failed": failed}
        yield NewEvent(RUN_FINISHED, f"run:{run.pk}", data)
