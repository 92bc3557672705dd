"""From what happened to messages that wait: each endpoint gets a message of each event that it wants, once.

Changes come from the change log up to the number that is complete, so none is missed; each endpoint keeps its place.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from carefund.domain.key_expiry import DEVICE, KEY, find_step
from carefund.records.change_order import find_complete_id
from carefund.records.durability import durable
from carefund.records.models import Change, Client, ProdaDevice, WebhookDelivery, WebhookEndpoint, WebhookEvent
from carefund.records.webhooks.events import KEY_EXPIRING, list_events_of

_CHANGES_AT_ONCE = 2000
_CHANGES_PER_MESSAGE = 100
_EVENTS_AT_ONCE = 2000


def feed(now: datetime, environment: str) -> None:
    """Write the messages of whatever happened since the last time, for every endpoint that is on."""
    complete = find_complete_id()
    for endpoint_id, change_id in list(WebhookEndpoint.objects.filter(is_on=True).values_list("pk", "change_id")):
        while change_id != complete and _feed_changes(endpoint_id, now):
            pass
        _feed_expiries(endpoint_id, now, environment)
    while WebhookEvent.objects.exists() and _feed_events(now):
        pass


def _feed_changes(endpoint_id: int, now: datetime) -> bool:
    """Write messages of the next changes. Return whether there may be more."""
    with transaction.atomic():
        endpoint = _lock(endpoint_id)
        complete = find_complete_id()
        if endpoint is None or complete == endpoint.change_id:
            return False
        if complete < endpoint.change_id:  # a backup was restored: what comes now is new
            endpoint.change_id = 0 if complete == 0 else complete
            endpoint.save(update_fields=["change_id"])
            return False
        rows = Change.objects.filter(id__gt=endpoint.change_id, id__lte=complete).order_by("id")
        changes = list(rows.select_related("client")[:_CHANGES_AT_ONCE])
        _write(_list_change_messages(endpoint, changes, now))
        has_more = len(changes) == _CHANGES_AT_ONCE
        endpoint.change_id = changes[-1].pk if has_more else complete
        endpoint.save(update_fields=["change_id"])
    return has_more


def _list_change_messages(
    endpoint: WebhookEndpoint, changes: Sequence[Change], now: datetime
) -> Iterator[WebhookDelivery]:
    """One message for what changed together, of a client and an event."""
    groups: dict[tuple[int, str], list[Change]] = {}
    for change in changes:
        for event in list_events_of(change):
            if event in endpoint.events:
                groups.setdefault((change.client_id, event), []).append(change)
    for (client_id, event), group in groups.items():
        for start in range(0, len(group), _CHANGES_PER_MESSAGE):
            some = group[start : start + _CHANGES_PER_MESSAGE]
            told = {"changes": [_describe_change(change) for change in some]}
            data = _describe_client(endpoint, some[0].client) | told
            yield _message(endpoint, event, f"client:{client_id}", client_id, data, now)


def _describe_change(change: Change) -> dict[str, Any]:
    """What changed, without the values: whoever may read them asks for them."""
    return {
        "change_id": change.pk,
        "kind": change.kind,
        "key": change.key,
        "action": change.action,
        "field": change.field,
        "cause": change.cause,
    }


def _describe_client(endpoint: WebhookEndpoint, client: Client) -> dict[str, Any]:
    ids = {
        "client_id": client.pk,
        "care_recipient_id": client.care_recipient_id,
        "external_reference_id": client.external_reference_id,
    }
    return ids | ({"name": client.full_name} if endpoint.has_names else {})


def _feed_events(now: datetime) -> bool:
    """Write messages of the events that were noted, and remove them. Return whether there may be more."""
    with transaction.atomic():
        locked = WebhookEvent.objects.select_for_update(skip_locked=True, of=("self",)).order_by("id")
        events = list(locked.select_related("client")[:_EVENTS_AT_ONCE])
        endpoints = list(WebhookEndpoint.objects.filter(is_on=True)) if events else []
        _write(
            _message(
                endpoint,
                event.event,
                event.subject,
                event.client_id,
                (_describe_client(endpoint, event.client) if event.client else {}) | event.data,
                event.happened_at,
                now,
            )
            for event in events
            for endpoint in endpoints
            if event.event in endpoint.events
        )
        WebhookEvent.objects.filter(pk__in=[event.pk for event in events]).delete()
    return len(events) == _EVENTS_AT_ONCE


def _feed_expiries(endpoint_id: int, now: datetime, environment: str) -> None:
    """Tell of each key and device that expires, once at each step."""
    for device in ProdaDevice.objects.filter(environment=environment).defer("secrets"):
        for what, at in ((KEY, device.key_expires_at), (DEVICE, device.device_expires_at)):
            if at is None or at < now:
                continue
            days_left = (timezone.localdate(at) - timezone.localdate(now)).days
            step = find_step(days_left)
            if step is None:
                continue
            message_id = f"{KEY_EXPIRING}-{what}-{device.pk}-{at:%Y%m%d}-{step}"
            with transaction.atomic():
                endpoint = _lock(endpoint_id)
                if endpoint is None or KEY_EXPIRING not in endpoint.events:
                    return
                if not endpoint.deliveries.filter(message_id=message_id).exists():
                    data = {"what": what, "expires_at": at.isoformat(), "days_left": days_left}
                    message = _message(endpoint, KEY_EXPIRING, "device", None, data, now)
                    message.message_id = message_id
                    _write([message])


def _lock(endpoint_id: int) -> WebhookEndpoint | None:
    return WebhookEndpoint.objects.select_for_update(of=("self",)).filter(pk=endpoint_id, is_on=True).first()


def _message(
    endpoint: WebhookEndpoint,
    event: str,
    subject: str,
    client_id: int | None,
    data: dict[str, Any],
    happened_at: datetime,
    now: datetime | None = None,
) -> WebhookDelivery:
    return WebhookDelivery(
        endpoint=endpoint,
        message_id=f"msg_{uuid.uuid4().hex}",
        event=event,
        subject=subject,
        client_id=client_id,
        data=data,
        happened_at=happened_at,
        next_attempt_at=now or happened_at,
    )


def _write(messages: Iterable[WebhookDelivery]) -> None:
    """Write messages. They are on the disk before one is sent: after a power cut it comes again under the same id."""
    if written := list(messages):
        with durable():
            WebhookDelivery.objects.bulk_create(written)
