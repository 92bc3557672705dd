"""The sandbox describes itself: every operation of its route table, in OpenAPI 2.0, as it answers over HTTP.

The documents are made from a rehearsal in one world; what is checked against them here comes from another world.
"""

import json
from base64 import b64encode
from typing import Any

import pytest
import schemathesis

from sandbox.app import all_routes
from sandbox.description.documents import write_documents
from sandbox.description.rehearsal import rehearse
from sandbox.switches import Switches
from sandbox.wire import Answer, Route

from .conftest import NDIA_AUDIENCE, ORGANISATION, Client, public_jwk, rsa_key

ELSEWHERE = {"seed": "elsewhere", "today": "2026-08-20", "careRecipients": 60}
ATTACHMENT = {"fileContent": b64encode(b"%PDF-1.7").decode(), "type": "INVOICE", "filename": "b.pdf"}


class Caller:
    """Calls operations as their descriptions say, and refuses an answer that is not as described."""

    def __init__(self, sandbox: Client) -> None:
        self.sandbox = sandbox
        self.base = f"http://127.0.0.1:{sandbox.port}"
        self.called: set[str] = set()
        self.operations: dict[str, Any] = {}
        for product in sandbox.control("GET", "/openapi"):
            reply = sandbox.call("GET", product["description"])
            assert reply.json["swagger"] == "2.0", product
            schema = schemathesis.openapi.from_dict(reply.json)
            for found in schema.get_all_operations():
                operation = found.ok()
                self.operations[operation.definition.raw["operationId"]] = operation

    def ask(self, operation_id: str, statuses: tuple[int, ...] = (200,), **given: Any) -> Any:
        """Call an operation; `given` holds what its parameters are set to by name, and its `body`."""
        operation = self.operations[operation_id]
        query = {name: given[name] for name in given if name in {parameter.name for parameter in operation.query}}
        path = {
            name: given[name] for name in given if name in {parameter.name for parameter in operation.path_parameters}
        }
        headers = {**self.sandbox.headers(x_requested_with="tests"), **given.get("headers", {})}
        more = {"body": given["body"]} if "body" in given else {}
        media_type = given.get("media_type", "application/json")
        case = operation.Case(path_parameters=path, query=query, headers=headers, media_type=media_type, **more)
        answer = case.call(base_url=self.base + operation.schema.raw_schema["basePath"].rstrip("/"))
        assert answer.status_code in statuses, (operation_id, answer.status_code, answer.text)
        case.validate_response(answer)
        if answer.status_code < 300:
            self.called.add(operation_id)
        is_json = answer.status_code < 300 and answer.content and "json" in answer.headers["content-type"][0]
        return (json.loads(answer.content) if is_json else None), answer.headers.get("etag", [""])[0]


@pytest.fixture
def caller(sandbox: Client) -> Caller:
    sandbox.control("POST", "/reset", **ELSEWHERE)
    return Caller(sandbox)


@pytest.mark.slow
def test_every_operation_answers_as_it_is_described(caller: Caller):
    read_people(caller)
    claim(caller, write_invoices(caller))
    ask_about_participants(caller)
    sign_in(caller)

    assert caller.called == set(caller.operations)


def read_people(caller: Caller) -> None:
    either = (200, 403, 404)
    for number in (1, *range(2, 61, 2)):  # the even ones live the scenarios
        person = {"careRecipientId": str(400_000_000 + number)}
        caller.ask("CareRecipientSummary1Get", either, **person)
        caller.ask("IndividualContribution1Get", either, **person)
        budgets, _ = caller.ask("BudgetsByCareRecipient1Get", either, limit=1000, **person)
        for row in budgets or ():
            caller.ask("BudgetDetails1Get", either, budgetId=row["budgetId"])
        caller.ask("BudgetRollOver1Post", (200, 400, 404), budgetId=f"254{person['careRecipientId']}")
    for provider in ("4049000001", "4049000002", "4049000003", "1"):
        for name in ("CareRecipientSummaries1Get", "BudgetSummary1Get", "BudgetsByServiceProvider1Get"):
            caller.ask(name, (200, 404), serviceProviderId=provider, limit=1000)
    caller.ask("BudgetSummary1Get", (400,))


