"""Claims through the API: what is prepared, sent or rolled over is what was previewed, once, by whoever may."""

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from carefund.access.models import AccessLogEntry, AuditEntry
from carefund.access.roles import Role
from carefund.records.claims.archive import record_claim_answer
from carefund.records.models import (
    Claim,
    ClaimBatch,
    Client,
    ExceptionCase,
    FileUpload,
    Invoice,
    InvoiceLineItem,
    PaymentRequest,
    Plan,
    PlanBudget,
    Rollover,
)
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run
from tests.claim_world import settle
from tests.rest.conftest import BRANCH, OTHER_BRANCH, Call

NEVER = "0" * 64


@pytest.fixture
def wilma(add_client: Any) -> Client:
    client: Client = add_client("400000001", service_provider_id=BRANCH)
    return client


@pytest.fixture
def line(wilma: Client) -> InvoiceLineItem:
    """A line delivered a week ago."""
    invoice = Invoice.objects.create(external_reference_id="INV-1", service_provider_id=BRANCH)
    return add_line(invoice, wilma, "INV-1-1")


def add_line(invoice: Invoice, client: Client, reference: str) -> InvoiceLineItem:
    return InvoiceLineItem.objects.create(
        invoice=invoice, client=client, external_reference_id=reference, service_id="SERV-0001",
        delivery_date=timezone.localdate() - timedelta(days=7), quantity=1, price_per_unit=80, funding_source="ON",
    )  # fmt: skip


def last_week() -> dict[str, str]:
    today = timezone.localdate()
    return {
        "service_provider_id": BRANCH, "from_date": (today - timedelta(days=30)).isoformat(),
        "to_date": today.isoformat(),
    }  # fmt: skip


def preview(ask: Call, choice: dict[str, str]) -> Any:
    return ask("get", "/claim-batches/preview?" + "&".join(f"{name}={value}" for name, value in choice.items()))


