"""Deliver what waits, as a kind of work: an endpoint is an item, its messages go out several at a time.

Messages about one client go in their order: the next is sent once the one before has arrived or was given up.
"""

import asyncio
import time
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from carefund.access.audit_log import CAREFUND, store_act
from carefund.access.roles import may_administer
from carefund.funders.errors.configuring import NotConfigured
from carefund.records.encryption import Cipher
from carefund.records.models import WebhookDelivery, WebhookEndpoint
from carefund.records.not_found import NotHere
from carefund.records.webhooks.feeding import feed
from carefund.records.webhooks.store import (
    Attempt,
    find_endpoint,
    list_due,
    list_due_endpoints,
    list_endpoints,
    list_secrets,
    store_attempts,
)
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, has_open_run, request_work
from carefund.runs.sessions import Session
from carefund.runs.webhooks.sending import open_sender
from carefund.runs.work_kind import ItemFailed, ItemResult, WorkKind

NAME = "webhooks"
_AT_ONCE = 8
_SECONDS_PER_ENDPOINT = 60.0  # then it is another's turn


def request_deliveries(now: datetime) -> Run | None:
    """Write the messages of what happened, and ask for the delivery of what is due. Return the run, if one was made."""
    if not list_endpoints().filter(is_on=True).exists():
        return None
    feed(now, settings.FUNDER_ENVIRONMENT)
    due = list_due_endpoints(now)
    if not due or has_open_run(NAME, Run.Trigger.ROUTINE):
        return None
    items = [NewRunItem(f"webhook:{endpoint_id}") for endpoint_id in due]
    return request_work(NAME, items, trigger=Run.Trigger.ROUTINE, scope="webhooks with waiting messages")


async def _deliver(session: Session, item: ClaimedItem) -> ItemResult:
    """Send what is due to an endpoint, for a minute at most, or until nothing gets through."""
    found = await session.database.do(_find, int(item.held_id))
    if found is None:
        return ItemResult(RunItem.Outcome.UNCHANGED, "This webhook is off.")
    endpoint, secrets = found
    until, sent, failed = time.monotonic() + _SECONDS_PER_ENDPOINT, 0, 0
    async with open_sender(endpoint, secrets, settings.WEBHOOK_ADDRESSES) as sender:
        while time.monotonic() < until:
            due = await session.database.do(_list_due, endpoint.pk)
            if not due:
                break
            await session.keep(item)
            attempts = await asyncio.gather(*(sender.send(delivery) for delivery in due))
            await session.write(item, _store, endpoint, attempts)
            sent += sum(attempt.is_delivered for attempt in attempts)
            failed += sum(not attempt.is_delivered for attempt in attempts)
    return ItemResult(RunItem.Outcome.CHANGED, f"Messages delivered: {sent}. Failed attempts: {failed}.")


def _find(endpoint_id: int) -> tuple[WebhookEndpoint, list[str]] | None:
    try:
        endpoint = find_endpoint(endpoint_id)
        if not endpoint.is_on:
            return None
        return endpoint, list_secrets(endpoint, timezone.now(), Cipher(settings.ENCRYPTION_KEYS))
    except NotHere:
        return None
    except NotConfigured as problem:
        raise ItemFailed(problem.code, problem.message, problem.advice) from None


def _list_due(endpoint_id: int) -> list[WebhookDelivery]:
    return list(list_due(timezone.now(), endpoint_id)[:_AT_ONCE])


def _store(endpoint: WebhookEndpoint, attempts: list[Attempt]) -> None:
    if store_attempts(endpoint.pk, attempts, timezone.now()):
        after = {"reason": "the receiver answered 410 (gone)"}
        store_act(CAREFUND, "Webhook turned off", f"webhook {endpoint.pk}", after=after)


WEBHOOKS = WorkKind(name=NAME, label="Deliver webhooks", items="webhooks", work=_deliver, may_ask=may_administer)
