"""The sandbox's invoices and claims: etags, states, rules, the clock's work, and money that adds up."""

import json
from base64 import b64encode
from typing import Any

import pytest

from .conftest import SUPPORT_AT_HOME, Client, Reply

PERSON = "400000001"
DAY = "2026-05-10"


def post(sandbox: Client, path: str, body: object = None, **headers: str | None) -> Reply:
    given = {"x_requested_with": "tests", **headers}
    return sandbox.call("POST", SUPPORT_AT_HOME + path, json.dumps(body or {}).encode(), sandbox.headers(**given))


def provider_of(sandbox: Client) -> str:
    return sandbox.control("GET", f"/care-recipients/{PERSON}")["serviceProviderId"]


def an_item(sandbox: Client, **changes: Any) -> dict[str, Any]:
    services = sandbox.rows(f"/care-recipient/v1/{PERSON}/summary")["approvedServices"]
    service = next(row["serviceId"] for row in services if row["serviceGroupId"] == "SERG-0001")
    item = {
        "careRecipientId": PERSON, "serviceId": service, "deliveryDate": DAY, "quantity": 1.5, "pricePerUnit": 80.00,
        "fundingSource": "ON", "externalReferenceId": "L1",
    }  # fmt: skip
    return item | changes


def an_invoice(sandbox: Client, *items: dict[str, Any], submit: bool = False) -> str:
    body = {"serviceProviderId": provider_of(sandbox), "externalReferenceId": "INV-1", "items": list(items)}
    reply = post(sandbox, f"/invoice/v1?submit={'true' if submit else 'false'}", body)
    assert reply.status == 201, reply.body
    assert reply.headers["etag"]
    return reply.json["invoiceId"]


def a_claim(sandbox: Client) -> str:
    invoice_id = an_invoice(sandbox, an_item(sandbox), submit=True)
    body = {"serviceProviderId": provider_of(sandbox), "invoices": [{"invoiceId": invoice_id}]}
    reply = post(sandbox, "/claim/v1", body)
    assert reply.status == 201, reply.body
    assert len(reply.json["claimId"]) == 12
    return reply.json["claimId"]


def test_an_etag_is_asked_for_and_moves_with_every_write(sandbox: Client):
    invoice_id = an_invoice(sandbox)
    first = sandbox.get(f"/invoice/v1/{invoice_id}").headers["etag"]
    added = post(sandbox, f"/invoice/v1/{invoice_id}/item", an_item(sandbox))
    assert (added.status, added.json["itemId"]) == (201, "1")
    second = sandbox.get(f"/invoice/v1/{invoice_id}").headers["etag"]
    assert len({first, second, added.headers["etag"]}) == 3
    assert post(sandbox, f"/invoice/v1/{invoice_id}/submit").status == 400
    assert post(sandbox, f"/invoice/v1/{invoice_id}/submit", if_match=first).status == 409
    submitted = post(sandbox, f"/invoice/v1/{invoice_id}/submit", if_match=second)
    assert (submitted.status, submitted.json["status"]) == (200, "SUBMITTED")
    reopened = post(sandbox, f"/invoice/v1/{invoice_id}/open", if_match=submitted.headers["etag"])
    assert reopened.json["status"] == "OPEN"
    deleted = post(sandbox, f"/invoice/v1/{invoice_id}/delete", if_match=reopened.headers["etag"])
    assert deleted.json["status"] == "DELETED"


def test_a_write_needs_to_say_who_requested_it(sandbox: Client):
    assert post(sandbox, "/invoice/v1", {}, x_requested_with=None).status == 400


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"serviceId": "SERV-0049"}, "not approved for SERV-0049 on 10.05.2026"),
        ({"quantity": 1.3, "unitType": "hours"}, "multiple of 0.25"),
        ({"deliveryDate": "2026-05-30"}, "in the future"),
        ({"careRecipientId": "400000002"}, "not in the care"),
        ({"pricePerUnit": 1.005}, "Invalid number"),
        ({"fundingSource": "XX"}, "Invalid string"),
        ({"deliveryDate": "10.05.2026"}, "Invalid string"),
        ({"quantity": None}, "mandatory property quantity"),
    ],
)
def test_an_item_that_breaks_a_rule_is_refused_in_words(sandbox: Client, changes: dict[str, Any], words: str):
    reply = post(sandbox, f"/invoice/v1/{an_invoice(sandbox)}/item", an_item(sandbox, **changes))
    assert reply.status == 400
    assert words in reply.json["message"]