def test_a_claim_is_made_once_from_preview_to_payment(
    call: Callable[..., Call], world: Any, add_client: Any, synchronise: Any
):
    claims = settle(world, add_client, synchronise)
    claims.deliver(claims.clients[0], lines=2)
    ask, choice = call(), claims.choice()
    wanted = {
        "service_provider_id": choice.service_provider_id, "from_date": choice.from_date.isoformat(),
        "to_date": choice.to_date.isoformat(),
    }  # fmt: skip
    shown = preview(ask, wanted).json()
    assert (shown["ready"], shown["total"], len(shown["lines"])) == (2, "240.00", 2)
    made = ask("post", "/claim-batches", wanted | {"fingerprint": shown["fingerprint"]}).json()
    path = f"/claim-batches/{made['batch_id']}"
    assert ask("post", f"{path}/send", {"fingerprint": NEVER}).json()["code"] == "preview-changed"
    assert not Run.objects.filter(kind="claim-batch").exists()
    asked = [ask("post", f"{path}/send", {"fingerprint": made["fingerprint"]}) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [202, 202]
    assert len({answer.json()["run_id"] for answer in asked}) == 1
    finish_now(Run.objects.get(kind="claim-batch"))
    whole = ask("get", path).json()
    assert (whole["state"], whole["work"]["message"]) == ("claimed", "Claim submitted.")
    assert ask("post", f"{path}/send", {"fingerprint": made["fingerprint"]}).status_code == 409
    assert len(claims.claims()) == 1
    [claim_id] = whole["claim_ids"]
    finish_now(Run.objects.get(pk=ask("post", f"/claims/{claim_id}/check").json()["run_id"]))
    claim = ask("get", f"/claims/{claim_id}").json()
    assert (claim["batch_id"], bool(claim["status"]), bool(claim["work"])) == (made["batch_id"], True, True)
    assert [row["claimed"] for row in ask("get", f"/claims/{claim_id}/lines").json()["lines"]] == ["120.00", "120.00"]
    answers = ask("get", f"/claims/{claim_id}/stored-responses").json()["stored_responses"]
    assert ask("get", f"/claims/{claim_id}/stored-responses/{answers[0]['digest']}").status_code == 200
    assert [row["claim_id"] for row in ask("get", "/claims").json()["claims"]] == [claim_id]
    assert ask("post", "/claim-checks").status_code == 202


@pytest.mark.django_db
def test_a_batch_that_would_hold_something_else_is_not_prepared(call: Callable[..., Call], line: InvoiceLineItem):
    ask = call()
    shown = preview(ask, last_week()).json()
    assert [row["line_id"] for row in shown["lines"]] == [line.pk]
    InvoiceLineItem.objects.update(quantity=2)
    refused = ask("post", "/claim-batches", last_week() | {"fingerprint": shown["fingerprint"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "preview-changed")
    assert not ClaimBatch.objects.exists()


@pytest.mark.django_db
def test_a_batch_is_withdrawn_and_none_is_sent_without_access_to_the_funder(
    call: Callable[..., Call], line: InvoiceLineItem
):
    batch = ClaimBatch.objects.create(
        service_provider_id=BRANCH, from_date=line.delivery_date, to_date=line.delivery_date
    )
    PaymentRequest.objects.create(batch=batch, line_item=line, amount=80)
    ask, path = call(), f"/claim-batches/{batch.pk}"
    found = ask("get", path).json()
    assert (found["lines"], found["total"], found["state"]) == (1, "80.00", "prepared")
    assert ask("get", "/claim-batches").json()["batches"][0]["batch_id"] == batch.pk
    assert ask("get", f"{path}/lines").json()["lines"][0]["state"] == "not claimed"
    sent = ask("post", f"{path}/send", {"fingerprint": found["fingerprint"]})
    assert (sent.status_code, sent.json()["type"]) == (503, "/api/v1/problems#funder-not-configured")
    assert ask("post", f"{path}/withdraw").json()["state"] == "withdrawn"
    assert ask("post", f"{path}/withdraw").status_code == 409
    assert AuditEntry.objects.filter(act="Claim batch withdrawn").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [("to_date", "2020-01-01"), ("service_provider_id", "1"), ("from_date", "yesterday"), ("funding_source", "XX")],
)
def test_a_choice_that_cannot_be_is_refused(call: Callable[..., Call], line: InvoiceLineItem, field: str, value: str):
    answer = preview(call(), last_week() | {field: value})
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, field)


@pytest.mark.django_db
def test_who_may_not_claim_or_lacks_branches_is_refused(call: Callable[..., Call], line: InvoiceLineItem):
    paths = ("/claims", "/claim-batches", "/exceptions", "/exceptions/draws", "/money", "/quarter-close")
    for ask in (call(Role.COORDINATOR), call(branches=(BRANCH,)), call(scopes=("read", "sync", "administration"))):
        assert {ask("get", path).status_code for path in paths} == {403}
        assert ask("post", "/claim-checks").status_code == 403


@pytest.mark.django_db
def test_evidence_is_attached_read_and_removed(call: Callable[..., Call], line: InvoiceLineItem):
    ask, path = call(), f"/invoice-lines/{line.pk}/evidence"
    assert ask("get", path).status_code == 404
    body = {"file_name": "late.pdf", "content": b64encode(b"%PDF-1.7 late").decode()}
    assert ask("put", path, body).json()["is_changeable"]
    assert ask("get", f"{path}/file").content == b"%PDF-1.7 late"
    for wrong in (b64encode(b"no pdf").decode(), "A"):
        answer = ask("put", path, body | {"content": wrong})
        assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "content")
    assert ask("delete", path).status_code == 204
    assert ask("delete", path).status_code == 404
    ask("put", path, body)
    Invoice.objects.update(status="SUBMITTED")
    assert [ask("put", path, body).status_code, ask("delete", path).status_code] == [409, 409]
    assert call(branches=(OTHER_BRANCH,))("get", path).status_code == 404
    assert call(branches=(BRANCH,))("get", path).status_code == 200
    assert AuditEntry.objects.filter(act__startswith="Late evidence").count() == 3


