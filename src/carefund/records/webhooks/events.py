"""Which events there are, and how one is noted where it happens. The change log feeds those of budgets and plans."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from carefund.records.models import Change, WebhookEndpoint, WebhookEvent

BUDGET_CHANGED, PLAN_CHANGED = "budget.changed", "plan.changed"
CONTRACT_DIFFERS = "contract.differs"
SYNC_FAILED, RUN_FINISHED = "sync.failed", "run.finished"
CLAIM_APPROVED, CLAIM_REFUSED = "claim.approved", "claim.refused"
KEY_EXPIRING = "key.expiring"
TEST = "test"

EVENTS = {
    BUDGET_CHANGED: "A client's budget, entitlement or usage changed",
    PLAN_CHANGED: "A client's plan, classification, approved service, supplement or contribution changed",
    CONTRACT_DIFFERS: "A service contract differs from PACE",
    SYNC_FAILED: "A client's sync failed",
    RUN_FINISHED: "A run finished or was cancelled (not routine runs)",
    CLAIM_APPROVED: "A claim was approved",
    CLAIM_REFUSED: "Lines of a claim were refused",
    KEY_EXPIRING: "The PRODA key or device expires: 30, 14, 7 and 1 days ahead",
}
# Kinds of records in the change log, by the event that tells of them.
CHANGES = {
    "budgets": BUDGET_CHANGED,
    "entitlements": BUDGET_CHANGED,
    "budget_usage": BUDGET_CHANGED,
    "plan": PLAN_CHANGED,
    "classifications": PLAN_CHANGED,
    "approved_services": PLAN_CHANGED,
    "supplements": PLAN_CHANGED,
    "individual_contributions": PLAN_CHANGED,
}


def list_events_of(change: Change) -> list[str]:
    """Return the events that a row of the change log is told by; a first sync is one row for all records."""
    if change.kind == "client" and change.action == Change.FIRST:
        return [PLAN_CHANGED, BUDGET_CHANGED]
    return [CHANGES[change.kind]] if change.kind in CHANGES else []


class NewEvent(NamedTuple):
    """Something that happened: what messages about the same `subject` are kept in order by, and ids alone as data."""

    event: str
    subject: str
    data: dict[str, Any]
    client_id: int | None = None


def note_events(events: Iterable[NewEvent]) -> None:
    """Note what happened, to be told once the transaction at hand ends. Without endpoints nothing is written."""
    if WebhookEndpoint.objects.filter(is_on=True).exists():
        WebhookEvent.objects.bulk_create(WebhookEvent(**event._asdict()) for event in events)
