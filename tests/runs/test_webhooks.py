"""Messages to other systems, against receivers that really listen: each once, in order, signed, and never elsewhere."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from threading import Thread
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import override_settings
from django.utils import timezone

from carefund.access.encryption_keys import reencrypt
from carefund.access.models import AuditEntry
from carefund.records.encryption import Cipher
from carefund.records.models import (
    Change,
    Client,
    ProdaDevice,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from carefund.records.not_found import NotHere
from carefund.records.webhooks.events import EVENTS, NewEvent, note_events
from carefund.records.webhooks.feeding import feed
from carefund.records.webhooks.store import (
    Attempt,
    add_endpoint,
    add_test,
    list_due,
    list_secrets,
    rotate_secret,
    send_again,
    store_attempts,
    switch_off,
    switch_on,
)
from carefund.runs.models import Run
from carefund.runs.requests import cancel_run, request_run
from carefund.runs.webhooks.delivering import request_deliveries
from carefund.runs.webhooks.sending import AddressRefused, open_sender, resolve
from tests.conftest import ENCRYPTION_KEY

pytestmark = pytest.mark.django_db
LOOPBACK = [ip_network("127.0.0.0/8")]
CIPHER = Cipher([ENCRYPTION_KEY])


class Receiver(ThreadingHTTPServer):
    """Another system: it keeps what it got, and answers with `status`, after `seconds`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], Any]] = []
        self.status, self.seconds, self.headers = 204, 0.0, {}
        self.url = f"http://127.0.0.1:{self.server_port}/in"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        named = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((named | {"body": body.decode(), "path": self.path}, json.loads(body)))
        time.sleep(self.server.seconds)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def add(receiver: Receiver) -> Callable[..., WebhookEndpoint]:
    def add_one(*events: str, url: str = "", **values: Any) -> WebhookEndpoint:
        return add_endpoint("Rostering", url or receiver.url, events or list(EVENTS), CIPHER, **values)

    return add_one


def change(client: Client, kind: str = "budgets", **values: Any) -> Change:
    return Change.objects.create(
        client=client, kind=kind, action="changed", field="used", fetched_at=timezone.now(), **values
    )


def waiting() -> list[WebhookDelivery]:
    return list(WebhookDelivery.objects.order_by("id"))


def deliver(endpoint: WebhookEndpoint, *, allowed: Any = LOOPBACK) -> list[Attempt]:
    """Send what is due and store what came of it, as the kind of work does, without its threads."""
    due = list(list_due(timezone.now(), endpoint.pk))
    secrets = list_secrets(endpoint, timezone.now(), CIPHER)

    async def send() -> list[Attempt]:
        async with open_sender(endpoint, secrets, allowed) as sender:
            return await asyncio.gather(*(sender.send(delivery) for delivery in due))

    attempts = asyncio.run(send())
    store_attempts(endpoint.pk, attempts, timezone.now())
    endpoint.refresh_from_db()
    return attempts


