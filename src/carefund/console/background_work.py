"""Work that a page has asked for, as the page shows it: how far it is while it goes on, then what came of it.

A page looks at the work first and at the records afterwards. The other way round, work that ends in between is shown as
over beside records from before, and the page never looks again.
"""

from dataclasses import dataclass
from datetime import datetime

from carefund.runs.kinds import find_kind
from carefund.runs.models import Run, RunItem
from carefund.runs.queries import find_only_item, find_progress, list_messages

_MOST_NOTES = 20


@dataclass(frozen=True, slots=True)
class WorkShown:
    """A run in a few words. `done` of `of` are its steps, 0 of 0 while not known; `notes` say what came of it.

    `finished_at` is when the work ended, which is a moment before its run is closed."""

    run: Run
    label: str
    done: int
    of: int
    message: str
    is_over: bool
    has_failed: bool = False
    is_cancelled: bool = False
    advice: str = ""
    notes: tuple[str, ...] = ()
    finished_at: datetime | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether there is more to come."""
        return not self.is_over


def describe_item(item: RunItem | None) -> WorkShown | None:
    """The work on one thing."""
    if item is None:
        return None
    return WorkShown(
        item.run,
        find_kind(item.run.kind).label,
        item.steps_done,
        item.steps,
        item.message,
        is_over=item.status in (RunItem.Status.DONE, RunItem.Status.CANCELLED),
        has_failed=item.outcome == RunItem.Outcome.FAILED,
        is_cancelled=item.status == RunItem.Status.CANCELLED,
        advice=item.advice,
        notes=tuple(item.warnings),
        finished_at=item.finished_at or item.run.finished_at,
    )


def describe_run(run: Run | None, now: datetime) -> WorkShown | None:
    """The work on many things, or on one."""
    if run is None:
        return None
    if run.total == 1:
        return describe_item(find_only_item(run))
    progress = find_progress(run, now)
    return WorkShown(
        run,
        find_kind(run.kind).label,
        progress.done,
        progress.total,
        f"{progress.done:,} of {progress.total:,} done, {progress.changed:,} changed, {progress.failed:,} failed.",
        is_over=run.is_over,
        is_cancelled=run.status == Run.Status.CANCELLED,
        notes=tuple(list_messages(run, _MOST_NOTES)) if run.is_over else (),
        finished_at=run.finished_at,
    )
