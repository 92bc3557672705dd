"""What came of a sync or a preview of one client, in one note: its tone, its drawing, and its sentences."""

from dataclasses import dataclass

from carefund.runs.models import RunItem


@dataclass(frozen=True, slots=True)
class Note:
    """A note on a page. `tone` is good, warn, bad or none; `more` is a paragraph of its own."""

    tone: str
    drawing: str
    headline: str = ""
    text: str = ""
    more: str = ""

    @property
    def role(self) -> str:
        """How a screen reader announces it: what went wrong at once."""
        return "alert" if self.tone == "bad" else "status"


_CANCELLED = Note("warn", "ban", "The sync was cancelled.", "Nothing was changed.")
_RESULTS: dict[str, str] = {
    RunItem.Outcome.UNCHANGED: "No changes. These records match Services Australia.",
    RunItem.Outcome.SUPERSEDED: "A newer sync of this client has already finished. Its result is shown.",
}
_RESULTS_FOR_OTHERS: dict[str, str] = {
    RunItem.Outcome.CONSENT_MISSING: "Consent was not given for budget details.",
    RunItem.Outcome.UNCHANGED: "Nothing changed.",
    RunItem.Outcome.SUPERSEDED: "A newer sync of this client has already finished. Its result was kept.",
}


def note_result(item: RunItem) -> Note | None:
    """Return what came of a sync that did not fail; None where consent is missing, which has advice of its own."""
    if item.status == RunItem.Status.CANCELLED:
        return _CANCELLED
    if item.outcome == RunItem.Outcome.CONSENT_MISSING:
        return None
    text = _RESULTS.get(item.outcome, "The records below are up to date.")
    return Note("good", "circle-check", "The sync is finished.", text)


def note_lost_access(item: RunItem) -> Note | None:
    """Return what came of it for whoever may no longer see the client; None while it is still running."""
    if item.status in (RunItem.Status.QUEUED, RunItem.Status.RUNNING):
        return None
    if item.outcome == RunItem.Outcome.FAILED:
        return Note("bad", "circle-x", "The sync failed. Nothing was changed.")
    if item.status == RunItem.Status.CANCELLED:
        return _CANCELLED
    if item.run.is_preview:
        return Note("", "info", "The preview is ready.", "Nothing was changed.")
    text = _RESULTS_FOR_OTHERS.get(item.outcome, "")
    return Note("good", "circle-check", "The sync is finished.", text)


def note_preview(*, refusal: str, is_gone: bool, is_applied: bool, is_others: bool, number: int) -> Note | None:
    """Return what stands in the way of applying a preview, or that it has no changes; None where it can be applied."""
    if refusal:
        return Note("bad", "circle-alert", "Not applied.", refusal)
    if is_gone:
        text = "This preview has expired. Previews are kept for a week. Preview the changes again."
        return Note("", "info", text=text)
    if is_applied:
        return Note("", "info", text="This preview has already been applied.")
    if is_others:
        return Note(
            "warn",
            "lock",
            "Applying this would move the client to another branch.",
            more="The changes are not shown here, and nothing has been changed yet. If you select Sync, the client "
            "moves to the other branch. You will see the result of the sync, but no longer the client.",
        )
    if number:
        return None
    return Note("good", "circle-check", "No changes.", "The stored records match Services Australia.")