def test_what_changed_together_is_one_message_signed_and_without_values(receiver: Receiver, add: Any, add_client: Any):
    endpoint = add("budget.changed", "plan.changed")
    client = add_client("400000001", external_reference_id="HR-1")
    ids = [change(client, before="1.00", after="2.00").pk, change(client, "entitlements").pk]
    change(client, "plan")
    change(client, "client")
    feed(timezone.now(), "sandbox")
    deliver(endpoint)
    deliver(endpoint)
    headers, body = receiver.got[0]
    assert [got["type"] for _, got in receiver.got] == ["budget.changed", "plan.changed"]
    data = body["data"]
    assert (data["client_id"], data["external_reference_id"], "name" in data) == (client.pk, "HR-1", False)
    assert [changed["change_id"] for changed in data["changes"]] == ids
    assert "2.00" not in headers["body"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{headers['body']}".encode()
    key = base64.b64decode(list_secrets(endpoint, timezone.now(), CIPHER)[0].removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


def test_nothing_is_told_twice_or_of_before(receiver: Receiver, add: Any, add_client: Any):
    client = add_client("400000001")
    change(client)
    endpoint = add("budget.changed")
    feed(timezone.now(), "sandbox")
    assert not waiting()
    change(client)
    feed(timezone.now(), "sandbox")
    feed(timezone.now(), "sandbox")
    assert len(waiting()) == 1
    deliver(endpoint)
    assert (deliver(endpoint), len(receiver.got)) == ([], 1)


def test_names_are_sent_by_choice_alone(receiver: Receiver, add: Any, add_client: Any):
    endpoint = add("budget.changed", has_names=True)
    change(add_client("400000001"))
    feed(timezone.now(), "sandbox")
    deliver(endpoint)
    assert receiver.got[0][1]["data"]["name"] == "Wilma Example"


def test_a_first_sync_tells_of_plan_and_budget(add: Any, add_client: Any):
    add()
    client = add_client("400000001")
    Change.objects.create(client=client, kind="client", action=Change.FIRST, fetched_at=timezone.now())
    feed(timezone.now(), "sandbox")
    assert {delivery.event for delivery in waiting()} == {"plan.changed", "budget.changed"}


def test_one_clients_messages_keep_their_order_and_hold_up_nobody_else(receiver: Receiver, add: Any, add_client: Any):
    endpoint = add("budget.changed")
    first, other = add_client("400000001"), add_client("400000002")
    for client in (first, other):
        change(client)
        feed(timezone.now(), "sandbox")
    change(first)
    feed(timezone.now(), "sandbox")
    of_first, of_other, later = waiting()
    assert list(list_due(timezone.now())) == [of_first, of_other]
    store_attempts(endpoint.pk, [Attempt(of_first.pk, 500), Attempt(of_other.pk, 204)], timezone.now())
    assert not list(list_due(timezone.now())), "the one before comes first"
    soon = timezone.now() + timedelta(seconds=6)
    assert list(list_due(soon)) == [of_first]
    store_attempts(endpoint.pk, [Attempt(of_first.pk, 200)], soon)
    assert list(list_due(soon)) == [later]


def test_a_failed_message_is_tried_for_a_day_then_given_up(add: Any, add_client: Any):
    endpoint = add("budget.changed")
    change(add_client("400000001"))
    now = timezone.now()
    feed(now, "sandbox")
    attempts = 0
    for _ in range(400):
        due = list(list_due(now))
        if due:
            store_attempts(endpoint.pk, [Attempt(due[0].pk, problem="no connection")], now)
            attempts += 1
        now += timedelta(minutes=5)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("failed", attempts)
    assert 12 < attempts < 30
    assert timedelta(days=1) <= delivery.last_attempt_at - delivery.first_attempt_at < timedelta(hours=27)


@pytest.mark.parametrize(
    ("status", "headers", "problem"),
    [
        (500, {}, "status 500"),
        (404, {}, "status 404"),
        (302, {"Location": "http://127.0.0.1:1/"}, "redirects are not followed"),
    ],
)
def test_whatever_is_no_success_is_tried_again(
    receiver: Receiver, add: Any, status: int, headers: dict[str, str], problem: str
):
    endpoint = add("run.finished")
    note_events([NewEvent("run.finished", "run:1", {"run_id": 1})])
    feed(timezone.now(), "sandbox")
    receiver.status, receiver.headers = status, headers
    deliver(endpoint)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.status, delivery.problem) == ("waiting", status, problem)
    assert (len(receiver.got), endpoint.failures) == (1, 1)
    assert not list(list_due(timezone.now())), "it rests"
    receiver.status = 200
    send_again(endpoint.pk, delivery.pk, timezone.now())
    deliver(endpoint)
    assert receiver.got[0][0]["webhook-id"] == receiver.got[1][0]["webhook-id"]
    assert (WebhookDelivery.objects.get().state, endpoint.failures) == ("delivered", 0)


def test_one_that_hangs_is_left_in_time(receiver: Receiver, add: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("carefund.runs.webhooks.sending._SECONDS", 0.2)
    endpoint = add("run.finished")
    note_events([NewEvent("run.finished", "run:1", {})])
    feed(timezone.now(), "sandbox")
    receiver.seconds = 1.0
    assert [attempt.problem for attempt in deliver(endpoint)] == ["no answer in time"]


def test_410_switches_off_until_somebody_switches_on(receiver: Receiver, add: Any, add_client: Any):
    endpoint, client = add("budget.changed"), add_client("400000001")
    change(client)
    feed(timezone.now(), "sandbox")
    receiver.status = 410
    deliver(endpoint)
    assert (endpoint.is_on, "410" in endpoint.off_reason) == (False, True)
    change(client)
    feed(timezone.now(), "sandbox")
    assert [delivery.state for delivery in waiting()] == ["failed"]
    switch_on(endpoint.pk)
    feed(timezone.now(), "sandbox")
    assert len(waiting()) == 1, "what happened meanwhile is not told"
    change(client)
    feed(timezone.now(), "sandbox")
    assert len(waiting()) == 2


@pytest.mark.parametrize("status", [500, 204, None])
def test_what_was_under_way_when_it_was_switched_off_is_not_sent_later(add: Any, add_client: Any, status: int | None):
    endpoint = add("budget.changed")
    change(add_client("400000001"))
    feed(timezone.now(), "sandbox")
    [delivery] = list_due(timezone.now())
    switch_off(endpoint.pk, "An administrator.")
    store_attempts(endpoint.pk, [Attempt(delivery.pk, status, problem="no answer in time")], timezone.now())
    switch_on(endpoint.pk)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.next_attempt_at) == ("delivered" if status == 204 else "failed", None)
    assert not list_due(timezone.now() + timedelta(days=2))


def test_nothing_waits_for_a_webhook_that_is_off(add: Any):
    endpoint = add("run.finished")
    delivery = add_test(endpoint.pk, timezone.now())
    switch_off(endpoint.pk, "An administrator.")
    with pytest.raises(NotHere):
        add_test(endpoint.pk, timezone.now())
    with pytest.raises(NotHere):
        send_again(endpoint.pk, delivery.pk, timezone.now())
    switch_on(endpoint.pk)
    assert not list_due(timezone.now())
    send_again(endpoint.pk, delivery.pk, timezone.now())
    assert list(list_due(timezone.now())) == [delivery]


def test_private_addresses_are_not_sent_to_unless_allowed(receiver: Receiver, add: Any):
    endpoint = add("run.finished")
    note_events([NewEvent("run.finished", "run:1", {})])
    feed(timezone.now(), "sandbox")
    assert [attempt.problem for attempt in deliver(endpoint, allowed=[])] == ["the address may not be sent to"]
    assert not receiver.got


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "http://8.8.8.8/x",
        "https://user:secret@8.8.8.8/x",
        "ftp://8.8.8.8/x",
        "https://8.8.8.8:99999/x",
        "https://nobody.invalid/x",
        "not an address",
    ],
)
def test_no_spelling_leads_elsewhere(url: str):
    with pytest.raises(AddressRefused):
        asyncio.run(resolve(url, []))


