"""Reads about batches and claims: each by its number, and lists of them.

What can be claimed is in open_lines.py, claimed lines against what was drawn for them in claimed_lines.py.

Nothing here writes, and nothing asks whether the reader may: only people with the right to claim come here.
"""

from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from carefund.domain.claims.statuses import CANCELLED
from carefund.records.models import Claim, ClaimBatch, Client, Invoice, InvoiceLineItem, PaymentRequest
from carefund.records.not_found import find_one

ZERO = Decimal("0.00")


def find_line(reference: str) -> InvoiceLineItem:
    """One of our lines by our reference. Raises NotHere."""
    lines = InvoiceLineItem.objects.filter(external_reference_id=reference)
    return find_one(lines, "No line has this reference.", "Import its invoice first.")


def find_batch(number: int) -> ClaimBatch:
    """A batch by its number, with its number of lines and total. Raises NotHere."""
    return find_one(list_batches().filter(pk=number), "There is no batch with this number.")


def find_claim(claim_id: str) -> Claim:
    """A claim by Services Australia's id. Raises NotHere."""
    return find_one(
        list_claims().filter(claim_id=claim_id),
        "No claim has this ID.",
        "Check Status of all claims also finds claims made outside Carefund.",
    )


def find_claim_number(claim_id: str) -> int:
    """The key of the claim with Services Australia's id, and no more of it. Raises NotHere."""
    return find_one(Claim.objects.only("pk").filter(claim_id=claim_id), "No claim has this ID.").pk


def find_claim_by_number(number: int) -> Claim:
    """A claim by its key, as it is now. Raises NotHere."""
    return find_one(list_claims().filter(pk=number), "No claim has this number.")


def list_claims_of(batch: ClaimBatch) -> QuerySet[Claim]:
    """The claims that were made of a batch."""
    return batch.claims.all()


def list_batches_under_way() -> QuerySet[ClaimBatch]:
    """Batches that are neither claimed nor withdrawn, newest first."""
    return list_batches().exclude(state__in=(ClaimBatch.State.CLAIMED, ClaimBatch.State.WITHDRAWN))


def list_requests_in(batch: ClaimBatch) -> QuerySet[PaymentRequest]:
    """What a batch asks for, line by line."""
    return batch.payment_requests.all()


def list_invoices_of(batch: ClaimBatch) -> list[Invoice]:
    """The invoices of a batch as they are with the funder."""
    return list(batch.invoices.order_by("pk"))


def list_batches() -> QuerySet[ClaimBatch]:
    """All batches, newest first, with their number of lines and total."""
    return ClaimBatch.objects.annotate(
        lines=Count("payment_requests"), total=Sum("payment_requests__amount")
    ).select_related("created_by")


def list_claims() -> QuerySet[Claim]:
    """All claims, newest first, those made elsewhere among them."""
    return Claim.objects.select_related("batch")


def list_claim_heads() -> QuerySet[Claim]:
    """All claims, newest first, without the long lists that only a claim's own page needs."""
    return list_claims().defer("invoice_ids", "care_recipient_ids")


def list_unsettled_claims() -> QuerySet[Claim]:
    """Claims that are still to be looked at: not at their end, or at it without their payment brought in."""
    return Claim.objects.filter(is_settled=False).exclude(status=CANCELLED).order_by("id")


def list_sending_batches() -> QuerySet[ClaimBatch]:
    """Batches whose sending was begun and is not at its end."""
    return ClaimBatch.objects.filter(state=ClaimBatch.State.SENDING)


def list_requests_of(claim: Claim) -> QuerySet[PaymentRequest]:
    """What was claimed in a claim, line by line; none for a claim that was made elsewhere."""
    return PaymentRequest.objects.filter(batch=claim.batch_id) if claim.batch_id else PaymentRequest.objects.none()


def list_clients_of(claim: Claim) -> QuerySet[Client]:
    """Everybody in a claim: by our lines, and by what its invoices named."""
    keys = PaymentRequest.objects.filter(batch=claim.batch_id or 0).values("line_item__client")
    return Client.objects.filter(Q(pk__in=keys) | Q(care_recipient_id__in=claim.care_recipient_ids))


def count_clients_in(batch: ClaimBatch) -> int:
    """How many clients have lines in a batch."""
    return batch.payment_requests.values("line_item__client").distinct().count()


def find_batch_total(batch: ClaimBatch) -> Decimal:
    """What a batch asks for in all."""
    return batch.payment_requests.aggregate(total=Sum("amount"))["total"] or ZERO
