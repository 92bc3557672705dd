"""Webhooks on pages, by API and at the terminal: added, tried, switched, rotated, and each act in the audit log."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Machine
from django.urls import reverse
from typer.testing import CliRunner

from carefund.access.models import AnsweredCall, AuditEntry
from carefund.access.tokens import create_token
from carefund.cli.main import app
from carefund.records.models import WebhookDelivery, WebhookEndpoint
from tests.browsing import Browser
from tests.conftest import ENCRYPTION_KEY
from tests.console import world

Browse = Callable[[User | None], Browser]
URL = "https://rostering.example/in"
WANTED = {"name": "Rostering", "url": URL, "events": ["budget.changed"]}


@pytest.fixture(autouse=True)
def key(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [ENCRYPTION_KEY]


def test_an_administrator_adds_tries_and_steers_one(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.ada)
    added = browser.post(reverse("console:webhooks"), WANTED, follow=True)
    assert "Webhook added" in added.content.decode()
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.name, endpoint.events, endpoint.has_names, endpoint.is_on) == (
        "Rostering", ["budget.changed"], False, True,
    )  # fmt: skip
    assert "Rostering" in browser.get(reverse("console:webhooks")).content.decode()

    def steer(step: str) -> str:
        answer = browser.post(reverse("console:webhook-steer", args=[endpoint.pk, step]), follow=True)
        assert answer.status_code == 200
        return str(answer.content.decode())

    first = steer("secret")
    assert "whsec_" in first
    assert "whsec_" not in browser.get(reverse("console:webhook", args=[endpoint.pk])).content.decode()
    steer("rotate")
    assert "Previous secret" in steer("secret")
    assert "Waiting" in steer("test")
    delivery = WebhookDelivery.objects.get()
    steer("off")
    assert "Turn on" in browser.get(reverse("console:webhook", args=[endpoint.pk])).content.decode()
    steer("on")
    browser.post(reverse("console:webhook-send-again", args=[endpoint.pk, delivery.pk]))
    delivery.refresh_from_db()
    assert delivery.state == "waiting"
    browser.post(reverse("console:webhook", args=[endpoint.pk]), WANTED | {"has_names": "on"})
    endpoint.refresh_from_db()
    assert endpoint.has_names
    steer("remove")
    assert not WebhookEndpoint.objects.exists()
    acts = list(AuditEntry.objects.order_by("id").values_list("act", flat=True))
    assert [act.removeprefix("Webhook ") for act in acts if act.startswith("Webhook")] == [
        "added", "secret shown", "secret replaced", "secret shown", "tested", "turned off", "turned on",
        "message sent again", "changed", "removed",
    ]  # fmt: skip
    assert browser.post(reverse("console:webhook-steer", args=[endpoint.pk, "pause"])).status_code == 404


@pytest.mark.parametrize("url", ["http://rostering.example/in", "https://10.0.0.1/", "https://u:p@a.example/", "x"])
def test_an_address_that_may_not_be_sent_to_is_refused(browse: Browse, cast: world.Cast, url: str) -> None:
    shown = browse(cast.ada).post(reverse("console:webhooks"), WANTED | {"url": url})
    assert (shown.status_code, WebhookEndpoint.objects.count()) == (200, 0)


def test_only_administrators_see_them(browse: Browse, cast: world.Cast) -> None:
    assert browse(cast.fay).get(reverse("console:webhooks")).status_code == 403


def test_a_token_does_the_same(cast: world.Cast) -> None:
    def ask(method: str, path: str, body: Any = None, scopes: tuple[str, ...] = ("administration",)) -> Any:
        _, text = create_token(cast.ada, "Rostering", scopes=scopes)
        given = {} if body is None else {"data": body, "content_type": "application/json"}
        headers = {"Authorization": f"Bearer {text}", "Idempotency-Key": "1"}
        return getattr(Machine(), method)(f"/api/v1/webhooks{path}", headers=headers, **given)

    assert ask("post", "", WANTED, scopes=("read",)).status_code == 403
    wrong = ask("post", "", WANTED | {"url": "https://127.0.0.1/"})
    assert (wrong.status_code, wrong.json()["problems"][0]["field"]) == (422, "url")
    added = ask("post", "", WANTED)
    number = added.json()["webhook_id"]
    assert (added.status_code, ask("get", f"/{number}").json()) == (201, added.json())
    assert ask("get", "").json() == [added.json()]
    assert ask("put", f"/{number}", WANTED | {"has_names": True}).json()["has_names"] is True
    assert len(ask("get", f"/{number}/secrets").json()["secrets"]) == 1
    ask("post", f"/{number}/rotate-secret")
    assert len(ask("get", f"/{number}/secrets").json()["secrets"]) == 2
    ask("post", f"/{number}/test")
    delivery = ask("get", f"/{number}/deliveries").json()["deliveries"][0]
    assert (delivery["event"], delivery["state"]) == ("test", "waiting")
    assert ask("post", f"/{number}/deliveries/{delivery['delivery_id']}/send-again").status_code == 202
    assert ask("post", f"/{number}/switch-off").json()["is_on"] is False
    assert ask("post", f"/{number}/test").status_code == 409
    assert ask("delete", f"/{number}").status_code == 204
    assert ask("get", f"/{number}").status_code == 404
    assert "whsec_" not in str(list(AnsweredCall.objects.values_list("answer", flat=True)))


def test_the_command_does_the_same(cast: world.Cast) -> None:
    def run(*words: str) -> str:
        done = CliRunner().invoke(app, ["webhooks", *words])
        assert done.exit_code == 0, done.output
        return done.output

    assert "whsec_" in run("add", URL, "--event", "run.finished", "--name", "Reports")
    number = str(WebhookEndpoint.objects.get().pk)
    assert "Reports" in run("list")
    assert '"is_on": true' in run("list", "--json")
    run("test", number)
    assert '"event": "test"' in run("deliveries", number, "--json")
    run("send-again", number, str(WebhookDelivery.objects.get().pk))
    assert "whsec_" in run("rotate", number)
    run("switch", number, "--off")
    assert not WebhookEndpoint.objects.get().is_on
    run("remove", number)
    assert CliRunner().invoke(app, ["webhooks", "add", "ftp://x"]).exit_code == 2