def test_what_was_looked_up_is_what_is_called(receiver: Receiver, add: Any, monkeypatch: pytest.MonkeyPatch):
    """A name that leads elsewhere at its second look, as an attacker's would, is looked up once."""
    looked_up: list[str] = []

    async def look_up(loop: Any, host: str, port: int, **_: Any) -> list[Any]:
        looked_up.append(host)
        return [(2, 1, 6, "", ("127.0.0.1" if len(looked_up) == 1 else "127.0.0.2", port))]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", look_up)
    endpoint = add("run.finished", url=receiver.url.replace("127.0.0.1", "rostering.example"))
    note_events([NewEvent("run.finished", f"run:{number}", {}) for number in range(3)])
    feed(timezone.now(), "sandbox")
    assert all(attempt.is_delivered for attempt in deliver(endpoint))
    assert (looked_up, len(receiver.got)) == (["rostering.example"], 3)
    assert receiver.got[0][0]["host"].startswith("rostering.example")


def test_for_a_day_both_secrets_sign(receiver: Receiver, add: Any):
    endpoint = add("run.finished")
    before = list_secrets(endpoint, timezone.now(), CIPHER)
    endpoint = rotate_secret(endpoint.pk, timezone.now(), CIPHER)
    both = list_secrets(endpoint, timezone.now(), CIPHER)
    assert (len(both), both[1:]) == (2, before)
    assert list_secrets(endpoint, timezone.now() + timedelta(hours=25), CIPHER) == both[:1]
    note_events([NewEvent("run.finished", "run:1", {})])
    feed(timezone.now(), "sandbox")
    deliver(endpoint)
    assert len(receiver.got[0][0]["webhook-signature"].split()) == 2
    assert before[0].encode() not in bytes(endpoint.secrets)


