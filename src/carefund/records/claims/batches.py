"""Writing batches before anything is sent: a batch of chosen lines is prepared, or withdrawn again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from carefund.domain.claims.checks import ClaimLine
from carefund.domain.fingerprints import fingerprint_of
from carefund.records.models import ClaimBatch, Invoice, InvoiceLineItem, LateEvidence, PaymentRequest


class BatchMoved(Exception):
    """The batch, or a line of it, is no longer in the state that this step needs."""


@dataclass(frozen=True, slots=True)
class ChosenLine:
    """A line to go into a batch, with what stands to be said about it."""

    line: ClaimLine
    cautions: Sequence[str] = ()


def store_batch(
    *,
    service_provider_id: str,
    funding_source: str,
    from_date: date,
    to_date: date,
    chosen: Sequence[ChosenLine],
    created_by: User | None,
) -> ClaimBatch:
    """A prepared batch with a payment request for each line. Raises BatchMoved if a line is in another batch by now.

    An invoice of which only some lines were chosen is split, since an invoice is claimed as a whole: the chosen lines
    go with a new invoice of ours, the others stay.
    """
    keys = [chosen_line.line.key for chosen_line in chosen]
    with transaction.atomic():
        lines = list(InvoiceLineItem.objects.select_for_update().filter(pk__in=keys).select_related("invoice"))
        taken = PaymentRequest.objects.filter(line_item_id__in=keys).exclude(
            state__in=(PaymentRequest.State.REFUSED, PaymentRequest.State.WITHDRAWN)
        )
        if len(lines) != len(keys) or not keys or taken.exists():
            raise BatchMoved("Someone else has claimed some of these lines.")
        batch = ClaimBatch.objects.create(
            service_provider_id=service_provider_id,
            funding_source=funding_source,
            from_date=from_date,
            to_date=to_date,
            created_by=created_by,
        )
        _take_invoices(batch, lines)
        PaymentRequest.objects.bulk_create(
            PaymentRequest(
                batch=batch,
                line_item_id=chosen_line.line.key,
                amount=chosen_line.line.amount,
                cautions=list(chosen_line.cautions),
            )
            for chosen_line in chosen
        )
    return batch


def _take_invoices(batch: ClaimBatch, lines: Iterable[InvoiceLineItem]) -> None:
    chosen: dict[int, list[InvoiceLineItem]] = {}
    for line in lines:
        chosen.setdefault(line.invoice_id, []).append(line)
    for invoice_lines in chosen.values():
        invoice = invoice_lines[0].invoice
        # A line that was refused before leaves the invoice that it was refused with.
        if invoice.batch_id or invoice.invoice_id or invoice.line_items.count() > len(invoice_lines):
            invoice = _split(invoice, invoice_lines)
        invoice.batch = batch
        invoice.save(update_fields=["batch"])


def _split(invoice: Invoice, lines: Sequence[InvoiceLineItem]) -> Invoice:
    origin = invoice.split_from or invoice
    number = Invoice.objects.filter(split_from=origin).count() + 2
    while True:
        mark = f"~{number}"
        reference = origin.external_reference_id[: 24 - len(mark)] + mark
        if not Invoice.objects.filter(external_reference_id=reference).exists():
            break
        number += 1
    part = Invoice.objects.create(
        external_reference_id=reference,
        service_provider_id=invoice.service_provider_id,
        service_naps_id=invoice.service_naps_id,
        split_from=origin,
    )
    InvoiceLineItem.objects.filter(pk__in=[line.pk for line in lines]).update(invoice=part, item_id="", etag="")
    LateEvidence.objects.filter(line_item__in=lines).update(sent_at=None)
    return part


def fingerprint_batch(batch: ClaimBatch) -> str:
    """What changes when a batch holds other lines or amounts, or a claim was made of it."""
    lines = batch.payment_requests.order_by("pk").values_list("line_item_id", "amount")
    claims = batch.claims.order_by("pk").values_list("claim_id", flat=True)
    return fingerprint_of([batch.pk, *lines, *claims])


def withdraw_batch(batch: ClaimBatch) -> None:
    """Give a batch up before anything was sent; its lines are open again. Raises BatchMoved afterwards."""
    with transaction.atomic():
        done = ClaimBatch.objects.filter(pk=batch.pk, state=ClaimBatch.State.PREPARED).update(
            state=ClaimBatch.State.WITHDRAWN
        )
        if not done or batch.invoices.filter(Q(invoice_id__isnull=False) | Q(is_uncertain=True)).exists():
            raise BatchMoved("All or part of this batch has already been sent.")
        batch.payment_requests.update(state=PaymentRequest.State.WITHDRAWN)
        batch.invoices.update(batch=None)
