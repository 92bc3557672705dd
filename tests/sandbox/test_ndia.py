"""The sandbox's NDIA: money over time, relationships, events, and a trace of neither in anything else."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.sandbox.conftest import Client

NDIA = "https://sandbox.carefund.example/ndia"


class Ndia:
    """A minimal client of the NDIA."""

    def __init__(self, sandbox: Client) -> None:
        self.sandbox = sandbox
        self.token = sandbox.ask_token(sandbox.assertion(NDIA)).json["access_token"]

    def get(self, path: str, who: dict[str, Any], **headers: str | None) -> Any:
        query = f"participant={who['ndisNumber']}&participant_surname={who['surname']}&date_of_birth={who['birthDate']}"
        sent = {"Authorization": f"Bearer {self.token}", "X-IBM-Client-Id": "carefund-sandbox-client"}
        sent |= {"Accept": "application/json", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items() if value}
        sent = {name: value for name, value in sent.items() if headers.get(name.replace("-", "_"), "x") is not None}
        return self.sandbox.call("GET", f"/ndia/{path}?{query}", headers=sent)

    def budget(self, who: dict[str, Any]) -> dict[str, Any]:
        return self.get("ext-int-part/5.0/pace/budget/", who).json["result"]

    def category(self, who: dict[str, Any], name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        for kind in self.budget(who)["bgt_typ_lvl_dtls"]:
            for hand in kind["plan_management"]:
                for support in hand["supp_typ_lvl_dtls"]:
                    found += support["supp_cat_lvl_dtls"]
        return next(row for row in found if row["support_category_text"] == name)


@pytest.fixture
def ndia(sandbox: Client) -> Ndia:
    return Ndia(sandbox)


def who(ndia: Ndia, scenario: str) -> dict[str, Any]:
    return next(row for row in ndia.sandbox.control("GET", "/ndia/participants") if row["scenario"] == scenario)


def test_a_call_without_token_or_client_id_is_turned_away(ndia: Ndia) -> None:
    person = who(ndia, "take-over")
    assert ndia.get("4.0/plans", person, Authorization="Bearer nothing").status == 401
    assert ndia.get("4.0/plans", person, X_IBM_Client_Id=None).status == 401
    assert ndia.get("4.0/plans", person).status == 200


def test_answers_do_not_change_by_themselves(ndia: Ndia) -> None:
    person = who(ndia, "mixed")
    assert (
        ndia.get("ext-int-part/5.0/pace/budget/", person).body == ndia.get("ext-int-part/4.0/pace/budget/", person).body
    )


def test_money_is_released_when_its_period_begins(ndia: Ndia) -> None:
    person = who(ndia, "take-over")
    before = ndia.category(person, "Consumables")
    following = before["funding_periods"][2]["start_date"]
    ndia.sandbox.control("POST", "/clock", today=following)
    after = ndia.category(person, "Consumables")
    assert (before["released_amount"], after["released_amount"]) == (1200.0, 1800.0)
    assert ndia.sandbox.control("GET", "/ndia/events") == []  # nothing is announced when a period begins


def test_a_review_resets_and_moves_the_old_figures_to_history(ndia: Ndia) -> None:
    person = who(ndia, "take-over")
    number = person["ndisNumber"]
    ndia.sandbox.control("POST", f"/ndia/participants/{number}/review", approved={"Consumables": "99.00"})
    row = ndia.category(person, "Consumables")
    assert (row["approved_amount"], row["spent_amount"]) == (99.0, 0.0)
    plan = ndia.get("4.0/plans", person).json["result"][0]
    assert plan["participant_plan_id"] == 0
    assert plan["plan_first_start_date"] < plan["plan_start_date"]
    history = ndia.get("ext-int-part/4.0/pace/historical/budgets", person).json["result"]["historical_budget"]
    assert len(history) == 1
    assert [event["event_id"] for event in ndia.sandbox.control("GET", "/ndia/events")] == ["PLAN_APPROVED"]


def test_spending_adds_up_and_is_paid_from_the_plan(ndia: Ndia) -> None:
    person = who(ndia, "take-over")
    body = {
        "participant": int(person["ndisNumber"]),
        "support_category": "Consumables",
        "unit_price": "12.50",
        "quantity": 2,
    }
    headers = ndia.sandbox.headers(Authorization=f"Bearer {ndia.token}")
    headers |= {"x-requested-with": "test"}
    reply = ndia.sandbox.call("POST", "/ndia/5.0/payments/pace", json.dumps(body).encode(), headers)
    assert reply.json["result"]["claim_status"] == "Pending Payment"
    row = ndia.category(person, "Consumables")
    assert Decimal(str(row["spent_amount"])) == Decimal("335.15")
    assert row["remaining_amount"] == pytest.approx(row["released_amount"] - row["spent_amount"])


def test_both_relationships_and_consent_are_needed(ndia: Ndia) -> None:
    person = who(ndia, "take-over")
    change = f"/ndia/participants/{person['ndisNumber']}"
    for spoil, mend in (
        (("consent", {"given": False}), ("consent", {"given": True})),
        (("relationship", {"role": "My Provider", "end": "2020-01-01"}), ("relationship", {"role": "My Provider"})),
        (("relationship", {"role": "Plan Manager", "end": "2020-01-01"}), ("relationship", {"role": "Plan Manager"})),
    ):
        ndia.sandbox.control("POST", f"{change}/{spoil[0]}", **spoil[1])
        refused = ndia.get("4.0/plans", person)
        assert refused.status == 403
        assert refused.json["errors"] == ["  Requestor does not have the authority to perform the request "]
        ndia.sandbox.control("POST", f"{change}/{mend[0]}", **mend[1])
        assert ndia.get("4.0/plans", person).status == 200


def test_a_plan_managers_view_may_be_narrowed(ndia: Ndia) -> None:
    person = who(ndia, "many-hands")
    ndia.sandbox.control("POST", "/ndia/switches", view="mine")
    told = json.dumps(ndia.budget(person))
    assert "Agency-managed" not in told
    assert "Plan-managed" in told


def test_everybody_has_an_invented_number(ndia: Ndia) -> None:
    people = ndia.sandbox.control("GET", "/ndia/participants")
    assert len(people) == len({row["ndisNumber"] for row in people}) >= 20
    assert all(row["ndisNumber"].startswith("430000") for row in people)


def test_a_wrong_change_is_refused_in_words(ndia: Ndia) -> None:
    number = who(ndia, "take-over")["ndisNumber"]
    for path, body, status in (
        (f"{number}/no-such-change", {}, 404),
        ("999999999/consent", {}, 404),
        (f"{number}/end-date", {"endDate": "soon"}, 400),
        (f"{number}/review", {"startDate": "2001-01-01"}, 400),
    ):
        reply = ndia.sandbox.call("POST", f"/sandbox/ndia/participants/{path}", json.dumps(body).encode())
        assert reply.status == status
        assert reply.json["error"]


@dataclass
class Webhook:
    """Where events arrive: what came, and what is answered, the first in the list first."""

    url: str = ""
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(hook.answers.pop(0) if hook.answers else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.url = f"http://127.0.0.1:{server.server_port}/events"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield hook
    server.shutdown()
    server.server_close()


def subscribe(ndia: Ndia, **members: str) -> Any:
    headers = ndia.sandbox.headers(Authorization=f"Bearer {ndia.token}", x_requested_with="test")
    body = {"event_id": "BUDGET_UPDATED", "frequency": "IMMEDIATE", "algorithm": "SHA256"} | members
    return ndia.sandbox.call("POST", "/ndia/3.0/notifications/subscribe", json.dumps(body).encode(), headers)


def delivery(ndia: Ndia, state: str) -> dict[str, Any]:
    """The last event's delivery, once it has this state."""
    for _ in range(100):
        found = ndia.sandbox.control("GET", "/ndia/events")[-1].get("delivery", {})
        if found.get("state") == state:
            return found
        time.sleep(0.05)
    raise AssertionError(f"the delivery is {found}")