def test_secrets_get_the_new_encryption_key(add: Any):
    endpoint = add()
    key = Fernet.generate_key().decode()
    assert reencrypt([key, ENCRYPTION_KEY]).changed == 1
    endpoint.refresh_from_db()
    assert list_secrets(endpoint, timezone.now(), Cipher([key]))


def test_events_are_noted_where_they_happen(add: Any, add_client: Any):
    client = add_client("400000001")
    run = request_run(trigger="bulk", clients=[client], scope="test")
    cancel_run(run)
    assert not WebhookEvent.objects.exists(), "nobody wants to know"
    add()
    cancel_run(request_run(trigger="bulk", clients=[client], scope="test"))
    cancel_run(request_run(trigger="routine", clients=[client], scope="test"))
    event = WebhookEvent.objects.get()
    assert (event.event, event.data["status"], event.data["total"]) == ("run.finished", "cancelled", 1)


@pytest.mark.parametrize("what", ["key", "device"])
def test_an_expiring_key_is_told_once_at_each_of_four_steps(add: Any, what: str):
    add("key.expiring")
    expires_at = timezone.now() + timedelta(days=32)
    ProdaDevice.objects.create(environment="sandbox", **{f"{what}_expires_at": expires_at})
    ProdaDevice.objects.create(environment="vendor", **{f"{what}_expires_at": expires_at})
    for half_days in range(68):
        feed(timezone.now() + timedelta(days=half_days / 2), "sandbox")
    told = [delivery.data for delivery in waiting()]
    assert [(data["what"], data["days_left"]) for data in told] == [(what, step) for step in (30, 14, 7, 1)]
    assert {data["expires_at"] for data in told} == {expires_at.isoformat()}


def test_a_webhook_that_comes_late_is_told_the_step_of_the_day_alone(add: Any):
    now = timezone.now()
    ProdaDevice.objects.create(environment="sandbox", key_expires_at=now + timedelta(days=5))
    ProdaDevice.objects.create(environment="sandbox", device_name="dead", key_expires_at=now - timedelta(days=5))
    add("key.expiring")
    feed(now, "sandbox")
    assert [delivery.data["days_left"] for delivery in waiting()] == [5]


def test_messages_go_with_the_client(add: Any, add_client: Any):
    add("budget.changed")
    client = add_client("400000001")
    change(client)
    feed(timezone.now(), "sandbox")
    client.delete()
    assert not waiting()


@pytest.mark.django_db(transaction=True)
def test_the_hall_delivers_and_notes_who_is_gone(
    receiver: Receiver, add: Any, add_client: Any, carry_out: Callable[..., Run]
):
    with override_settings(ENCRYPTION_KEYS=[ENCRYPTION_KEY], WEBHOOK_ADDRESSES=LOOPBACK):
        assert request_deliveries(timezone.now()) is None
        endpoint, client = add("budget.changed"), add_client("400000001")
        for _ in range(3):
            change(client)
            feed(timezone.now(), "sandbox")
        run = request_deliveries(timezone.now())
        assert run is not None
        assert request_deliveries(timezone.now()) is None, "it is asked for already"
        item = carry_out(run).items.get()
        assert (item.outcome, item.message) == ("changed", "Messages delivered: 3. Failed attempts: 0.")
        numbers = [got["data"]["changes"][0]["change_id"] for _, got in receiver.got]
        assert numbers == sorted(numbers)
        receiver.status = 410
        change(client)
        gone = request_deliveries(timezone.now())
        assert gone is not None
        carry_out(gone)
    endpoint.refresh_from_db()
    assert not endpoint.is_on
    assert AuditEntry.objects.get(act="Webhook turned off").user_name == "Carefund"
