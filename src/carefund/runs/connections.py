"""The test of a funder's connection as a kind of work: the device asks PRODA for a new token."""

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from carefund.access.roles import may_administer
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.registry import find_funder
from carefund.runs.funder_sessions import check_funder
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.queries import find_shown_item
from carefund.runs.requests import NewRunItem, request_once
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemResult, WorkKind

_NAME = "connection-test"


def request_connection_test(funder: str, requested_by: User) -> Run:
    """Ask for it; a test of this funder that is not over is joined."""
    scope = f"connection to {find_funder(funder).label}"
    item = NewRunItem(f"funder:{funder}")
    return request_once(_NAME, item, trigger=Run.Trigger.ON_DEMAND, scope=scope, requested_by=requested_by)


def find_shown_test(funder: str) -> RunItem | None:
    """The test under way, or the last one if it ended a short while ago."""
    return find_shown_item(f"funder:{funder}", timezone.now())


async def _test(session: Session, item: ClaimedItem) -> ItemResult:
    """What stands in the way is the failure of the item, with its advice."""
    access = await check_funder(find_funder(item.held_id))
    if access.missing:
        raise NotConfigured("\n".join(sentence for _, sentence in access.missing))
    if access.problem:
        raise access.problem
    message = "The connection to PRODA works: it issued a new token."
    if access.token_expires_at:
        until = access.token_expires_at.astimezone(settings.BUSINESS_TIME_ZONE)
        message = f"The connection to PRODA works: it issued a new token that expires on {until:%-d %B %Y at %H:%M}."
    return ItemResult(RunItem.Outcome.UNCHANGED, message)


# It opens its own way to PRODA, so no client of the funder is needed: one that cannot be opened is what it shall say.
CONNECTION_TEST = WorkKind(name=_NAME, label="Connection test", items="connections", work=_test, may_ask=may_administer)
