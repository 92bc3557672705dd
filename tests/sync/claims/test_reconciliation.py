"""Our records of invoices and claims against the funder's: each difference is one sentence among the exceptions."""

from datetime import timedelta

import pytest
from django.utils import timezone

from carefund.records.models import Claim, ClaimBatch, Invoice, InvoiceLineItem, PaymentRequest
from carefund.runs.claims.claiming import find_reconciliation, request_reconciliation
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run, Schedule
from carefund.runs.schedule import find_schedule, request_due_runs
from tests.claim_world import Backup, ClaimWorld, send_batch
from tests.conftest import table_rows


def differences() -> list[str]:
    """Compare as an engine would; nothing of ours changes by that."""
    before = table_rows(Invoice, InvoiceLineItem, Claim, ClaimBatch, PaymentRequest)
    item = finish_now(request_reconciliation()).items.get()
    assert item.outcome != "failed", item.message
    assert table_rows(Invoice, InvoiceLineItem, Claim, ClaimBatch, PaymentRequest) == before
    newest = find_reconciliation()
    assert newest is not None
    return [difference["sentence"] for difference in newest.result["differences"]]


@pytest.fixture
def sent(claims: ClaimWorld) -> Backup:
    """Two invoices are claimed; gives a backup of before."""
    claims.deliver(claims.clients[0], lines=2)
    claims.deliver(claims.clients[1], "INV-2")
    batch = claims.prepare()
    backup = Backup()
    send_batch(batch.pk)
    return backup


def test_both_sides_agree_at_every_stage_of_a_claim(claims: ClaimWorld, sent: Backup):
    assert differences() == []
    for _ in range(3):
        claims.turn(advanceDays=1)
        assert differences() == []


def test_what_the_funder_has_under_our_references_and_we_do_not_know(claims: ClaimWorld, sent: Backup):
    sent.restore()
    first, second = claims.invoices()
    assert differences() == [
        f"Services Australia has invoice {invoice['invoiceId']} with our reference {invoice['externalReferenceId']},"
        " which Carefund does not have. Send a batch with its lines to take it over."
        for invoice in (first, second)
    ]
    send_batch(ClaimBatch.objects.get().pk)
    assert differences() == []


def test_what_is_claimed_there_and_not_here(claims: ClaimWorld, sent: Backup):
    Invoice.objects.filter(external_reference_id="INV-2").update(status="SUBMITTED")
    [sentence] = differences()
    assert "is claimed at Services Australia and submitted in Carefund. Send its batch again" in sentence


def test_what_we_think_sent_and_the_funder_does_not_have(claims: ClaimWorld, sent: Backup):
    """The funder has lost it, or another environment was meant."""
    Invoice.objects.filter(external_reference_id="INV-2").update(invoice_id="1599999999")
    Claim.objects.update(claim_id="199999999999")
    there = next(invoice["invoiceId"] for invoice in claims.invoices() if invoice["externalReferenceId"] == "INV-2")
    assert differences() == [
        f"Services Australia has invoice {there} with our reference INV-2, with one line that it also has in"
        " another invoice.",
        "Services Australia has no record of invoice 1599999999, which is claimed in Carefund.",
        "Claim 199999999999 is in Carefund, but Services Australia has no record of it.",
    ]


def test_an_invoice_that_was_deleted_there(claims: ClaimWorld):
    claims.deliver(claims.clients[0])
    batch = claims.prepare()
    claims.sandbox.fault(kind="status", status=503, operation="invoice_submit", times=1)
    send_batch(batch.pk)
    Invoice.objects.update(is_uncertain=False, status="CLAIMED")
    [sentence] = differences()
    assert "is open at Services Australia and claimed in Carefund. Check its claim" in sentence


def test_invoices_of_the_portal_and_of_other_systems_are_no_difference(claims: ClaimWorld, sent: Backup):
    """Same reference, other lines: somebody else chose it."""
    sent.restore()
    for line in InvoiceLineItem.objects.all():
        line.external_reference_id = f"other-{line.pk}"
        line.save()
    assert differences() == []


def test_they_are_compared_every_night(claims: ClaimWorld, sent: Backup):
    schedule = find_schedule(Schedule.Kind.CLAIM_BOOKS)
    Schedule.objects.exclude(pk=schedule.pk).update(is_enabled=False)
    Schedule.objects.filter(pk=schedule.pk).update(last_slot_at=timezone.now() - timedelta(days=2))
    [run] = request_due_runs(timezone.now())
    assert (run.kind, run.trigger) == ("claim-check", Run.Trigger.ROUTINE)
    assert finish_now(run).items.get().message == "Carefund and Services Australia have the same records."
    assert request_due_runs(timezone.now()) == []
