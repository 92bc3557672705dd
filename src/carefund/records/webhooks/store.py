"""Endpoints and messages: added, changed, chosen for sending, and what came of each attempt. No network."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from carefund.domain.webhooks import GIVE_UP_AFTER, OLD_SECRET_COUNTS, make_secret, rest_after, wait_before
from carefund.records.change_order import find_complete_id
from carefund.records.encryption import Cipher
from carefund.records.models import WebhookDelivery, WebhookEndpoint
from carefund.records.not_found import find_one
from carefund.records.webhooks.events import TEST

GONE = 410
_GONE_REASON = "The receiver answered 410 (gone)."
DELIVERIES_ARE_KEPT = timedelta(days=30)
_State = WebhookDelivery.State


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of sending a message: the status of the answer, or why there was none, in a few words."""

    delivery_id: int
    status: int | None = None
    problem: str = ""

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def list_endpoints() -> QuerySet[WebhookEndpoint]:
    """Every endpoint, in the order in which they were added."""
    return WebhookEndpoint.objects.select_related("created_by").order_by("id")


def find_endpoint(endpoint_id: int) -> WebhookEndpoint:
    """Return an endpoint by its number. Raise NotHere."""
    return find_one(list_endpoints().filter(pk=endpoint_id), "There is no webhook with this number.")


def add_endpoint(
    name: str, url: str, events: Sequence[str], cipher: Cipher, *, has_names: bool = False, user: User | None = None
) -> WebhookEndpoint:
    """Add an endpoint with a new secret. It is told what happens from now on."""
    return WebhookEndpoint.objects.create(
        name=name,
        url=url,
        events=list(events),
        has_names=has_names,
        secrets=_encrypt([{"secret": make_secret(), "ends_at": None}], cipher),
        change_id=find_complete_id(),
        created_by=user,
    )


def edit_endpoint(endpoint_id: int, **values: Any) -> WebhookEndpoint:
    """Change the name, the address, the events or whether names are sent. Raise NotHere."""
    with transaction.atomic():
        endpoint = _lock(endpoint_id)
        for name, value in values.items():
            setattr(endpoint, name, value)
        endpoint.save(update_fields=list(values))
    return endpoint


def switch_on(endpoint_id: int) -> WebhookEndpoint:
    """Send again; what happened meanwhile is not told. Raise NotHere."""
    with transaction.atomic():
        endpoint = _lock(endpoint_id)
        if not endpoint.is_on:
            endpoint.is_on, endpoint.off_reason, endpoint.failures = True, "", 0
            endpoint.resting_until, endpoint.change_id = None, find_complete_id()
            endpoint.save()
    return endpoint


def switch_off(endpoint_id: int, reason: str) -> WebhookEndpoint:
    """Send nothing more, and give up what waits. Raise NotHere."""
    with transaction.atomic():
        endpoint = _lock(endpoint_id)
        endpoint.is_on, endpoint.off_reason = False, reason[:120]
        endpoint.save(update_fields=["is_on", "off_reason"])
        waiting = endpoint.deliveries.filter(next_attempt_at__isnull=False)
        waiting.update(state=_State.FAILED, problem="the webhook is off", next_attempt_at=None)
    return endpoint


def remove_endpoint(endpoint_id: int) -> None:
    """Remove an endpoint with its messages. Raise NotHere."""
    find_endpoint(endpoint_id).delete()


def rotate_secret(endpoint_id: int, now: datetime, cipher: Cipher) -> WebhookEndpoint:
    """Sign with a new secret, and for a day with the one before too. Raise NotHere, NotConfigured."""
    with transaction.atomic():
        endpoint = _lock(endpoint_id)
        newest = _decrypt(endpoint, cipher)[0]["secret"]
        ends_at = (now + OLD_SECRET_COUNTS).isoformat()
        kept = [{"secret": make_secret(), "ends_at": None}, {"secret": newest, "ends_at": ends_at}]
        endpoint.secrets = _encrypt(kept, cipher)
        endpoint.save(update_fields=["secrets"])
    return endpoint


def list_secrets(endpoint: WebhookEndpoint, now: datetime, cipher: Cipher) -> list[str]:
    """Return the secrets that count, newest first. Raise NotConfigured when none of the encryption keys fits."""
    return [
        kept["secret"]
        for kept in _decrypt(endpoint, cipher)
        if kept["ends_at"] is None or datetime.fromisoformat(kept["ends_at"]) > now
    ]


def _encrypt(secrets: list[dict[str, Any]], cipher: Cipher) -> bytes:
    return cipher.encrypt(json.dumps(secrets).encode())


def _decrypt(endpoint: WebhookEndpoint, cipher: Cipher) -> list[dict[str, Any]]:
    secrets: list[dict[str, Any]] = json.loads(cipher.decrypt(bytes(endpoint.secrets)))
    return secrets


def list_deliveries(endpoint: WebhookEndpoint, *, before_id: int = 0) -> QuerySet[WebhookDelivery]:
    """The messages to an endpoint, newest first."""
    deliveries = WebhookDelivery.objects.filter(endpoint=endpoint).order_by("-id")
    return deliveries.filter(id__lt=before_id) if before_id else deliveries


