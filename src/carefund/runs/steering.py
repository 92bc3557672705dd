"""What people and other systems may do to a run that is there, by page, API or command.

What the engine itself does to runs, such as going on after an outage, is in requests.py.
"""

from django.contrib.auth.models import User

from carefund.runs.kinds import find_kind
from carefund.runs.models import Run
from carefund.runs.requests import CannotChangeRun, cancel_run, pause_run, resume_run, retry_failures


class MustConfirmAgain(CannotChangeRun):
    """Somebody confirmed this work and proved who they are; to repeat it, it must be confirmed again."""

    def __init__(self, advice: str) -> None:
        super().__init__("Somebody had to confirm this work, so it cannot be retried or resumed.")
        self.advice = advice


def retry(run: Run, requested_by: User | None = None) -> Run:
    """A new run of the same work on what failed in this one. Raises NothingToDo, MustConfirmAgain."""
    _require_repeatable(run)
    return retry_failures(run, requested_by=requested_by)


def resume(run: Run) -> Run:
    """Go on with a paused run. Raises CannotChangeRun if it is over, MustConfirmAgain."""
    _require_repeatable(run)
    return resume_run(run)


def _require_repeatable(run: Run) -> None:
    if advice := find_kind(run.kind).ask_again:
        raise MustConfirmAgain(advice)


STEPS = {"cancel": cancel_run, "pause": pause_run, "resume": resume}
