"""Badges: how something stands, as a word in a colour. One table for each kind of thing; loaded into every template."""

from datetime import datetime, timedelta

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carefund.console.labels import name_value
from carefund.console.templatetags.marks import icon, icon_in
from carefund.domain.care_recipient.identity import IdentityState
from carefund.domain.claims.matching import LineState
from carefund.domain.claims.money import CLOSES_SOON_DAYS
from carefund.domain.claims.statuses import (
    APPROVED,
    BEING_CALCULATED,
    CANCELLED,
    COMPLETED,
    PENDING_APPROVAL,
    write_claim_status,
)
from carefund.domain.key_expiry import STEPS
from carefund.domain.wording import many
from carefund.records.claims.claimed_lines import LineRow
from carefund.records.models import ClaimBatch, PaceComparison, ProdaDevice
from carefund.runs.models import Run, RunItem

_EXPIRES_SOON = timedelta(days=STEPS[0])

_RUN = {
    Run.Status.FINISHED: ("Finished", "good", "circle-check"),
    Run.Status.RUNNING: ("Running", "info", "refresh-cw"),
    Run.Status.QUEUED: ("Waiting", "", "clock"),
    Run.Status.PAUSED: ("Paused", "warn", "pause"),
    Run.Status.CANCELLED: ("Cancelled", "", "ban"),
}
_CLAIM = {
    COMPLETED: ("good", "circle-check"),
    APPROVED: ("good", "check"),
    CANCELLED: ("bad", "ban"),
    PENDING_APPROVAL: ("info", "clock"),
    BEING_CALCULATED: ("info", "clock"),
}
_IDENTITY = {
    IdentityState.IN_STEP: ("good", "check"),
    IdentityState.CLOSE: ("info",),
    IdentityState.DIFFERS: ("warn", "triangle-alert"),
    IdentityState.NOT_FOUND: ("bad", "circle-alert"),
}
_BATCH = {
    ClaimBatch.State.PREPARED: ("Prepared", "brand"),
    ClaimBatch.State.SENDING: ("Sending", "info"),
    ClaimBatch.State.CLAIMED: ("Claimed", "good"),
    ClaimBatch.State.CANCELLED: ("Claim cancelled", "bad"),
    ClaimBatch.State.WITHDRAWN: ("Withdrawn", ""),
}
_ITEM: dict[str, str] = {
    RunItem.Outcome.FAILED: "bad",
    RunItem.Outcome.CONSENT_MISSING: "warn",
    RunItem.Outcome.CHANGED: "info",
}
_LINE = {LineState.DRAWN: "good", LineState.USAGE_AWAITED: "info"}

register = template.Library()


def write_badge(text: str, tone: str = "", drawing: str = "") -> SafeString:
    """Return a badge; `tone` is good, info, warn or bad, `drawing` the name of an icon."""
    tone = f" {tone}" if tone else ""
    return format_html('<span class="badge{}">{}{}</span>', tone, icon(drawing) if drawing else "", text)


@register.simple_tag
def run_badge(run: Run) -> SafeString:
    """Return how far a run is."""
    return write_badge(*_RUN[Run.Status(run.status)])


@register.filter
def item_state(item: RunItem) -> str:
    """Return what came of an item of a run, or how far it is."""
    return name_value(item.outcome if item.status == RunItem.Status.DONE else item.status)


@register.simple_tag
def item_badge(item: RunItem) -> SafeString:
    """Return what came of an item of a run; how far it is while nothing came of it."""
    return write_badge(name_value(item.outcome or item.status), _ITEM.get(item.outcome, ""))


@register.simple_tag
def item_icon(item: RunItem) -> SafeString:
    """Return the drawing beside what came of an item."""
    if item.outcome == RunItem.Outcome.FAILED:
        return icon_in("circle-x", "bad")
    if item.status != RunItem.Status.DONE:
        return icon("clock")
    return icon("lock") if item.outcome == RunItem.Outcome.CONSENT_MISSING else icon_in("circle-check", "good")


@register.simple_tag
def comparison_badge(comparison: PaceComparison) -> SafeString:
    """Return how a service contract compares with PACE."""
    if comparison.outcome == PaceComparison.Outcome.IN_STEP:
        return write_badge("Matches PACE", "good", "check")
    if comparison.outcome == PaceComparison.Outcome.DIFFERENT:
        return write_badge(many(comparison.number_of_differences, "difference"), "warn")
    return write_badge("Failed", "bad")


@register.simple_tag
def identity_badge(state: IdentityState, subject: str = "") -> SafeString:
    """Return how a client's name and date of birth stand to the funder's, after `subject` where it stands alone."""
    words = f"{subject} {state.label.lower()}" if subject else state.label
    return write_badge(words, *_IDENTITY.get(state, ("",)))


@register.simple_tag
def claim_badge(status: str) -> SafeString:
    """Return how far a claim is; a status that nobody knows stands as the funder wrote it."""
    if status not in _CLAIM:
        return write_badge(status or "Unknown", "warn")
    return write_badge(write_claim_status(status), *_CLAIM[status])


@register.simple_tag
def batch_badge(batch: ClaimBatch) -> SafeString:
    """Return how far a batch is, or that its sending stopped."""
    state = ClaimBatch.State(batch.state)
    if batch.problem_code and state is not ClaimBatch.State.CLAIMED:
        return write_badge("Stopped", "warn", "triangle-alert")
    return write_badge(*_BATCH[state])


@register.simple_tag
def line_badge(row: LineRow) -> SafeString:
    """Return how a claimed line stands between what was claimed, paid and drawn."""
    return write_badge(row.state.value.capitalize(), "bad" if row.is_exception else _LINE.get(row.state, ""))


@register.simple_tag
def window_badge(days_left: int | None) -> SafeString | str:
    """Return how many days are left to claim a line."""
    if days_left is None:
        return format_html('<span class="unknown">{}</span>', "–")
    if days_left < 0:
        return write_badge("Window closed", "bad")
    left = f"{many(days_left, 'day')} left"
    return write_badge(left, "warn") if days_left <= CLOSES_SOON_DAYS else left


@register.simple_tag
def pool_badge(status: str) -> SafeString:
    """Return the status of a care management budget, as Services Australia gives it."""
    if not status:
        return format_html('<span class="unknown">{}</span>', "Not given")
    return write_badge(status.capitalize(), "good" if status.lower() == "open" else "")


@register.simple_tag
def device_badge(device: ProdaDevice, now: datetime) -> SafeString | str:
    """Return how a PRODA device stands: whether it or its key expires is what matters first."""
    expiries = (("Device", device.device_expires_at), ("Key", device.key_expires_at))
    for words, tone, until in (("expired", "bad", now), ("expires soon", "warn", now + _EXPIRES_SOON)):
        for what, at in expiries:
            if at and at < until:
                return write_badge(f"{what} {words}", tone)
    return write_badge(device.status.capitalize(), "good") if device.status else ""
