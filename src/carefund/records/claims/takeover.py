"""Taking over what the funder holds under our references and our records do not know, as after a restored backup.

The funder's books rule: an invoice of ours that it holds becomes that invoice here, with the lines that it holds.
Whatever is said of the funder's records comes in as plain values. Source: rule CLAIM-06.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Min, Q

from carefund.domain.claims import statuses
from carefund.domain.claims.checks import amount_of
from carefund.records.claims.late_evidence import adopt_evidence
from carefund.records.claims.store import refuse_requests, store_invoice
from carefund.records.models import Claim, ClaimBatch, Invoice, InvoiceLineItem, PaymentRequest

# What all parts of a split invoice share: the splitting cuts a reference so that its mark fits into 24 characters.
_STEM = 20


@dataclass(frozen=True, slots=True)
class HeldInvoice:
    """An invoice as the funder holds it; `items` are its living items by our reference, `attachments` the files of
    items, by item number and file name."""

    invoice_id: str
    external_reference_id: str
    status: str
    etag: str
    problem: str
    items: Mapping[str, str]
    attachments: Collection[tuple[str, str]]


def find_first_delivery(batch_id: int) -> date | None:
    """The first day of delivery in a batch: nothing of it can have been sent before."""
    lines = InvoiceLineItem.objects.filter(payment_requests__batch_id=batch_id)
    first: date | None = lines.aggregate(first=Min("delivery_date"))["first"]
    return first


def list_unknown_invoices(batch_id: int, listed: Sequence[tuple[str, str]]) -> list[str]:
    """Which of the invoices that the funder lists, as number and reference, may hold lines of a batch unknown to us."""
    references = Invoice.objects.filter(batch_id=batch_id).values_list("external_reference_id", flat=True)
    stems = {stem_of(reference) for reference in references}
    alike = [invoice_id for invoice_id, reference in listed if reference and stem_of(reference) in stems]
    known = set(Invoice.objects.filter(invoice_id__in=alike).values_list("invoice_id", flat=True))
    return [invoice_id for invoice_id in alike if invoice_id not in known]


def stem_of(reference: str) -> str:
    """What the reference of an invoice shares with those of its parts."""
    return reference.partition("~")[0][:_STEM]


def list_claims_of_other_batches(batch_id: int) -> set[str]:
    """The numbers of claims that are known to be of other batches of ours."""
    return set(Claim.objects.filter(batch__isnull=False).exclude(batch=batch_id).values_list("claim_id", flat=True))


def take_over(batch_id: int, held: HeldInvoice) -> int | None:
    """Let our records say what the funder holds of one invoice; give our invoice, or None if it is not ours.

    Lines that it holds and we do not know to be sent move to it, and are in the batch from now on. Lines of it that it
    does not hold and takes no more are refused, so that they are open again.
    """
    with transaction.atomic():
        lines = list(
            InvoiceLineItem.objects.select_for_update(of=("self",))
            .filter(external_reference_id__in=held.items)
            .select_related("invoice")
        )
        invoice = _find_or_add(batch_id, held, lines)
        if invoice is None:
            return None
        store_invoice(
            invoice.pk,
            invoice_id=held.invoice_id,
            status=held.status,
            etag=held.etag,
            is_uncertain=False,
            problem=held.problem,
        )
        unsent = [line for line in lines if not line.item_id]
        for line in unsent:
            line.invoice, line.item_id = invoice, held.items[line.external_reference_id]
        InvoiceLineItem.objects.bulk_update(unsent, ["invoice", "item_id"])
        _ask_for(unsent, invoice)
        adopt_evidence(invoice.pk, held.attachments)
        if held.status == statuses.DELETED:
            refuse_requests(Q(line_item__invoice=invoice), "Services Australia shows this invoice as deleted.")
        elif held.status != statuses.OPEN:
            missing = Q(line_item__invoice=invoice, line_item__item_id="")
            refuse_requests(missing, "Services Australia has this invoice without this line.")
    return invoice.pk


def _find_or_add(batch_id: int, held: HeldInvoice, lines: Sequence[InvoiceLineItem]) -> Invoice | None:
    invoice = Invoice.objects.filter(invoice_id=held.invoice_id).first()
    if invoice is not None:
        return invoice
    if held.items and not lines:  # somebody else's, who chose the same reference
        return None
    invoice = Invoice.objects.filter(external_reference_id=held.external_reference_id).first()
    if invoice is not None:  # one that goes by another number is held twice, which a person has to decide
        return None if invoice.invoice_id else _in_batch(invoice, batch_id)
    if all(line.item_id for line in lines):  # none, or all are held elsewhere too, which a person has to decide
        return None
    origin = lines[0].invoice.split_from or lines[0].invoice
    return Invoice.objects.create(
        external_reference_id=held.external_reference_id,
        service_provider_id=origin.service_provider_id,
        service_naps_id=origin.service_naps_id,
        split_from=origin,
        batch_id=batch_id,
    )


def _in_batch(invoice: Invoice, batch_id: int) -> Invoice:
    if invoice.batch_id is None:
        invoice.batch_id = batch_id
        invoice.save(update_fields=["batch"])
    return invoice


def _ask_for(lines: Sequence[InvoiceLineItem], invoice: Invoice) -> None:
    """Have these lines, which the funder holds, in the batch of their invoice."""
    over = (PaymentRequest.State.REFUSED, PaymentRequest.State.WITHDRAWN)
    requests = PaymentRequest.objects.filter(line_item__in=lines).exclude(state__in=over)
    asked_for = set(requests.values_list("line_item_id", flat=True))
    requests.filter(state=PaymentRequest.State.READY).update(batch_id=invoice.batch_id)
    assert invoice.batch_id is not None
    PaymentRequest.objects.bulk_create(
        PaymentRequest(batch_id=invoice.batch_id, line_item=line, amount=amount_of(line.quantity, line.price_per_unit))
        for line in lines
        if line.pk not in asked_for
    )
    _widen(ClaimBatch.objects.get(pk=invoice.batch_id), [line.delivery_date for line in lines])


def _widen(batch: ClaimBatch, days: Sequence[date]) -> None:
    """Let a batch cover these days: what asks for lines of some days looks at the batches of those days alone."""
    batch.from_date, batch.to_date = min([batch.from_date, *days]), max([batch.to_date, *days])
    batch.save(update_fields=["from_date", "to_date"])
