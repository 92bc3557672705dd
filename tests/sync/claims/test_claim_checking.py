"""Check Status: forward only, payments per line, one sync per person, and claims that were made elsewhere."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F

from carefund.domain.claims.matching import LineState
from carefund.domain.claims.money import Stage
from carefund.records.care_recipient.commitments import list_undrawn_lines
from carefund.records.claims.claimed_lines import find_exception_ids, list_lines
from carefund.records.claims.exceptions import ExceptionFilter, list_draws_without_line
from carefund.records.claims.money import find_money
from carefund.records.claims.queries import list_requests_of
from carefund.records.models import BudgetUsage, Claim, ClaimBatch, Invoice, InvoiceLineItem, PaymentRequest
from carefund.runs.business_day import business_today
from carefund.runs.claims.claiming import request_claim_sync, request_routine_checks
from carefund.runs.foreground import check_all_claims, finish_now
from carefund.runs.models import Run
from carefund.sync.claims.preparing import NothingToClaim, prepare_batch
from tests.claim_world import ClaimWorld, approved_services, check_claim, send_batch
from tests.conftest import table_rows


@pytest.fixture
def claim(claims: ClaimWorld) -> Claim:
    """A claim of three lines of two people, just made."""
    claims.deliver(claims.clients[0], lines=2)
    claims.deliver(claims.clients[1], "INV-2")
    send_batch(claims.prepare().pk)
    return Claim.objects.get()


def lines_of(claim: Claim):
    return list_lines([payment_request.pk for payment_request in list_requests_of(claim)], business_today())


def test_a_claim_goes_from_calculated_to_completed_and_each_line_is_paid(claims: ClaimWorld, claim: Claim):
    seen = [claim.status]
    for _ in range(4):
        claims.turn(advanceSeconds=13 * 3600)
        checked = check_claim(claim)
        assert not checked.problem
        seen.append(checked.claim.status)
    assert list(dict.fromkeys(seen)) == ["BeingCalculated", "PendingApproval", "Approved", "Completed"]
    claim.refresh_from_db()
    paid = list(claim.batch.payment_requests.all())
    assert [request.state for request in paid] == ["paid"] * 3
    assert sum(request.paid_amount for request in paid) == claim.total_paid
    assert claim.discrepancies == []
    assert set(Invoice.objects.values_list("status", flat=True)) == {"COMPLETED"}
    assert claim.is_settled


def test_an_approval_asks_for_one_sync_of_each_person_once(claims: ClaimWorld, claim: Claim):
    claims.turn(advanceDays=1.1)
    run = check_claim(claim).run
    assert run is not None
    assert (run.trigger, run.scope) == ("claim approved", "claim approved")
    assert sorted(run.items.values_list("care_recipient_id", flat=True)) == ["400000001", "400000007"]
    assert check_claim(claim).run is None
    claim.refresh_from_db()
    assert request_claim_sync(claim) is None
    assert Run.objects.filter(trigger="claim approved").count() == 1


def test_looking_again_changes_nothing(claims: ClaimWorld, claim: Claim):
    claims.turn(advanceDays=3)
    check_claim(claim)
    before = table_rows(Invoice, PaymentRequest, ClaimBatch)
    assert check_all_claims() == []
    assert check_claim(claim).run is None
    assert table_rows(Invoice, PaymentRequest, ClaimBatch) == before


def test_usage_a_day_later_closes_the_loop(claims: ClaimWorld, claim: Claim, synchronise):
    claims.turn(advanceDays=1.1)
    check_claim(claim)
    for client in claims.clients[:2]:
        synchronise(client)
    assert {row.state for row in lines_of(claim)} == {LineState.USAGE_AWAITED}
    claims.turn(advanceDays=1)
    for client in claims.clients[:2]:
        synchronise(client)
    rows = lines_of(claim)
    assert {row.state for row in rows} == {LineState.DRAWN}
    assert {row.truth.difference for row in rows} == {Decimal("0.00")}
    assert find_exception_ids(business_today()) == []


def test_a_line_drawn_from_two_budgets_shows_both(claims: ClaimWorld, claim: Claim, synchronise):
    line = Invoice.objects.get(external_reference_id="INV-2").line_items.get()
    key = f"{line.invoice.invoice_id}/{line.item_id}"
    type_code = claims.sandbox.ask("GET", "/care-recipients/400000007")["budgets"]
    second = next(budget["budgetTypeCode"] for budget in type_code if budget["budgetTypeCode"] in ("AT", "HM"))
    claims.steer(claim.claim_id, split={key: second})
    claims.turn(advanceDays=3)
    check_claim(claim)
    synchronise(claims.clients[1])
    [row] = [row for row in lines_of(claim) if row.request.line_item_id == line.pk]
    assert [draw.type_code for draw in row.truth.draws] == ["ON", second]
    assert row.state is LineState.DRAWN


def test_a_refused_line_is_told_and_can_be_claimed_again(claims: ClaimWorld, claim: Claim, synchronise):
    line = Invoice.objects.get(external_reference_id="INV-2").line_items.get()
    claims.steer(claim.claim_id, refuse=[f"{line.invoice.invoice_id}/{line.item_id}"])
    claims.turn(advanceDays=3)
    check_claim(claim)
    claim.refresh_from_db()
    assert claim.discrepancies == []
    assert [row.state for row in list_lines(find_exception_ids(business_today()), business_today())] == [
        LineState.REFUSED
    ]
    again = claims.prepare()
    assert [request.line_item_id for request in again.payment_requests.all()] == [line.pk]
    line.refresh_from_db()
    assert (line.item_id, line.invoice.external_reference_id) == ("", "INV-2~2")


def test_a_statement_that_does_not_add_up_is_told(claims: ClaimWorld, claim: Claim):
    claims.steer(claim.claim_id, statementError="1.00")
    claims.turn(advanceDays=3)
    check_claim(claim)
    claim.refresh_from_db()
    assert len(claim.discrepancies) == 1


def test_small_amounts_are_held_over_and_add_up(claims: ClaimWorld):
    claims.sandbox.ask("POST", "/claim-rules", {"heldOverBelow": "500.00"})
    claims.deliver(claims.clients[0])
    send_batch(claims.prepare().pk)
    claims.turn(advanceDays=3)
    check_all_claims()
    claim = Claim.objects.get()
    assert claim.total_paid == 0
    assert claim.outstanding_heldover
    assert claim.discrepancies == []


def test_a_cancelled_claim_can_be_made_again(claims: ClaimWorld, claim: Claim):
    claims.steer(claim.claim_id, cancel=True)
    claims.turn(advanceDays=2)
    assert check_claim(claim).claim.status == "Cancelled"
    batch = ClaimBatch.objects.get()
    assert batch.state == "cancelled"
    send_batch(batch.pk)
    batch.refresh_from_db()
    assert batch.state == "claimed"
    assert len(claims.claims()) == 2
    assert len(claims.invoices()) == 2


def test_a_claim_that_is_cancelled_after_its_payment_is_claimed_again(
    claims: ClaimWorld, claim: Claim, synchronise: Callable[..., object]
):
    """The payment is taken back and the draws are reversed: nothing of it counts, and Money shows the lines again."""
    claims.turn(advanceDays=1.1)
    assert check_claim(claim).claim.status == "Approved"
    assert set(PaymentRequest.objects.values_list("state", flat=True)) == {"paid"}
    claims.steer(claim.claim_id, takeBack=True)
    assert check_claim(claim).claim.status == "Cancelled"
    waiting = set(PaymentRequest.objects.values_list("state", "payment_date", "paid_amount", "is_matched"))
    assert waiting == {("ready", None, None, False)}
    stages = {sums.stage: sums.total.number for sums in find_money(business_today())}
    assert (stages[Stage.UNDECIDED], stages[Stage.EXCEPTIONS]) == (3, 0)
    claims.turn(advanceDays=2)
    for client in claims.clients:
        synchronise(client)
    draws = BudgetUsage.objects.filter(invoice_id__in=[invoice["invoiceId"] for invoice in claims.invoices()])
    assert draws.count() == 6
    assert sum(draw.amount for draw in draws) == 0
    undrawn = [line for client in claims.clients for line in list_undrawn_lines(client)]
    assert len(undrawn) == 3, "a draw and its reversal are none: the lines are committed again"
    batch = ClaimBatch.objects.get()
    send_batch(batch.pk)
    batch.refresh_from_db()
    assert batch.state == "claimed", batch.problem
    assert Claim.objects.exclude(status="Cancelled").count() == 1


def test_a_refused_line_goes_with_the_next_claim_of_its_invoice_and_no_other(claims: ClaimWorld, claim: Claim):
    """The funder submits the whole invoice again when a claim is taken back, the refused line too."""
    line = Invoice.objects.get(external_reference_id="INV-2").line_items.get()
    claims.steer(claim.claim_id, refuse=[f"{line.invoice.invoice_id}/{line.item_id}"])
    claims.turn(advanceDays=1.1)
    check_claim(claim)
    assert sorted(PaymentRequest.objects.values_list("state", flat=True)) == ["paid", "paid", "refused"]
    claims.steer(claim.claim_id, takeBack=True)
    assert check_claim(claim).claim.status == "Cancelled"
    assert set(PaymentRequest.objects.values_list("state", flat=True)) == {"ready"}
    with pytest.raises(NothingToClaim):  # no other batch can take it
        claims.prepare()
    send_batch(ClaimBatch.objects.get().pk)
    assert PaymentRequest.objects.filter(state="claimed").count() == 3
    assert len(claims.invoices()) == 2


def refuse(claims: ClaimWorld, line: InvoiceLineItem) -> None:
    """Have the claim of a line decided, and this line refused."""
    line.refresh_from_db()
    claim = Claim.objects.get(batch=line.invoice.batch)
    claims.steer(claim.claim_id, refuse=[f"{line.invoice.invoice_id}/{line.item_id}"])
    claims.turn(advanceDays=1.1)
    check_claim(claim)


def claim_again(claims: ClaimWorld) -> ClaimBatch:
    """Claim everything open, another day."""
    batch = claims.prepare()
    let_days_pass(claims)
    send_batch(batch.pk)
    batch.refresh_from_db()
    assert batch.state == "claimed", batch.problem
    return batch


def let_days_pass(claims: ClaimWorld) -> None:
    """Have our claims made days ago: there is one a day. The funder's clock stands, so that none is completed."""
    claims.sandbox.ask("POST", "/claim-rules", {"oneClaimPerDay": False})
    Claim.objects.update(made_at=F("made_at") - timedelta(days=2))


