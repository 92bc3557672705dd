"""Writing how batches are sent, claimed and paid: each function is one short transaction, so that every step is kept
at once. A batch is prepared and withdrawn in batches.py.

What the funder said comes in as plain values; deciding and asking are above (`sync.claims`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from carefund.domain.claims.statuses import CANCELLED, PAID_CLAIM_STATUSES, later_claim_status
from carefund.records.durability import durable
from carefund.records.models import Claim, ClaimBatch, Invoice, InvoiceLineItem, PaymentRequest
from carefund.records.webhooks.events import CLAIM_APPROVED, CLAIM_REFUSED, NewEvent, note_events

_LONGEST_PROBLEM = 500
_LONGEST_STATUS = 20


def begin_sending(batch_id: int) -> bool:
    """Note that a batch is being sent; False if it is claimed or withdrawn."""
    sendable = (ClaimBatch.State.PREPARED, ClaimBatch.State.SENDING, ClaimBatch.State.CANCELLED)
    return bool(
        ClaimBatch.objects.filter(pk=batch_id, state__in=sendable).update(
            state=ClaimBatch.State.SENDING, problem_code="", problem="", advice=""
        )
    )


def store_batch_problem(batch_id: int, *, code: str, problem: str, advice: str) -> None:
    """What stopped the sending of a batch."""
    ClaimBatch.objects.filter(pk=batch_id).update(
        problem_code=code, problem=problem[:_LONGEST_PROBLEM], advice=advice[:300]
    )


def store_invoice(invoice_pk: int, **values: Any) -> None:
    """What is now known of one of our invoices; `problem` and `status` are cut to their columns."""
    if "problem" in values:
        values["problem"] = str(values["problem"])[:_LONGEST_PROBLEM]
    if "status" in values:
        values["status"] = str(values["status"])[:_LONGEST_STATUS]
    Invoice.objects.filter(pk=invoice_pk).update(**values)


def begin_write(invoice_pk: int) -> None:
    """Note that something of an invoice is about to be written at the funder; a power cut does not undo this."""
    with durable():
        Invoice.objects.filter(pk=invoice_pk).update(is_uncertain=True)


def store_item(line_pk: int, item_id: str, etag: str, *, invoice_pk: int) -> None:
    """The funder's number for a line, and with it the end of the uncertainty about its invoice."""
    with transaction.atomic():
        InvoiceLineItem.objects.filter(pk=line_pk).update(item_id=item_id, etag=etag)
        Invoice.objects.filter(pk=invoice_pk).update(is_uncertain=False)


def store_item_refusal(line_pk: int, words: str, *, invoice_pk: int) -> None:
    """The funder does not take a line at all: its request ends, the line is open again, the invoice is certain."""
    with transaction.atomic():
        request = PaymentRequest.objects.get(line_item_id=line_pk, state=PaymentRequest.State.READY)
        request.state, request.payment_determination = PaymentRequest.State.REFUSED, "Refused on upload"
        request.cautions = [*request.cautions, words[:_LONGEST_PROBLEM]]
        request.save(update_fields=["state", "payment_determination", "cautions"])
        Invoice.objects.filter(pk=invoice_pk).update(is_uncertain=False)


def store_invoice_refusal(invoice_pk: int, words: str) -> None:
    """The funder does not take an invoice: the requests of its lines end, and the lines are open again."""
    refuse_requests(Q(line_item__invoice_id=invoice_pk), words, "Refused on submission")


def refuse_requests(which: Q, words: str, determination: str = "Not held") -> None:
    """End requests that were to be claimed, so that their lines are open again."""
    with transaction.atomic():
        for request in PaymentRequest.objects.filter(which, state=PaymentRequest.State.READY):
            request.state, request.payment_determination = PaymentRequest.State.REFUSED, determination
            request.cautions = [*request.cautions, words[:_LONGEST_PROBLEM]]
            request.save(update_fields=["state", "payment_determination", "cautions"])


