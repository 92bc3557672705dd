"""Our side of invoices and claims, for the comparison with the funder's. Nothing here writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from carefund.domain.claims import statuses
from carefund.records.claims.takeover import stem_of
from carefund.records.models import Claim, Invoice, InvoiceLineItem


@dataclass(frozen=True, slots=True)
class OwnInvoice:
    """One of our invoices that the funder has numbered."""

    invoice_id: str
    status: str
    is_uncertain: bool
    batch_id: int | None


@dataclass(frozen=True, slots=True)
class OwnInvoices:
    """Our side of what the funder lists: invoices by its number, and which other numbers have a reference like ours."""

    by_number: Mapping[str, OwnInvoice]
    alike: frozenset[str]


_COLUMNS = ("invoice_id", "status", "is_uncertain", "batch_id")


def find_own_invoices(listed: Sequence[tuple[str, str]]) -> OwnInvoices:
    """What we have of the invoices that the funder lists, as number and reference."""
    numbers = [invoice_id for invoice_id, _ in listed]
    rows = Invoice.objects.filter(invoice_id__in=numbers).values_list(*_COLUMNS)
    by_number = {row[0]: OwnInvoice(*row) for row in rows if row[0]}
    unknown = {number: stem_of(reference) for number, reference in listed if reference and number not in by_number}
    ours = {
        stem
        for stem in set(unknown.values())
        if Invoice.objects.filter(external_reference_id__startswith=stem).exists()
    }
    return OwnInvoices(by_number, frozenset(number for number, stem in unknown.items() if stem in ours))


def list_unsettled_invoices(service_provider_id: str) -> list[OwnInvoice]:
    """Our numbered invoices of a provider that are not at their end."""
    under_way = (statuses.OPEN, statuses.SUBMITTED, statuses.HELD, statuses.CLAIMED)
    rows = Invoice.objects.filter(
        service_provider_id=service_provider_id, invoice_id__isnull=False, status__in=under_way
    )
    unsettled = rows.exclude(batch__claims__is_settled=True)
    return [OwnInvoice(*row) for row in unsettled.order_by("pk").values_list(*_COLUMNS)]


def find_own_lines(references: Sequence[str]) -> dict[str, str]:
    """Which of these are lines of ours, each with the funder's number of its invoice; "" for one that was not sent."""
    lines = InvoiceLineItem.objects.filter(external_reference_id__in=references)
    rows = lines.values_list("external_reference_id", "item_id", "invoice__invoice_id")
    return {reference: (invoice_id or "") if item_id else "" for reference, item_id, invoice_id in rows}


def list_absent_claims(
    service_provider_id: str, listed: Sequence[str], since: datetime
) -> list[tuple[str, int | None]]:
    """Our claims since an instant that the funder does not list, each with its batch."""
    ours = Claim.objects.filter(service_provider_id=service_provider_id, batch__isnull=False, made_at__gte=since)
    absent = ours.exclude(claim_id__in=listed).exclude(status__in=statuses.FINAL_CLAIM_STATUSES)
    return list(absent.order_by("pk").values_list("claim_id", "batch_id"))