def living_claims(claims: ClaimWorld, line: InvoiceLineItem) -> int:
    """How many claims that are not cancelled hold a line at the funder."""
    invoices = {
        invoice["invoiceId"]
        for invoice in claims.invoices()
        for item in invoice["items"]
        if item["externalReferenceId"] == line.external_reference_id and item["itemStatus"] != "DELETED"
    }
    living = [claim for claim in claims.claims() if claim["status"] != "Cancelled"]
    return sum(invoice_id in claim["invoiceIds"] for claim in living for invoice_id in invoices)


def test_a_line_that_was_claimed_again_meanwhile_is_not_claimed_with_its_old_invoice(claims: ClaimWorld, claim: Claim):
    """Nor after somebody follows the advice, when the rest of the batch is claimed."""
    line = Invoice.objects.get(external_reference_id="INV-1").line_items.order_by("pk")[0]
    invoice_id, item_id, first = line.invoice.invoice_id, line.item_id, line.invoice.batch
    refuse(claims, line)
    claim_again(claims)
    claims.steer(claim.claim_id, takeBack=True)
    assert check_claim(claim).claim.status == "Cancelled"
    for _ in range(2):
        send_batch(first.pk)
        first.refresh_from_db()
        assert first.problem_code == "line-claimed-elsewhere"
        assert living_claims(claims, line) == 1
    claims.sandbox.ask("POST", f"/invoices/{invoice_id}/items/{item_id}/remove")
    let_days_pass(claims)
    send_batch(first.pk)
    first.refresh_from_db()
    assert first.state == "claimed", first.problem
    assert living_claims(claims, line) == 1
    assert PaymentRequest.objects.filter(batch=first, state="claimed").count() == 2


