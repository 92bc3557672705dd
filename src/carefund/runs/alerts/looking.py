"""Look for alerts, as a kind of work: a share of the clients at a time, then all of it is written at once."""

from django.conf import settings
from django.utils import timezone

from carefund.access.roles import may_run_in_bulk
from carefund.records.alerts.finding import Rules, find_by_trend, find_others, list_clients_with_trend
from carefund.records.alerts.store import Looked, find_rules, store_found
from carefund.runs.business_day import business_today
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, request_once
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemResult, WorkKind

NAME = "alerts"
_CLIENTS_AT_ONCE = 250


def request_look(trigger: str) -> Run:
    """Ask for a look at what somebody should know."""
    return request_once(NAME, NewRunItem(NAME), trigger=trigger, scope="alerts")


async def _look(session: Session, item: ClaimedItem) -> ItemResult:
    """Read a share at a time, so that nobody waits for the database meanwhile; write in one transaction."""
    rules, client_ids = await session.database.do(_begin)
    today, found = business_today(), []
    for first in range(0, len(client_ids), _CLIENTS_AT_ONCE):
        share = client_ids[first : first + _CLIENTS_AT_ONCE]
        found += await session.database.do(find_by_trend, share, rules, today)
        await session.report_progress(item, first + len(share), len(client_ids))
        await session.keep(item)
    now = timezone.now()
    hours, zone = settings.STALE_AFTER_HOURS, settings.BUSINESS_TIME_ZONE
    found += await session.database.do(find_others, rules, today, now, hours, zone)
    looked = await session.write(item, store_found, found, now)
    return _describe(looked)


def _begin() -> tuple[Rules, list[int]]:
    rules = find_rules()
    return rules, list_clients_with_trend(rules, business_today())


def _describe(looked: Looked) -> ItemResult:
    outcome = RunItem.Outcome.CHANGED if looked.begun or looked.ended else RunItem.Outcome.UNCHANGED
    message = f"Alerts: {looked.standing:,}. New: {looked.begun:,}. Ended: {looked.ended:,}."
    return ItemResult(outcome, message)


ALERTS = WorkKind(name=NAME, label="Look for alerts", items="looks", work=_look, may_ask=may_run_in_bulk)