def begin_claim(batch_id: int, now: datetime) -> None:
    """Note that a claim is about to be made, before it is; a power cut does not undo this."""
    with durable():
        ClaimBatch.objects.filter(pk=batch_id).update(is_claim_uncertain=True, claim_attempted_at=now)


def forget_claim_attempt(batch_id: int) -> None:
    """The claim is known not to have been made."""
    ClaimBatch.objects.filter(pk=batch_id).update(is_claim_uncertain=False)


def store_claim(
    *,
    claim_id: str,
    service_provider_id: str,
    reported_status: str,
    made_at: datetime,
    batch_id: int | None = None,
    service_naps_id: str = "",
    invoice_ids: Sequence[str] = (),
) -> Claim:
    """A claim that exists at the funder's; with `batch_id` that batch is claimed, and its invoices with it."""
    with transaction.atomic():
        claim, _ = Claim.objects.get_or_create(
            claim_id=claim_id, defaults={"service_provider_id": service_provider_id, "made_at": made_at}
        )
        claim.service_naps_id = service_naps_id or claim.service_naps_id
        claim.reported_status = reported_status[:40]
        claim.status = later_claim_status(claim.status, reported_status)[:40]
        claim.invoice_ids = list(invoice_ids) or claim.invoice_ids
        if batch_id is not None:
            claim.batch_id = batch_id
        claim.save()
        if batch_id is not None:
            _mark_claimed(batch_id, claim)
    return claim


def _mark_claimed(batch_id: int, claim: Claim) -> None:
    ClaimBatch.objects.filter(pk=batch_id).update(state=ClaimBatch.State.CLAIMED, is_claim_uncertain=False)
    claimed = Invoice.objects.filter(batch_id=batch_id, invoice_id__in=claim.invoice_ids)
    PaymentRequest.objects.filter(
        batch_id=batch_id, line_item__invoice__in=claimed, state=PaymentRequest.State.READY
    ).update(state=PaymentRequest.State.CLAIMED)
    claimed.exclude(status="COMPLETED").update(status="CLAIMED")
    _leave_for_later(batch_id)


def _leave_for_later(batch_id: int) -> None:
    """What the claim left out, such as held invoices, goes into a batch of its own, so that it is not forgotten."""
    waiting = PaymentRequest.objects.filter(batch_id=batch_id, state=PaymentRequest.State.READY)
    if not waiting.exists():
        return
    batch = ClaimBatch.objects.get(pk=batch_id)
    later = ClaimBatch.objects.create(
        service_provider_id=batch.service_provider_id,
        funding_source=batch.funding_source,
        from_date=batch.from_date,
        to_date=batch.to_date,
        created_by=batch.created_by,
        state=ClaimBatch.State.SENDING,
        problem_code="left-for-later",
        problem=f"These lines could not be included in the claim of batch {batch_id}.",
        advice="Send again when Services Australia has released the held invoices.",
    )
    Invoice.objects.filter(batch_id=batch_id, line_items__payment_requests__in=waiting).update(batch=later)
    waiting.update(batch=later)


