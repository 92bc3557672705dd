"""What an administrator does with webhooks, by page, API or command: each act with its entry in the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from yarl import URL

from carefund.access.audit_log import one_act, store_act
from carefund.domain.webhooks import is_named, is_public
from carefund.records.encryption import Cipher
from carefund.records.models import WebhookDelivery, WebhookEndpoint
from carefund.records.webhooks import store
from carefund.records.webhooks.events import EVENTS

LONGEST_URL = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a webhook shall be like."""

    name: str
    url: str
    events: Sequence[str]
    has_names: bool = False

    @property
    def as_values(self) -> dict[str, Any]:
        return {"name": self.name, "url": self.url, "events": list(self.events), "has_names": self.has_names}

    def find_problems(self) -> dict[str, str]:
        """Return what is wrong, by field."""
        problems = {}
        if not self.name.strip():
            problems["name"] = "say what the webhook is for"
        if problem := find_url_problem(self.url):
            problems["url"] = problem
        if not self.events or set(self.events) - set(EVENTS):
            problems["events"] = "choose at least one of the known events"
        return problems


def find_url_problem(url: str) -> str:
    """Return why messages cannot be sent to an address, as far as it says so itself; "" if they may."""
    try:
        parsed = URL(url)
        host, port = parsed.host, parsed.port
    except ValueError:
        return "is not a valid address"
    if parsed.scheme not in ("https", "http") or not host or not port or len(url) > LONGEST_URL:
        return "must be an https address"
    if parsed.user or parsed.password:
        return "cannot have a username or password"
    if parsed.scheme == "http" and not settings.WEBHOOK_ADDRESSES:
        return "must be an https address"
    try:
        address = ip_address(host)
    except ValueError:  # a name, which is looked up before each delivery
        return ""
    if is_public(address) or is_named(address, settings.WEBHOOK_ADDRESSES):
        return ""
    return "is a private address that CAREFUND_WEBHOOK_ADDRESSES does not allow"


def add(actor: User | None, wanted: Wanted) -> WebhookEndpoint:
    """Add a webhook. Raise NotConfigured without an encryption key."""
    with one_act():
        endpoint = store.add_endpoint(cipher=_cipher(), user=actor, **wanted.as_values)
        store_act(actor, "Webhook added", _name(endpoint.pk), after=wanted.as_values)
    return endpoint


def edit(actor: User | None, endpoint_id: int, wanted: Wanted) -> WebhookEndpoint:
    """Change a webhook. Raise NotHere."""
    with one_act():
        before = store.find_endpoint(endpoint_id)
        values = wanted.as_values
        endpoint = store.edit_endpoint(endpoint_id, **values)
        was = {name: getattr(before, name) for name in values}
        store_act(actor, "Webhook changed", _name(endpoint_id), before=was, after=values)
    return endpoint


def switch(actor: User | None, endpoint_id: int, *, on: bool) -> WebhookEndpoint:
    """Switch a webhook on or off. Raise NotHere."""
    with one_act():
        switched = store.switch_on(endpoint_id) if on else store.switch_off(endpoint_id, "An administrator.")
        store_act(actor, f"Webhook turned {'on' if on else 'off'}", _name(endpoint_id))
    return switched


def remove(actor: User | None, endpoint_id: int) -> None:
    """Remove a webhook and its deliveries. Raise NotHere."""
    with one_act():
        store.remove_endpoint(endpoint_id)
        store_act(actor, "Webhook removed", _name(endpoint_id))


def rotate(actor: User | None, endpoint_id: int) -> WebhookEndpoint:
    """Give a webhook a new secret; the one before counts for a day more. Raise NotHere, NotConfigured."""
    with one_act():
        endpoint = store.rotate_secret(endpoint_id, timezone.now(), _cipher())
        store_act(actor, "Webhook secret replaced", _name(endpoint_id))
    return endpoint


def show_secrets(actor: User | None, endpoint_id: int) -> list[str]:
    """Return the secrets that count, newest first; that they were shown is logged. Raise NotHere, NotConfigured."""
    with one_act():
        secrets = store.list_secrets(store.find_endpoint(endpoint_id), timezone.now(), _cipher())
        store_act(actor, "Webhook secret shown", _name(endpoint_id))
    return secrets


def send_test(actor: User | None, endpoint_id: int) -> WebhookDelivery:
    """Send a message that says nothing. Raise NotHere."""
    with one_act():
        delivery = store.add_test(endpoint_id, timezone.now())
        store_act(actor, "Webhook tested", _name(endpoint_id))
    return delivery


def send_again(actor: User | None, endpoint_id: int, delivery_id: int) -> WebhookDelivery:
    """Send a message again. Raise NotHere."""
    with one_act():
        delivery = store.send_again(endpoint_id, delivery_id, timezone.now())
        store_act(actor, "Webhook message sent again", _name(endpoint_id), after={"delivery": delivery_id})
    return delivery


def _name(endpoint_id: int) -> str:
    return f"webhook {endpoint_id}"


def _cipher() -> Cipher:
    return Cipher(settings.ENCRYPTION_KEYS)