def test_a_late_invoice_needs_a_reason_and_is_held(sandbox: Client):
    late = an_item(sandbox, deliveryDate="2026-01-10")
    sandbox.control("POST", "/clock", today="2026-06-10")
    invoice_id = an_invoice(sandbox, late)
    etag = sandbox.get(f"/invoice/v1/{invoice_id}").headers["etag"]
    assert "late submission reason" in post(sandbox, f"/invoice/v1/{invoice_id}/submit", if_match=etag).json["message"]
    held = an_invoice(sandbox, late | {"lateSubmissionReasonCode": "LATE01"}, submit=True)
    assert sandbox.rows(f"/invoice/v1/{held}")["status"] == "HELD"
    sandbox.control("POST", "/clock", advanceDays=8)
    assert sandbox.rows(f"/invoice/v1/{held}")["status"] == "SUBMITTED"


def test_a_claim_lives_by_the_clock(sandbox: Client):
    claim_id = a_claim(sandbox)
    seen = []
    for hours in (0, 5, 20, 30):
        sandbox.control("POST", "/clock", advanceSeconds=hours * 3600)
        seen.append(sandbox.rows(f"/claim/v1/{claim_id}")["status"])
    assert seen == ["BeingCalculated", "PendingApproval", "Approved", "Completed"]
    claim = sandbox.rows(f"/claim/v1/{claim_id}")
    assert claim["paymentDate"] == "2026-05-21"
    invoice_id = claim["invoices"][0]["invoiceId"]
    assert sandbox.rows(f"/invoice/v1/{invoice_id}")["status"] == "COMPLETED"


def test_statement_and_payment_items_add_up(sandbox: Client):
    claim_id = a_claim(sandbox)
    assert sandbox.get(f"/payment-statement/v1/{claim_id}").status == 404
    sandbox.control("POST", "/clock", advanceDays=3)
    told = sandbox.rows(f"/payment-statement/v1/{claim_id}")
    assert told["claimTotal"] == 120.00
    assert round(told["claimTotal"] - told["careRecipientIndividualContribution"], 2) == told["totalPaid"]
    [item] = sandbox.rows(f"/payment-item/v1?claimId={claim_id}")
    assert item["paymentAmount"] == told["totalPaid"]
    summary = sandbox.rows(f"/account-summary/v1?serviceProviderId={provider_of(sandbox)}")
    assert [row["paymentIdentifier"] for row in summary["transactions"]] == [claim_id]


def test_usage_shows_a_day_after_the_approval(sandbox: Client):
    def usage() -> list[dict[str, Any]]:
        budgets = sandbox.rows(f"/budget/v1/care-recipient/{PERSON}?limit=100")
        current = next(row for row in budgets if row["budgetTypeCode"] == "ON" and row["endDate"] == "2026-06-30")
        rows = sandbox.rows(f"/budget/v1/{current['budgetId']}")["usage"]
        return [row for row in rows if row["invoiceId"].startswith("15")]

    a_claim(sandbox)
    sandbox.control("POST", "/clock", advanceSeconds=25 * 3600)
    assert usage() == []
    sandbox.control("POST", "/clock", advanceDays=1)
    [row] = usage()
    assert (row["amount"], row["itemId"]) == (-120.00, "1")


def test_one_claim_a_day_unless_switched_off(sandbox: Client):
    a_claim(sandbox)
    an_invoice(sandbox, an_item(sandbox, externalReferenceId="L2"), submit=True)
    body = {"serviceProviderId": provider_of(sandbox)}
    assert "already been made" in post(sandbox, "/claim/v1", body).json["message"]
    sandbox.control("POST", "/claim-rules", oneClaimPerDay=False)
    assert post(sandbox, "/claim/v1", body).status == 201