@pytest.mark.django_db
def test_a_file_is_shown_before_it_is_loaded_once(call: Callable[..., Call], wilma: Client):
    ask = call()
    head = "Invoice reference;Line reference;Care recipient ID;Service;Date;Quantity;Price\r\n"
    text = f"{head}INV-1;INV-1-1;400000001;SERV-0001;9/7/2026;1.5;80.00\r\n"
    wrong = ask("post", "/invoice-files", {"file_name": "july.csv", "content": text.replace("9/7", "31/2")}).json()
    assert (wrong["plan"]["is_loadable"], wrong["plan"]["problems"][0]["line"]) == (False, 2)
    assert ask("post", f"/invoice-files/{wrong['invoice_file_id']}/load").status_code == 409
    assert ask("post", "/invoice-files", {"file_name": "july.csv", "content": "no table"}).status_code == 422
    kept = ask("post", "/invoice-files", {"file_name": "july.csv", "content": text}).json()
    path = f"/invoice-files/{kept['invoice_file_id']}"
    assert ask("get", path).json()["plan"]["total"] == "120.00"
    assert not InvoiceLineItem.objects.exists()
    assert ask("post", f"{path}/load").json()["is_loaded"]
    assert ask("post", f"{path}/load").status_code == 409
    assert ask("get", path).json()["plan"] is None
    assert (InvoiceLineItem.objects.count(), FileUpload.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_exceptions_are_read_and_changed_with_owner_and_note(call: Callable[..., Call], line: InvoiceLineItem):
    batch = ClaimBatch.objects.create(from_date=line.delivery_date, to_date=line.delivery_date, state="claimed")
    refused = PaymentRequest.objects.create(batch=batch, line_item=line, amount=80, state="refused")
    ask = call()
    [row] = ask("get", "/exceptions").json()["exceptions"]
    assert (row["exception_id"], row["kind"], row["state"], row["owner"]) == (refused.pk, "refused", "open", None)
    assert AccessLogEntry.objects.filter(what="Claim exceptions (API)").get().client == line.client
    body = {"exception_ids": [refused.pk], "owner": "finance", "state": "waiting", "note": "Asked."}
    assert ask("post", "/exceptions/changes", body).json() == {"changed": 1}
    [row] = ask("get", "/exceptions?owner=finance&state=waiting").json()["exceptions"]
    assert (row["owner"], row["notes"]) == ("finance", ["Asked."])
    assert ask("get", "/exceptions?is_unowned=true").json()["exceptions"] == []
    for wrong in ({}, {"exception_ids": [refused.pk]}, {"note": "x"}, body | {"owner": "nobody here"}):
        assert ask("post", "/exceptions/changes", wrong).status_code == 422
    ask("post", "/exceptions/changes", {"exception_ids": [refused.pk], "owner": None})
    assert ExceptionCase.objects.get().owner is None
    assert AuditEntry.objects.filter(act="Exceptions changed").count() == 2
    assert ask("get", "/exceptions/draws").json() == {"draws": [], "next_start": None}


@pytest.mark.django_db
def test_the_money_is_that_of_the_page(call: Callable[..., Call], line: InvoiceLineItem):
    ask = call()
    stages = {row["stage"]: row for row in ask("get", "/money").json()}
    assert (stages["not-claimed"]["lines"], stages["not-claimed"]["amount"]) == (1, "80.00")
    assert [row["line_id"] for row in ask("get", "/money/not-claimed/lines").json()["lines"]] == [line.pk]
    assert ask("get", f"/money/not-claimed/lines?service_provider_id={OTHER_BRANCH}").json()["lines"] == []
    assert ask("get", "/money/elsewhere/lines").status_code == 422


@pytest.mark.django_db
def test_an_answer_about_a_claim_asks_for_the_scope_read_as_well(call: Callable[..., Call], wilma: Client):
    claim = Claim.objects.create(claim_id="C-1", made_at=timezone.now(), care_recipient_ids=["400000001"])
    record_claim_answer(operation="claim_details", subject_id="C-1", page=1, body=b"{}", claim_pk=claim.pk)
    digest = call()("get", "/claims/C-1/stored-responses").json()["stored_responses"][0]["digest"]
    path = f"/claims/C-1/stored-responses/{digest}"
    assert call()("get", path).content == b"{}"
    assert call(scopes=("claims",))("get", path).status_code == 403
    assert AccessLogEntry.objects.filter(action="exported").get().client == wilma


def test_a_rollover_is_asked_for_as_previewed_and_once(call: Callable[..., Call], world: Any, wilma: Client):
    today = timezone.localdate()
    budget = PlanBudget.objects.create(
        client=wilma,
        changed_at=timezone.now(),
        plan=Plan.objects.create(client=wilma),
        budget_id="B-1",
        budget_type_code="ON",
        start_date=today - timedelta(days=93),
        end_date=today - timedelta(days=3),
        total=Decimal("1500.00"),
        available=Decimal("1200.00"),
        status="OPEN",
    )
    ask, question = call(), {"plan_budget_ids": [budget.pk], "quarter": budget.end_date.isoformat()}
    found = ask("get", f"/quarter-close?quarter={budget.end_date}").json()
    assert (found["people"], found["ready"], found["budgets"][0]["can_roll_over"]) == (1, 1, True)
    shown = ask("post", "/quarter-close/rollover-preview", question).json()
    assert (shown["number"], shown["rollover"], shown["loss"]) == (1, "1000.00", "200.00")
    budget.available = Decimal("1100.00")
    budget.save()
    refused = ask("post", "/quarter-close/rollover", question | {"fingerprint": shown["fingerprint"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "preview-changed")
    confirmed = question | {
        "fingerprint": ask("post", "/quarter-close/rollover-preview", question).json()["fingerprint"]
    }
    assert not Rollover.objects.exists()
    assert ask("post", "/quarter-close/rollover", confirmed).json()["total"] == 1
    assert ask("post", "/quarter-close/rollover", confirmed).status_code == 409
    assert Rollover.objects.get().asked_by == User.objects.get(username="finance")
    assert (
        ask("post", "/quarter-close/rollover-preview", {"everybody": True, "plan_budget_ids": [1]}).status_code == 422
    )
