"""The sandbox's NDIA: money over time, relationships, events, and a trace of neither in anything else."""

import json
from decimal import Decimal
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