def write_invoices(caller: Caller) -> dict[str, Any]:
    summary, _ = caller.ask("CareRecipientSummary1Get", careRecipientId="400000001")
    provider = summary["serviceProviderId"]
    service = next(row["serviceId"] for row in summary["approvedServices"] if row["serviceGroupId"] == "SERG-0001")
    item = {
        "careRecipientId": "400000001", "serviceId": service, "deliveryDate": "2026-08-10", "quantity": 2,
        "pricePerUnit": 77.1, "fundingSource": "ON",
    }  # fmt: skip
    new = {"serviceProviderId": provider, "items": [item]}
    made, _ = caller.ask("InvoiceCreate1Post", (201,), body=new)
    ours = {"invoiceId": made["invoiceId"]}
    added, _ = caller.ask("InvoiceItemAdd1Post", (201,), body=item, **ours)
    one = {**ours, "itemId": added["itemId"]}
    caller.ask("InvoiceItemAttach1Post", (204,), body={**ATTACHMENT, "mimeType": "application/pdf"}, **one)
    row, etag = caller.ask("InvoiceItem1Get", **one)
    attachment = row["attachments"][0]["attachmentId"]
    caller.ask("InvoiceAttachment1Get", attachmentId=attachment, **ours)
    caller.ask("InvoiceItemUpdate1Put", (409,), body=item, headers={"if-match": '"0"'}, **one)
    _, etag = caller.ask("InvoiceItemUpdate1Put", (204,), body=item, headers={"if-match": etag}, **one)
    caller.ask("InvoiceItemDelete1Delete", (204,), headers={"if-match": etag}, **one)
    _, etag = caller.ask("InvoiceDetails1Get", **ours)
    for name in ("InvoiceSubmit1Post", "InvoiceOpen1Post", "InvoiceSubmit1Post"):
        _, etag = caller.ask(name, headers={"if-match": etag}, **ours)
    other, etag = caller.ask("InvoiceCreate1Post", (201,), body=new)
    caller.ask("InvoiceDelete1Post", headers={"if-match": etag}, invoiceId=other["invoiceId"])
    caller.ask("Invoices1Get", serviceProviderId=provider)
    return {"serviceProviderId": provider, "invoices": [ours]}


def claim(caller: Caller, body: dict[str, Any]) -> None:
    made, _ = caller.ask("ClaimCreate1Post", (201,), body=body)
    for days in (0, 1, 3):
        caller.sandbox.control("POST", "/clock", advanceDays=days)
        caller.ask("ClaimDetails1Get", claimId=made["claimId"])
        caller.ask("PaymentStatement1Get", (200, 404), claimId=made["claimId"])
        caller.ask("PaymentItems1Get", (200, 404), claimId=made["claimId"])
        caller.ask("Claims1Get", serviceProviderId=body["serviceProviderId"])
        caller.ask("AccountSummary1Get", serviceProviderId=body["serviceProviderId"])


