"""Compare our records of invoices and claims with the funder's, and say in one sentence each where they differ.

Nothing is changed here: what the funder holds is taken over when a batch is sent, and a person decides about the rest.
Claims that were made elsewhere are stored by `checking`. Source: rule CLAIM-10.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from carefund.domain.claims import statuses
from carefund.funders.errors.people import NotFound
from carefund.funders.errors.root import FunderError
from carefund.funders.services_australia.claim_payloads import InvoicePayload
from carefund.funders.services_australia.claiming import Claiming
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.records.claims.our_side import (
    OwnInvoice,
    find_own_invoices,
    find_own_lines,
    list_absent_claims,
    list_unsettled_invoices,
)
from carefund.records.own_service_provider_ids import list_own_service_provider_ids
from carefund.sync.claims.checking import FOREIGN_DAYS, OF_ONE_ID, name_row
from carefund.sync.claims.uploading import Database

# An invoice is claimed within 60 days after its budget's end, and paid within a week or two after that.
COMPARED_DAYS = 90
_CLAIMED = (statuses.CLAIMED, "COMPLETED")


@dataclass(frozen=True, slots=True)
class BookDifference:
    """One place where the two sides differ, or cannot be compared: a sentence, and our batch, if one is concerned."""

    sentence: str
    batch_id: int | None = None
    is_compared: bool = True


@dataclass(slots=True)
class Reconciler:
    """What comparing needs."""

    source: ServicesAustralia
    database: Database

    async def find_differences(self) -> list[BookDifference]:
        """Every difference of the last months, those of each own service provider id in turn.

        What cannot be read costs itself, and is told like a difference. Raises FunderError where no list can be read.
        """
        found: list[BookDifference] = []
        refusals: list[FunderError] = []
        own_ids = await self.database.do(list_own_service_provider_ids)
        for service_provider_id in own_ids:
            for kind, compare in (("invoices", self._compare_invoices), ("claims", self._compare_claims)):
                try:
                    found += await compare(service_provider_id)
                except OF_ONE_ID as problem:
                    refusals.append(problem)
                    found.append(_cannot(f"the {kind} of Service Provider ID {service_provider_id}", problem.message))
        if refusals and len(refusals) == 2 * len(own_ids):
            raise refusals[0]
        return found

    async def _compare_invoices(self, service_provider_id: str) -> list[BookDifference]:
        claiming = Claiming.over(self.source)
        since = (timezone.now() - timedelta(days=COMPARED_DAYS)).date()
        listed = await claiming.fetch_invoices_since(service_provider_id, since)
        unread = {
            row.find_text("invoice_id") or "": row.find_text("external_reference_id") or "" for row in listed.unreadable
        }
        numbers = [(invoice.invoice_id, invoice.external_reference_id) for invoice in listed.rows]
        ours = await self.database.do(find_own_invoices, [*numbers, *unread.items()])
        found = []
        for invoice in listed.rows:
            own = ours.by_number.get(invoice.invoice_id)
            if own is not None:
                found += _compare_known(own, invoice)
            elif invoice.invoice_id in ours.alike and statuses.invoice_status(invoice.status) != statuses.DELETED:
                found += await _apart(self._compare_unknown(claiming, invoice.invoice_id), invoice.invoice_id)
        listed_ids = {invoice.invoice_id for invoice in listed.rows}
        for own in await self.database.do(list_unsettled_invoices, service_provider_id):
            if own.invoice_id not in listed_ids:
                listed_ids.add(own.invoice_id)
                found += await _apart(_look_for(claiming, own), own.invoice_id, own.batch_id)
        for row in listed.unreadable:
            invoice_id = row.find_text("invoice_id")
            if invoice_id and invoice_id in ours.alike:
                found += await _apart(self._compare_unknown(claiming, invoice_id), invoice_id)
            elif invoice_id not in listed_ids:
                found.append(_cannot(name_row("invoice", invoice_id), row.fault))
        return found

    async def _compare_unknown(self, claiming: Claiming, invoice_id: str) -> list[BookDifference]:
        """An invoice under a reference like ours that we do not know: ours if it holds lines of ours."""
        held = (await claiming.fetch_invoice(invoice_id)).invoice
        references = [item.external_reference_id for item in held.items if item.item_status.upper() != statuses.DELETED]
        lines: Mapping[str, str] = await self.database.do(find_own_lines, references)
        if not lines:
            return []
        where = f"Services Australia has invoice {held.invoice_id} with our reference {held.external_reference_id}"
        twice = sum(bool(invoice_id) for invoice_id in lines.values())
        if twice:
            number = "one line" if twice == 1 else f"{twice} lines"
            return [BookDifference(f"{where}, with {number} that it also has in another invoice.")]
        return [BookDifference(f"{where}, which Carefund does not have. Send a batch with its lines to take it over.")]

    async def _compare_claims(self, service_provider_id: str) -> list[BookDifference]:
        """Claims of ours that the funder should list and does not have."""
        claiming = Claiming.over(self.source)
        since = timezone.now() - timedelta(days=FOREIGN_DAYS)
        listed = await claiming.fetch_claims(service_provider_id, since.date())
        absent = await self.database.do(
            list_absent_claims, service_provider_id, [claim.claim_id for claim in listed.rows], since
        )
        alone = {claim_id for claim_id, _ in absent}
        unread = [(row.find_text("claim_id"), row.fault) for row in listed.unreadable]
        found = [_cannot(name_row("claim", claim_id), fault) for claim_id, fault in unread if claim_id not in alone]
        for claim_id, batch_id in absent:
            try:
                await claiming.fetch_claim(claim_id)
            except NotFound:
                sentence = f"Claim {claim_id} is in Carefund, but Services Australia has no record of it."
                found.append(BookDifference(sentence, batch_id))
            except OF_ONE_ID as problem:
                found.append(_cannot(f"claim {claim_id}", problem.message, batch_id))
        return found


async def _apart(
    compared: Awaitable[Sequence[BookDifference]], invoice_id: str, batch_id: int | None = None
) -> Sequence[BookDifference]:
    """What came of one invoice; one that cannot be read costs itself."""
    try:
        return await compared
    except OF_ONE_ID as problem:
        return [_cannot(f"invoice {invoice_id}", problem.message, batch_id)]


def _cannot(what: str, fault: str, batch_id: int | None = None) -> BookDifference:
    """What Services Australia sent and cannot be compared, with the field and the kind of fault."""
    return BookDifference(f"Not compared: {what}. {fault}", batch_id, is_compared=False)


async def _look_for(claiming: Claiming, own: OwnInvoice) -> Sequence[BookDifference]:
    """An invoice of ours that the list left out: it is older, or not there."""
    try:
        return _compare_known(own, (await claiming.fetch_invoice(own.invoice_id)).invoice)
    except NotFound:
        sentence = (
            f"Services Australia has no record of invoice {own.invoice_id}, which is {own.status.lower()} in Carefund."
        )
        return [BookDifference(sentence, own.batch_id)]


def _compare_known(own: OwnInvoice, listed: InvoicePayload) -> list[BookDifference]:
    """Where the state of an invoice differs so that money hangs on it; one that is being written is left out."""
    status = statuses.invoice_status(listed.status)
    is_same = status == own.status or (_stage(status) == _stage(own.status))
    if own.is_uncertain or is_same:
        return []
    advice = "Send its batch again. Carefund takes over what Services Australia has."
    if own.status in _CLAIMED:
        advice = "Check its claim. It may have been cancelled."
    sentence = (
        f"Invoice {own.invoice_id} is {status.lower()} at Services Australia and {own.status.lower()} in Carefund."
    )
    return [BookDifference(f"{sentence} {advice}", own.batch_id)]


def _stage(status: str) -> str:
    """On its way, claimed, or deleted: within each of these the next look brings the rest."""
    if status in _CLAIMED:
        return statuses.CLAIMED
    return statuses.DELETED if status == statuses.DELETED else statuses.OPEN