def store_check(claim: Claim, *, reported_status: str, payment_date: date | None, invoice_ids: Sequence[str]) -> Claim:
    """What a look at a claim said: its status never goes back, whatever was reported."""
    with transaction.atomic():
        held = Claim.objects.select_for_update().get(pk=claim.pk)
        before = held.status
        held.status = later_claim_status(before, reported_status)[:40]
        held.reported_status = reported_status[:40]
        held.payment_date = payment_date or held.payment_date
        held.invoice_ids = list(invoice_ids) or held.invoice_ids
        held.checked_at, held.problem = timezone.now(), ""
        held.save()
        if held.status in PAID_CLAIM_STATUSES and before not in PAID_CLAIM_STATUSES:
            note_events([_event(CLAIM_APPROVED, held)])
        if held.status == CANCELLED and before != CANCELLED and held.batch_id:
            ClaimBatch.objects.filter(pk=held.batch_id).update(state=ClaimBatch.State.CANCELLED)
            undone = (PaymentRequest.State.CLAIMED, PaymentRequest.State.PAID)  # a payment may be taken back as well
            PaymentRequest.objects.filter(batch_id=held.batch_id, state__in=undone).update(
                state=PaymentRequest.State.READY,
                is_matched=False,
                paid_amount=None,
                individual_contribution_amount=None,
                compensation_reduction=None,
                payment_determination="",
                claim_approved_date=None,
                payment_date=None,
            )
            _offer_refused_again(held.batch_id)
            # The funder has taken its invoices back to some state before: it is read before the next sending.
            Invoice.objects.filter(batch_id=held.batch_id).update(is_uncertain=True)
    return held


def _offer_refused_again(batch_id: int) -> None:
    """Let lines that were refused, and still stand on an invoice of the batch, go with its next claim.

    At the funder they do. Without this, another batch could take them too.
    """
    requests = PaymentRequest.objects.filter(
        batch_id=batch_id, state=PaymentRequest.State.REFUSED, line_item__invoice__batch_id=batch_id
    ).exclude(line_item__item_id="")
    later = PaymentRequest.objects.filter(line_item=OuterRef("line_item"), pk__gt=OuterRef("pk"))
    again = requests.exclude(Exists(later.exclude(state=PaymentRequest.State.WITHDRAWN)))
    PaymentRequest.objects.filter(pk__in=list(again.values_list("pk", flat=True))).update(
        state=PaymentRequest.State.READY, is_matched=False, payment_determination="", claim_approved_date=None
    )


def store_claim_problem(claim_pk: int, problem: str) -> None:
    """Why a claim could not be looked at."""
    Claim.objects.filter(pk=claim_pk).update(checked_at=timezone.now(), problem=problem[:_LONGEST_PROBLEM])


@dataclass(frozen=True, slots=True)
class LineDecision:
    """What the funder decided on one of our lines."""

    request_pk: int
    is_refused: bool
    paid_amount: Decimal | None
    values: Mapping[str, Any]


def store_related(
    claim_pk: int,
    *,
    statement: Mapping[str, Any],
    discrepancies: Sequence[str],
    invoice_statuses: Mapping[str, tuple[str, str]],
    decisions: Iterable[LineDecision],
    care_recipient_ids: Sequence[str],
) -> Claim:
    """Everything that hangs on an approval, in one transaction: statement, invoice statuses, and decisions per line."""
    with transaction.atomic():
        claim = Claim.objects.select_for_update().get(pk=claim_pk)
        for name, value in statement.items():
            setattr(claim, name, value)
        claim.discrepancies = list(discrepancies)
        claim.care_recipient_ids = list(care_recipient_ids)
        claim.related_updated_at = timezone.now()
        claim.save()
        for invoice_id, (status, etag) in invoice_statuses.items():
            Invoice.objects.filter(invoice_id=invoice_id).update(status=status[:20], etag=etag[:120])
        refused = 0
        for decision in decisions:
            state = PaymentRequest.State.REFUSED if decision.is_refused else PaymentRequest.State.PAID
            held = PaymentRequest.objects.filter(pk=decision.request_pk)
            refused += decision.is_refused and held.exclude(state=PaymentRequest.State.REFUSED).exists()
            held.update(state=state, paid_amount=decision.paid_amount, is_matched=False, **decision.values)
        if refused:
            note_events([_event(CLAIM_REFUSED, claim, lines=refused)])
    return claim


def _event(event: str, claim: Claim, **more: int) -> NewEvent:
    data = {"claim_id": claim.claim_id, "batch_id": claim.batch_id, "status": claim.status}
    return NewEvent(event, f"claim:{claim.pk}", data | more)
