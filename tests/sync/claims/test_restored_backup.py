"""A backup of before the sending is restored, and sent again: the funder holds each line once, and so do we."""

from dataclasses import replace
from datetime import timedelta

import pytest

from carefund.records.claims.open_lines import list_open_lines
from carefund.records.models import ClaimBatch, Invoice, InvoiceLineItem
from carefund.runs.business_day import business_today
from carefund.sync.claims.preparing import NothingToClaim, prepare_batch
from tests.claim_world import Backup, ClaimWorld, assert_claimed_once, send_batch


def test_what_was_sent_after_the_backup_is_not_sent_again(claims: ClaimWorld):
    claims.deliver(claims.clients[0], lines=3)
    claims.deliver(claims.clients[1], "INV-2")
    batch = claims.prepare()
    backup = Backup()
    send_batch(batch.pk)
    backup.restore()
    send_batch(batch.pk)
    assert_claimed_once(claims, batch, 4)
    assert claims.count_asked("invoice_create") == 2


@pytest.mark.parametrize("operation", ["invoice_create", "invoice_item_add", "invoice_submit", "claim_create"])
def test_a_backup_of_the_middle_of_the_sending_is_gone_on_with(claims: ClaimWorld, operation: str):
    claims.deliver(claims.clients[0], lines=3)
    claims.deliver(claims.clients[1], "INV-2")
    batch = claims.prepare()
    claims.sandbox.fault(kind="status", status=503, operation=operation, after=1, times=1)
    send_batch(batch.pk)
    Invoice.objects.update(is_uncertain=False)  # a backup of the moment before the next mark
    ClaimBatch.objects.update(is_claim_uncertain=False)
    backup = Backup()
    send_batch(batch.pk)
    backup.restore()
    send_batch(batch.pk)
    assert_claimed_once(claims, batch, 4)


def test_a_backup_of_before_the_batch_and_another_choice_of_lines(claims: ClaimWorld):
    """The funder has three lines as one invoice; after the restore they are chosen one day, then the others."""
    claims.deliver(claims.clients[0], lines=3)
    backup = Backup()
    first = claims.prepare()
    send_batch(first.pk)
    backup.restore()
    yesterday = business_today() - timedelta(days=1)
    batch = prepare_batch(replace(claims.choice(), from_date=yesterday), business_today())
    assert batch.payment_requests.count() == 1
    send_batch(batch.pk)
    held = [item for invoice in claims.invoices() for item in invoice["items"]]
    assert len(held) == 3
    batch.refresh_from_db()
    assert batch.state == ClaimBatch.State.CLAIMED, batch.problem
    assert not InvoiceLineItem.objects.filter(item_id="").exists()
    assert not list_open_lines().exists()
    with pytest.raises(NothingToClaim):
        claims.prepare()


def test_a_backup_of_before_the_batch_and_a_wider_choice_of_lines(claims: ClaimWorld):
    """The funder has the first line as a part of an invoice; after the restore all of it is chosen."""
    claims.deliver(claims.clients[0], lines=3)
    backup = Backup()
    yesterday = business_today() - timedelta(days=1)
    send_batch(prepare_batch(replace(claims.choice(), from_date=yesterday), business_today()).pk)
    backup.restore()
    send_batch(claims.prepare().pk)
    for batch in ClaimBatch.objects.filter(state="sending"):
        claims.sandbox.ask("POST", "/claim-rules", {"oneClaimPerDay": False})
        claims.turn(advanceDays=1)
        send_batch(batch.pk)
    held = [item["externalReferenceId"] for invoice in claims.invoices() for item in invoice["items"]]
    assert sorted(held) == sorted(InvoiceLineItem.objects.values_list("external_reference_id", flat=True))


def test_a_backup_of_before_the_invoices_and_the_same_file_again(claims: ClaimWorld):
    backup = Backup()
    claims.deliver(claims.clients[0], lines=3)
    send_batch(claims.prepare().pk)
    backup.restore()
    claims.deliver(claims.clients[0], lines=3)
    batch = claims.prepare()
    send_batch(batch.pk)
    assert_claimed_once(claims, batch, 3)


def test_somebody_elses_invoice_under_the_same_reference_is_not_taken_over(claims: ClaimWorld):
    """A person has made an invoice in the portal and chose our reference for it."""
    claims.deliver(claims.clients[0], lines=2)
    backup = Backup()
    send_batch(claims.prepare().pk)
    backup.restore()
    for line in InvoiceLineItem.objects.all():
        line.external_reference_id = f"other-{line.pk}"
        line.save()
    InvoiceLineItem.objects.update(price_per_unit="70.00")
    claims.sandbox.ask("POST", "/claim-rules", {"oneClaimPerDay": False})
    batch = claims.prepare()
    send_batch(batch.pk)
    assert len(claims.invoices()) == 2
    assert {line.item_id for line in InvoiceLineItem.objects.all()} == {"1", "2"}
    assert Invoice.objects.get(batch=batch).invoice_id == claims.invoices()[1]["invoiceId"]
