"""The acts of the rehearsal: every operation called in every way, so that the description can be made from it.

People and participants who send members that nobody knows are left out: what is unknown is not described.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from sandbox.description.signing_in import sign_in
from sandbox.description.stage import AllRoutes, Stage
from sandbox.ndia.partner import KEY, ORGANISATION
from sandbox.ndia.state import NdiaState
from sandbox.switches import Switches

_CONTROL = "/sandbox"
_DELIVERED = "2026-05-10"
_PDF = {
    "fileContent": b64encode(b"%PDF-1.4").decode(),
    "type": "INVOICE",
    "filename": "a.pdf",
    "mimeType": "application/pdf",
}


def rehearse(all_routes: AllRoutes, switches: Switches) -> Stage:
    """A stage on which every operation was called, by its name."""
    stage = Stage(all_routes, switches)
    sign_in(stage)
    _ask_about_people(stage)
    _ask_about_providers(stage)
    _roll_over(stage)
    _claim(stage, _invoice(stage))
    _ask_about_participants(stage)
    _subscribe_and_pay(stage)
    return stage


def _rows(found: Any) -> list[Any]:
    """The rows of a list, wrapped or bare."""
    return found["items"] if isinstance(found, dict) else found or []


def _ask_about_people(stage: Stage) -> None:
    numbers = [n for n in range(1, stage.world.care_recipients + 1) if not stage.world.entry(n).person.extra_members]
    for number in numbers:
        care_recipient_id = stage.world.entry(number).person.care_recipient_id
        stage.at_home(f"/care-recipient/v1/{care_recipient_id}/summary")
        stage.at_home(f"/care-recipient/v1/individual-contribution?careRecipientId={care_recipient_id}")
        budgets, _ = stage.at_home(f"/budget/v1/care-recipient/{care_recipient_id}?limit=1000")
        for row in _rows(budgets):
            stage.at_home(f"/budget/v1/{row['budgetId']}")
    stage.at_home("/budget/v1/999999999999")
    for path in ("/budget/v1/care-recipient/400000001", "/care-recipient/v1/individual-contribution"):
        stage.at_home(f"{path}?limit=none")


def _ask_about_providers(stage: Stage) -> None:
    for provider in stage.world.provider_ids():
        pooled, _ = stage.at_home(f"/budget/v1/service-provider/{provider}")
        for row in _rows(pooled):
            stage.at_home(f"/budget/v1/{row['budgetId']}")
        for path in ("budget/v1", "care-recipient/v1"):
            stage.at_home(f"/{path}/summary?serviceProviderId={provider}&sort=asc")
    for path in ("/budget/v1/summary", "/care-recipient/v1/summary"):
        stage.at_home(path)
        stage.at_home(f"{path}?serviceProviderId=1")
    refusing = stage.world.provider_ids()[0]
    stage.ask(f"{_CONTROL}/service-providers/{refusing}/refuse", {})
    stage.at_home(f"/budget/v1/service-provider/{refusing}")
    stage.at_home(f"/budget/v1/summary?serviceProviderId={refusing}")
    stage.at_home("/budget/v1/service-provider/1")
    stage.at_home("/budget/v1/service-provider/1?page=0")
    stage.ask(f"{_CONTROL}/service-providers/{refusing}", method="DELETE")


def _roll_over(stage: Stage) -> None:
    for number in range(1, 20):
        stage.at_home(f"/budget/v1/253{stage.world.entry(number).person.care_recipient_id}/rollover", {})
    stage.at_home("/budget/v1/999999999999/rollover", {})


def _invoice(stage: Stage) -> dict[str, Any]:
    """Write invoices in every way there is; gives the body of the claim over those that were submitted."""
    person = next(
        entry.person
        for entry in map(stage.world.entry, range(1, 20))
        if not entry.person.sparse and entry.person.contributions and entry.person.approved_services
    )
    service = next(row.code for row in person.approved_services if row.end_date is None)
    item = {
        "careRecipientId": person.care_recipient_id, "serviceId": service, "deliveryDate": _DELIVERED, "quantity": 1.5,
        "pricePerUnit": 80.25, "fundingSource": "ON", "externalReferenceId": "L1", "unitType": "hours",
        "lateSubmissionReasonCode": "OTHER", "lateSubmissionJustification": "as asked",
    }  # fmt: skip
    new = {"serviceProviderId": person.service_provider_id, "serviceNapsId": "", "externalReferenceId": "INV-1"}
    bare = {name: item[name] for name in list(item)[:6]}
    made, etag = stage.at_home("/invoice/v1", {**new, "items": [item, bare]})
    one = f"/invoice/v1/{made['invoiceId']}"
    added, item_etag = stage.at_home(f"{one}/item", item)
    stage.at_home(f"{one}/item", bare)
    of_item = f"{one}/item/{added['itemId']}"
    stage.at_home(of_item)
    _, item_etag = stage.at_home(of_item, {**item, "quantity": 2}, method="PUT", etag=item_etag)
    stage.at_home(f"{of_item}/attachments", _PDF)
    details, _ = stage.at_home(one)
    attachment = next(row["attachments"][0]["attachmentId"] for row in details["items"] if "attachments" in row)
    stage.at_home(f"{one}/attachments/{attachment}")
    _refuse_writes(stage, one, of_item)
    _, item_etag = stage.at_home(of_item)
    stage.at_home(of_item, method="DELETE", etag=item_etag)
    _, etag = stage.at_home(one)
    _, etag = stage.at_home(f"{one}/submit", {}, etag=etag)
    _, etag = stage.at_home(f"{one}/open", {}, etag=etag)
    stage.at_home(f"{one}/submit", {}, etag=etag)
    other, etag = stage.at_home("/invoice/v1?submit=true", {**new, "items": [bare]})
    stage.at_home(f"/invoice/v1/{other['invoiceId']}/delete", {}, etag=etag)
    stage.at_home("/invoice/v1")
    stage.at_home("/invoice/v1?status=HELD")
    stage.at_home("/invoice/v1?page=none")
    return {"serviceProviderId": person.service_provider_id, "invoices": [{"invoiceId": made["invoiceId"]}]}


def _refuse_writes(stage: Stage, one: str, of_item: str) -> None:
    """Each write as it is refused: nothing of the kind, another version, none named, not to be read, not to be done."""
    stage.at_home("/invoice/v1", {})
    stage.at_home("/invoice/v1", {"serviceProviderId": "1"})
    stage.at_home("/invoice/v1/1")
    writes = [(f"/{name}", "POST") for name in ("submit", "open", "delete")]
    for path, method in [*((f"{one}{ending}", verb) for ending, verb in writes), (of_item, "PUT"), (of_item, "DELETE")]:
        stage.at_home(path, {}, method=method, etag='"old"')
        stage.at_home(path, {}, method=method)
        stage.at_home(path.replace(one, "/invoice/v1/1"), {}, method=method, etag='"old"')
    for path in (f"{one}/item", f"{of_item}/attachments"):
        stage.at_home(path, {})
        stage.at_home(path.replace(one, "/invoice/v1/1"), {})
    stage.at_home(f"{one}/item/77")
    stage.at_home(f"{one}/attachments/none")


def _claim(stage: Stage, body: dict[str, Any]) -> None:
    """Claim, and read what comes of it on each day until it is paid."""
    provider = body["serviceProviderId"]
    for wrong in ({}, {"serviceProviderId": "1"}, {"serviceProviderId": "4049000003"}):
        stage.at_home("/claim/v1", wrong)
    made, _ = stage.at_home("/claim/v1", body)
    one = made["claimId"]
    for hours in (0, 5, 24, 48):
        stage.ask(f"{_CONTROL}/clock", {"advanceSeconds": hours * 3600})
        stage.at_home(f"/claim/v1/{one}")
        stage.at_home("/claim/v1")
        stage.at_home(f"/payment-statement/v1/{one}")
        stage.at_home(f"/payment-item/v1?claimId={one}")
        stage.at_home(f"/account-summary/v1?serviceProviderId={provider}")
        stage.at_home("/invoice/v1")
        stage.at_home(f"/invoice/v1/{body['invoices'][0]['invoiceId']}")
    for path in ("/claim/v1/1", "/claim/v1?page=none", "/payment-item/v1", "/payment-item/v1?claimId=1",
                 "/account-summary/v1", "/account-summary/v1?serviceProviderId=1&periodStartDate=none"):  # fmt: skip
        stage.at_home(path)


def _ask_about_participants(stage: Stage) -> None:
    state = NdiaState(stage.world)
    paths = ("4.0/determine-participant-plan", "4.0/plans", "ext-int-part/5.0/pace/budget",
             "ext-int-part/4.0/pace/budget", "ext-int-part/4.0/pace/historical/budgets")  # fmt: skip
    known = [facts for facts in state.participants.values() if not facts.get("extra")]
    for place, facts in enumerate([*known, {"ndisNumber": "1", "surname": "Nobody", "birthDate": "1900-01-01"}]):
        for path in paths:
            stage.ask(f"/ndia/{path}?{_query_of(facts)}")
        keys = {"org-id": ORGANISATION, "x-api-key": KEY} if place else {}
        stage.ask(f"/partner/paceBudget/{facts['ndisNumber']}", headers=keys)
    state.switches["budgetsPerHour"] = 1
    for version in ("5.0", "4.0"):
        stage.ask(f"/ndia/ext-int-part/{version}/pace/budget?{_query_of(known[0])}")


def _query_of(facts: dict[str, Any]) -> str:
    return (
        f"participant={facts['ndisNumber']}&participant_surname={facts['surname']}&date_of_birth={facts['birthDate']}"
    )


def _subscribe_and_pay(stage: Stage) -> None:
    state = NdiaState(stage.world)
    payable = next(facts for facts in state.participants.values() if facts["isPace"] and state.may_be_seen(facts))
    payment = {
        "participant": payable["ndisNumber"], "support_category": payable["plans"][-1]["categories"][0]["category"],
        "unit_price": 12.5, "quantity": 2,
    }  # fmt: skip
    for body in (payment, {**payment, "unit_price": 0}, {**payment, "support_category": ""}, {"participant": "1"}):
        stage.ask("/ndia/5.0/payments/pace", body)
    for path in ("products/01_011_0107_1_1", "products/none", "reference-data/tax_code", "reference-data/none"):
        stage.ask(f"/ndia/3.0/{path}")
    event = {"event_id": "PLAN_APPROVED", "webhook_url": "https://events.example", "signature": "", "basic_auth": "",
             "algorithm": "SHA256", "frequency": ""}  # fmt: skip
    stage.ask("/ndia/3.0/notifications/subscribe", event)
    stage.ask("/ndia/3.0/notifications/subscribe", {})
    stage.ask("/ndia/3.0/notifications/report", {"event_id": "PLAN_APPROVED"})