def ask_about_participants(caller: Caller) -> None:
    token = caller.sandbox.ask_token(caller.sandbox.assertion(NDIA_AUDIENCE)).json["access_token"]
    bearer = {"headers": {"Authorization": f"Bearer {token}"}}
    for row in caller.sandbox.control("GET", "/ndia/participants"):
        named = {"participant": row["ndisNumber"], "participant_surname": row["surname"]}
        given = {**named, "date_of_birth": row["birthDate"], **bearer}
        for name in ("DeterminePlan1Get", "Plans1Get", "PaceBudget1Get", "PaceBudget41Get", "HistoricalBudgets1Get"):
            caller.ask(f"Ndia{name}", (200, 400, 403, 404), **given)
        keys = {"org-id": "wattle-grove", "x-api-key": "sandbox-partner-key"}
        caller.ask("NdiaPartnerBudget1Get", (200, 403), ndisNumber=row["ndisNumber"], headers=keys)
    caller.ask("NdiaPartnerBudget1Get", (401,), ndisNumber="1")
    caller.ask("NdiaProducts1Get", name="01_011_0107_1_1", **bearer)
    caller.ask("NdiaReferenceData1Get", name="tax_code", **bearer)
    payer = caller.sandbox.control("GET", "/ndia/participants")[0]
    payment = {"participant": payer["ndisNumber"], "support_category": "Consumables", "unit_price": 1.5, "quantity": 1}
    caller.ask("NdiaPayment1Post", body=payment, **bearer)
    event = {"event_id": "PLAN_APPROVED", "webhook_url": "https://events.example"}
    caller.ask("NdiaSubscribe1Post", body=event, **bearer)
    caller.ask("NdiaReport1Post", body={"event_id": "PLAN_APPROVED"}, **bearer)


def sign_in(caller: Caller) -> None:
    newcomer = Client(caller.sandbox.port)
    headers = newcomer.headers(Authorization=None)
    device = {"deviceName": newcomer.device, "headers": headers}
    body = {"orgId": ORGANISATION, "otac": newcomer.register(), "key": public_jwk(newcomer.key, newcomer.device)}
    caller.ask("ProdaActivate1Put", (400,), body={**body, "otac": "wrong"}, **device)
    caller.ask("ProdaActivate1Put", body=body, **device)
    form = {
        "client_id": "soape-testing-client-v2",
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": newcomer.assertion("https://proda.humanservices.gov.au"),
    }
    kind = "application/x-www-form-urlencoded"
    given, _ = caller.ask("ProdaToken1Post", body=form, media_type=kind, headers={"Content-Type": kind})
    bearer = {"headers": {**headers, "Authorization": f"Bearer {given['access_token']}"}}
    new_key = public_jwk(rsa_key(), newcomer.device)
    caller.ask("ProdaRefresh1Put", orgId=ORGANISATION, deviceName=newcomer.device, body=new_key, **bearer)


def test_an_operation_that_nobody_described_or_called_is_an_error():
    stage = rehearse(all_routes, Switches())
    newcomer = Route("pensions", "GET", "/pensions", lambda _call: Answer(200))

    with pytest.raises(LookupError, match="pensions"):
        write_documents([*stage.table.routes, newcomer], stage.witnesses)
    stage.witnesses["pensions"] = stage.witnesses["claims"]
    with pytest.raises(LookupError, match="pensions"):
        write_documents([*stage.table.routes, newcomer], stage.witnesses)


def test_what_a_switch_changes_is_described_as_changed(sandbox: Client):
    def budgets() -> Any:
        document = sandbox.control("GET", "/openapi/support-at-home-budgets")
        path = "/service/support-at-home/budget/v1/care-recipient/{careRecipientId}"
        return document, document["paths"][path]["get"]["responses"]["200"]["schema"]

    document, schema = budgets()
    assert schema == {"type": "array", "items": {"$ref": "#/definitions/Budget"}}
    assert document["definitions"]["Budget"]["properties"]["used"] == {"type": "number", "maximum": 0}

    sandbox.control("POST", "/switches", envelope="object", money="string")

    document, schema = budgets()
    wrapped = document["definitions"]["BudgetAnswer"]["properties"]["items"]
    assert schema == {"$ref": "#/definitions/BudgetAnswer"}
    assert wrapped == {"type": "array", "items": {"$ref": "#/definitions/Budget"}}
    assert document["definitions"]["Budget"]["properties"]["used"] == {"type": "string"}


def test_what_is_unknown_on_purpose_is_not_described(sandbox: Client):
    products = sandbox.control("GET", "/openapi")
    text = json.dumps([sandbox.control("GET", f"/openapi/{row['product']}") for row in products])

    assert "careRecipientId" in text
    assert "futureMember" not in text
    assert "something_new" not in text
    assert sandbox.call("GET", "/sandbox/openapi/pensions").status == 404