def test_an_invoice_and_a_part_of_it_in_one_claim_are_both_looked_at(claims: ClaimWorld):
    claims.deliver(claims.clients[0], lines=2)
    part, line = InvoiceLineItem.objects.order_by("pk")
    day = part.delivery_date
    send_batch(prepare_batch(replace(claims.choice(), from_date=day, to_date=day), business_today()).pk)
    refuse(claims, part)
    both = claim_again(claims)
    assert {row.invoice.split_from is None for row in InvoiceLineItem.objects.all()} == {True, False}
    taken_back = Claim.objects.get(batch=both)
    refuse(claims, line)
    claim_again(claims)
    claims.steer(taken_back.claim_id, takeBack=True)
    assert check_claim(taken_back).claim.status == "Cancelled"
    send_batch(both.pk)
    both.refresh_from_db()
    assert both.problem_code == "line-claimed-elsewhere"
    assert living_claims(claims, line) == 1


def test_a_status_never_goes_back_and_an_unknown_one_is_kept_and_shown(claims: ClaimWorld, claim: Claim):
    claims.turn(advanceDays=1.1)
    check_claim(claim)
    for word in ("Being calculated", "Under special review"):
        claims.steer(claim.claim_id, statusText=word)
        held = check_claim(claim).claim
        assert (held.status, held.reported_status) == ("Approved", word)


