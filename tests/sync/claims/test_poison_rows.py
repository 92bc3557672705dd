"""One absurd row in the provider's lists of invoices and claims costs itself: the rest is compared, found and sent."""

import json

from django.contrib.auth.models import User
from django.utils import timezone

from carefund.records.models import Claim, ClaimBatch, Invoice
from carefund.runs.claims.claiming import find_reconciliation, request_reconciliation, request_search
from carefund.runs.foreground import finish_now
from tests.browsing import Browser
from tests.claim_world import ClaimWorld, assert_claimed_once, send_batch

STRANGE = {"serviceProviderId": "404", "externalReferenceId": "PORTAL-7", "status": "OPEN"}


def add_row(claims: ClaimWorld, operation: str, **row: object) -> None:
    """Let one more row be in a list."""
    claims.sandbox.fault(kind="extra-row", operation=operation, text=json.dumps(STRANGE | row))


def open_console() -> Browser:
    """A browser in which somebody who may see everything is signed in."""
    browser = Browser(headers={"host": "localhost"})
    browser.force_login(User.objects.create_superuser("boss"))
    return browser


def compare() -> tuple[str, list[str]]:
    item = finish_now(request_reconciliation()).items.get()
    assert item.outcome != "failed", item.message
    newest = find_reconciliation()
    assert newest is not None
    return item.message, [difference["sentence"] for difference in newest.result["differences"]]


def test_an_absurd_invoice_is_named_and_all_others_are_compared(claims: ClaimWorld):
    claims.deliver(claims.clients[0], lines=2)
    send_batch(claims.prepare().pk)
    add_row(claims, "invoices", invoiceId="1500000999", status="x" * 300)
    assert compare() == (
        "Carefund and Services Australia have the same records. 1 record could not be compared. See Exceptions.",
        ["Not compared: invoice 1500000999. The field status is longer than 20 characters."],
    )
    Claim.objects.update(claim_id="199999999999")
    message, sentences = compare()
    assert "different records in one place" in message
    assert sentences[-1] == "Claim 199999999999 is in Carefund, but Services Australia has no record of it."


def test_an_absurd_claim_is_not_stored_and_the_pages_about_claims_stay(claims: ClaimWorld):
    claims.deliver(claims.clients[0])
    send_batch(claims.prepare().pk)
    theirs = claims.claims()[0]["claimId"]
    Claim.objects.all().delete()
    ClaimBatch.objects.all().delete()
    for claim_id in ("", "a/b", "x" * 300):
        add_row(claims, "claims", claimId=claim_id)
    item = finish_now(request_search()).items.get()
    unread = "Not read: Claim without a readable ID: The field claimId is"
    assert item.warnings == [
        f"{unread} not an ID.",
        "Not read: Claim a/b: The field claimId is not an ID.",
        f"{unread} longer than 24 characters.",
    ]
    assert [claim.claim_id for claim in Claim.objects.all()] == [theirs]
    browser = open_console()
    assert browser.get("/claims").status_code == 200


def test_a_claim_whose_id_no_address_takes_breaks_no_list(claims: ClaimWorld):
    """An older version stored it."""
    browser = open_console()
    for claim_id in ("", "a/b"):
        Claim.objects.create(claim_id=claim_id, service_provider_id="4041", made_at=timezone.now())
    assert browser.get("/claims").status_code == 200


def test_an_absurd_row_of_somebody_else_does_not_stop_a_batch(claims: ClaimWorld):
    claims.sandbox.ask("POST", "/switches", {"notFound": "empty"})
    claims.deliver(claims.clients[0], lines=2)
    batch = claims.prepare()
    add_row(claims, "invoices", invoiceId="1500000999", validationMessages=7)
    send_batch(batch.pk)
    assert_claimed_once(claims, batch, 2)


def test_an_absurd_row_that_may_be_our_own_stops_its_batch_and_nothing_is_sent_twice(claims: ClaimWorld):
    claims.sandbox.ask("POST", "/switches", {"notFound": "empty"})
    claims.deliver(claims.clients[0], lines=2)
    batch = claims.prepare()
    add_row(claims, "invoices", invoiceId="1500000999", externalReferenceId={})
    send_batch(batch.pk)
    batch.refresh_from_db()
    assert "externalReferenceId has an unexpected type" in batch.problem
    assert claims.invoices() == []
    claims.sandbox.ask("DELETE", "/faults")
    send_batch(batch.pk)
    assert_claimed_once(claims, batch, 2)


def test_a_claim_that_cannot_be_read_in_the_list_is_read_alone_before_one_is_made(claims: ClaimWorld):
    """The claim was made, its answer was lost, and the list holds a figure that cannot be."""
    claims.deliver(claims.clients[0])
    batch = claims.prepare()
    claims.sandbox.fault(kind="denial", operation="claim_create", status=500, times=1)
    claims.sandbox.fault(kind="raw-value", operation="claims", field="status", text='{"a": 1}')
    send_batch(batch.pk)
    send_batch(batch.pk)
    assert_claimed_once(claims, batch, 1)


def test_an_invoice_or_a_claim_that_cannot_be_asked_about_alone_costs_itself(claims: ClaimWorld):
    claims.deliver(claims.clients[0])
    claims.deliver(claims.clients[1], "INV-2")
    send_batch(claims.prepare().pk)
    Invoice.objects.filter(external_reference_id="INV-2").update(invoice_id="1599999999")
    Claim.objects.update(claim_id="199999999999")
    claims.sandbox.fault(kind="status", operation="invoice_details", subject="1599999999", status=403)
    claims.sandbox.fault(kind="status", operation="claim_details", status=400)
    message, sentences = compare()
    refused = "This organisation does not have permission to do that at the funder."
    assert sentences[1:] == [
        f"Not compared: invoice 1599999999. {refused}",
        "Not compared: claim 199999999999. The funder refused the request.",
    ]
    assert "different records in one place. See Exceptions. 2 records could not be compared" in message