def list_gone_endpoints() -> QuerySet[WebhookEndpoint]:
    """The endpoints that are off because their receiver said so, not a person."""
    return list_endpoints().filter(is_on=False, off_reason=_GONE_REASON)


def list_old_deliveries(now: datetime) -> QuerySet[WebhookDelivery]:
    """Messages that nobody looks at any more: delivered or given up, and noted long ago."""
    over = WebhookDelivery.objects.exclude(state=_State.WAITING)
    return over.filter(happened_at__lt=now - DELIVERIES_ARE_KEPT)


@transaction.atomic
def add_test(endpoint_id: int, now: datetime) -> WebhookDelivery:
    """Add a message that says nothing, to try an endpoint. Raise NotHere, also where it is off."""
    endpoint = _lock_on(endpoint_id)
    number = WebhookDelivery.objects.filter(endpoint=endpoint, event=TEST).count()
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        message_id=f"msg_test-{now:%Y%m%dT%H%M%S%f}-{number}",
        event=TEST,
        subject="test",
        happened_at=now,
        next_attempt_at=now,
    )


@transaction.atomic
def send_again(endpoint_id: int, delivery_id: int, now: datetime) -> WebhookDelivery:
    """Let a message wait again, under the id that it had. Raise NotHere, also where the endpoint is off."""
    _lock_on(endpoint_id)
    deliveries = WebhookDelivery.objects.filter(endpoint_id=endpoint_id, pk=delivery_id)
    delivery = find_one(deliveries, "There is no delivery with this number.")
    delivery.state, delivery.attempts, delivery.problem = _State.WAITING, 0, ""
    delivery.first_attempt_at, delivery.next_attempt_at = None, now
    delivery.save()
    WebhookEndpoint.objects.filter(pk=endpoint_id).update(resting_until=None)
    return delivery


def list_due(now: datetime, endpoint_id: int | None = None) -> QuerySet[WebhookDelivery]:
    """Messages to be sent now: of each subject the oldest that waits, if its time has come."""
    waiting = WebhookDelivery.objects.filter(next_attempt_at__isnull=False)
    earlier = waiting.filter(endpoint=OuterRef("endpoint"), subject=OuterRef("subject"), id__lt=OuterRef("id"))
    due = waiting.filter(next_attempt_at__lte=now, endpoint__is_on=True).exclude(endpoint__resting_until__gt=now)
    if endpoint_id is not None:
        due = due.filter(endpoint_id=endpoint_id)
    return due.filter(~Exists(earlier)).order_by("id")


def list_due_endpoints(now: datetime) -> list[int]:
    """The endpoints for which messages wait."""
    return sorted(list_due(now).order_by().values_list("endpoint_id", flat=True).distinct())


def store_attempts(endpoint_id: int, attempts: Iterable[Attempt], now: datetime) -> bool:
    """Store what came of sending some messages. Return whether the endpoint was turned off since it is gone."""
    tried = {attempt.delivery_id: attempt for attempt in attempts}
    with transaction.atomic():
        for delivery in WebhookDelivery.objects.select_for_update(of=("self",)).filter(pk__in=tried):
            _note(delivery, tried[delivery.pk], now)
        got_through = any(attempt.is_delivered for attempt in tried.values())
        endpoint = WebhookEndpoint.objects.select_for_update(of=("self",)).filter(pk=endpoint_id).first()
        if endpoint is None:
            return False
        endpoint.failures = 0 if got_through else min(endpoint.failures + 1, 1000)
        endpoint.resting_until = None if got_through else now + rest_after(endpoint.failures)
        endpoint.save(update_fields=["failures", "resting_until"])
        is_gone = any(attempt.status == GONE for attempt in tried.values())
        if is_gone:
            switch_off(endpoint_id, _GONE_REASON)
    return is_gone


def _note(delivery: WebhookDelivery, attempt: Attempt, now: datetime) -> None:
    delivery.attempts += 1
    delivery.status, delivery.problem = attempt.status, attempt.problem[:120]
    delivery.first_attempt_at, delivery.last_attempt_at = delivery.first_attempt_at or now, now
    if attempt.is_delivered:
        delivery.state, delivery.next_attempt_at = _State.DELIVERED, None
    elif delivery.next_attempt_at is None:
        pass  # given up while it was under way: the webhook was switched off, and sends nothing of before when on
    elif now - delivery.first_attempt_at >= GIVE_UP_AFTER:
        delivery.state, delivery.next_attempt_at = _State.FAILED, None
    else:
        delivery.next_attempt_at = now + wait_before(delivery.attempts)
    delivery.save()


def _lock_on(endpoint_id: int) -> WebhookEndpoint:
    """Lock an endpoint that is on: of one that is off nothing is to wait, or it would be sent once it is on again."""
    found = WebhookEndpoint.objects.select_for_update(of=("self",)).filter(pk=endpoint_id, is_on=True)
    return find_one(found, "There is no webhook with this number, or it is off.")


def _lock(endpoint_id: int) -> WebhookEndpoint:
    found = WebhookEndpoint.objects.select_for_update(of=("self",)).filter(pk=endpoint_id)
    return find_one(found, "There is no webhook with this number.")