def test_a_pending_claim_forbids_the_rollover(sandbox: Client):
    sandbox.control("POST", "/clock", today="2026-04-05")
    claim_day = an_item(sandbox, deliveryDate="2026-03-20")
    invoice_id = an_invoice(sandbox, claim_day, submit=True)
    body = {"serviceProviderId": provider_of(sandbox), "invoices": [{"invoiceId": invoice_id}]}
    assert post(sandbox, "/claim/v1", body).status == 201
    refused = post(sandbox, f"/budget/v1/253{PERSON}/rollover")
    assert "pending approval" in refused.json["message"]


def test_state_outlives_a_search_and_paging_is_as_everywhere(sandbox: Client):
    for number in range(12):
        an_invoice(sandbox, an_item(sandbox, externalReferenceId=f"L{number}"))
    assert len(sandbox.rows("/invoice/v1")) == 10
    assert len(sandbox.rows("/invoice/v1?limit=100&externalReferenceId=INV-1")) == 12
    assert sandbox.get("/claim/v1?limit=10").status == 404
    assert sandbox.get("/claim/v1/999").status == 404


def test_the_provider_exports_a_file_of_services(sandbox: Client):
    reply = sandbox.call("GET", "/sandbox/invoice-file?limit=3&days=2")
    heading, *lines = reply.body.decode().splitlines()
    assert heading.startswith("Invoice reference,")
    assert len(lines) == 7
    assert len({line.split(",")[1] for line in lines}) == 7
    assert ",SERV-9" in lines[-1]


def test_control_refuses_what_it_does_not_know(sandbox: Client):
    claim_id = a_claim(sandbox)
    assert sandbox.call("POST", f"/sandbox/claims/{claim_id}", b'{"luck": 1}').status == 400
    assert sandbox.call("POST", "/sandbox/claims/nothing", b"{}").status == 404
    assert sandbox.call("POST", "/sandbox/claim-rules", b'{"luck": 1}').status == 400


def an_attachment(**changes: str) -> dict[str, str]:
    content = b64encode(b"%PDF-1.7 why it is late").decode()
    members = {"fileContent": content, "type": "LATE_SUBMISSION_EVIDENCE", "filename": "a.pdf"}
    return members | {"mimeType": "application/pdf"} | changes


def test_a_pdf_is_attached_to_an_open_item_and_read_back(sandbox: Client):
    invoice_id = an_invoice(sandbox, an_item(sandbox))
    before = sandbox.get(f"/invoice/v1/{invoice_id}").headers["etag"]
    assert post(sandbox, f"/invoice/v1/{invoice_id}/item/1/attachments", an_attachment()).status == 204
    read = sandbox.get(f"/invoice/v1/{invoice_id}")
    assert read.headers["etag"] != before
    [item] = read.json["items"]
    [attachment] = item["attachments"]
    assert (item["attachmentProvided"], attachment["fileName"]) == (True, "a.pdf")
    file = sandbox.get(f"/invoice/v1/{invoice_id}/attachments/{attachment['attachmentId']}")
    assert (file.headers["content-type"], file.body) == ("application/pdf", b"%PDF-1.7 why it is late")
    assert sandbox.get(f"/invoice/v1/{invoice_id}/attachments/nothing").status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"fileContent": "%%"},
        {"fileContent": "d29yZHM="},
        {"type": "LETTER"},
        {"mimeType": "text/plain"},
        {"filename": ""},
    ],
)
def test_what_is_no_evidence_is_refused(sandbox: Client, changes: dict[str, str]):
    invoice_id = an_invoice(sandbox, an_item(sandbox))
    path = f"/invoice/v1/{invoice_id}/item/1/attachments"
    assert post(sandbox, path, an_attachment(**changes)).status == 400
    assert post(sandbox, f"/invoice/v1/{invoice_id}/item/2/attachments", an_attachment()).status == 404