def spend(ndia: Ndia) -> dict[str, Any]:
    person = who(ndia, "take-over")
    spending = {"category": "Consumables", "amount": "12.00"}
    ndia.sandbox.control("POST", f"/ndia/participants/{person['ndisNumber']}/spend", **spending)
    return person


def test_an_event_arrives_when_it_is_due_signed_and_with_the_log_in_asked_for(ndia: Ndia, webhook: Webhook) -> None:
    assert subscribe(ndia, webhook_url=webhook.url, signature="a secret", basic_auth="carefund:sesame").status == 200
    person = spend(ndia)
    time.sleep(0.5)
    assert webhook.received == []  # ten minutes on the way
    ndia.sandbox.control("POST", "/clock", advanceSeconds=600)
    assert delivery(ndia, "delivered")["attempts"] == 1
    [(headers, body)] = webhook.received
    event = json.loads(body)
    assert event == {"event_id": "BUDGET_UPDATED", "response": {"participant": int(person["ndisNumber"])}}
    assert headers["x-signature"] == hmac.new(b"a secret", body, hashlib.sha256).hexdigest()
    assert headers["authorization"] == "Basic " + base64.b64encode(b"carefund:sesame").decode()


def test_an_event_is_tried_again_and_at_last_given_up(ndia: Ndia, webhook: Webhook) -> None:
    ndia.sandbox.control("POST", "/ndia/switches", eventDelayMinutes=0, eventRetrySeconds=0, eventAttempts=3)
    subscribe(ndia, webhook_url=webhook.url)
    webhook.answers = [503, 500]
    spend(ndia)
    assert delivery(ndia, "delivered")["attempts"] == 3
    webhook.answers = [503, 503, 503, 503]
    spend(ndia)
    assert delivery(ndia, "given up") | {"nextAt": ""} == {
        "state": "given up", "attempts": 3, "status": 503, "nextAt": "",
    }  # fmt: skip
    assert len(webhook.received) == 6
    assert "x-signature" not in webhook.received[0][0]


def test_a_subscription_that_nothing_could_be_delivered_to_is_refused(ndia: Ndia) -> None:
    for members in ({"webhook_url": "nowhere"}, {"webhook_url": "http://x", "algorithm": "MD5"}, {"event_id": ""}):
        assert subscribe(ndia, **({"webhook_url": "http://x"} | members)).status == 400
    spend(ndia)
    assert "delivery" not in ndia.sandbox.control("GET", "/ndia/events")[-1]