def test_a_claim_of_another_provider_is_not_taken_over(claims: ClaimWorld, claim: Claim):
    Claim.objects.update(service_provider_id="4049000099")
    claim.refresh_from_db()
    claims.turn(advanceDays=3)
    checked = check_claim(claim)
    assert checked.problem
    claim.refresh_from_db()
    assert (claim.status, claim.related_updated_at) == ("BeingCalculated", None)


def test_a_claim_made_in_the_portal_is_found_and_its_people_are_synchronised(claims: ClaimWorld):
    yesterday = business_today() - timedelta(days=1)
    item = {
        "careRecipientId": "400000001", "serviceId": approved_services(claims.clients[0])[0],
        "deliveryDate": yesterday.isoformat(), "quantity": 1, "pricePerUnit": 50, "fundingSource": "ON",
    }  # fmt: skip
    claims.sandbox.ask("POST", "/portal-claims", {"items": [item]})
    [item] = check_all_claims()
    found = Claim.objects.get(batch=None)
    assert item.holds == f"claim:{found.pk}"
    claims.turn(advanceDays=3)
    routine = finish_now(request_routine_checks())
    assert routine.status == Run.Status.FINISHED
    run = Run.objects.get(trigger=Run.Trigger.CLAIM_APPROVED)
    assert list(run.items.values_list("care_recipient_id", flat=True)) == ["400000001"]
    finish_now(request_routine_checks())
    assert Run.objects.filter(trigger=Run.Trigger.CLAIM_APPROVED).count() == 1
    assert Claim.objects.count() == 1


def test_usage_in_our_name_without_a_line_is_an_exception(claims: ClaimWorld, synchronise):
    claims.sandbox.change("400000001", "add-usage", amount="-75.00", invoiceId="1777777777", itemId="1")
    synchronise(claims.clients[0])
    assert "1777777777" in {usage.invoice_id for usage in list_draws_without_line(ExceptionFilter(), business_today())}


@pytest.mark.parametrize("operation", ["claim_details", "payment_statement", "payment_items", "invoice_details"])
def test_a_look_that_breaks_off_stores_nothing_of_the_payment_and_the_next_one_does(
    claims: ClaimWorld, claim: Claim, operation: str
):
    claims.turn(advanceDays=3)
    claims.sandbox.fault(kind="status", status=500, operation=operation, times=4)
    assert check_claim(claim).problem
    claim.refresh_from_db()
    assert (claim.related_updated_at, claim.sync_requested_at) == (None, None)
    claims.sandbox.ask("DELETE", "/faults")
    assert check_claim(claim).run is not None


def test_a_missing_statement_is_asked_for_again(claims: ClaimWorld, claim: Claim):
    claims.turn(advanceDays=3)
    claims.sandbox.fault(
        kind="status", status=404, operation="payment_statement", times=1, message="Not found",
    )  # fmt: skip
    check_claim(claim)
    claim.refresh_from_db()
    assert not claim.is_settled
    check_claim(claim)
    claim.refresh_from_db()
    assert claim.is_settled
