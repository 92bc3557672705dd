"""Upload one invoice: create it, add its items and their evidence, submit it; go on wherever it was left.

Every write stands between its mark and its answer; `sending` explains how that keeps anything from being sent twice.
Source: rules CLAIM-01, CLAIM-04, CLAIM-05 and CLAIM-06.
"""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from msgspec import UNSET

from carefund.domain.claims import statuses
from carefund.funders.errors.access import NotAuthenticated
from carefund.funders.errors.requests import Conflict, RequestRejected
from carefund.funders.errors.root import FunderError
from carefund.funders.services_australia.claim_payloads import (
    InvoiceItem,
    InvoicePayload,
    NewAttachment,
    NewInvoice,
    NewInvoiceItem,
)
from carefund.funders.services_australia.claiming import Claiming, Versioned, is_uncertain, was_sent
from carefund.records.claims import store as claim_store
from carefund.records.claims.late_evidence import UnsentEvidence, list_unsent_evidence, store_evidence_sent
from carefund.records.claims.takeover import HeldInvoice, take_over
from carefund.records.models import Invoice, InvoiceLineItem, PaymentRequest

Result = TypeVar("Result")


class Database(Protocol):
    """Runs a function where the database may be used."""

    def do(self, work: Callable[..., Result], *arguments: Any, **named: Any) -> Awaitable[Result]: ...


@dataclass(slots=True)
class Uploader:
    """What uploading a batch needs. `keep` is awaited before each write: it renews the hold on the batch, or raises."""

    claiming: Claiming
    database: Database
    keep: Callable[[], Awaitable[None]]
    batch_id: int

    async def upload(self, invoice_pk: int) -> None:
        """Bring one invoice as far as it goes. Raises FunderError, and whatever `keep` raises."""
        invoice = await self.database.do(Invoice.objects.get, pk=invoice_pk)
        if invoice.is_uncertain or invoice.invoice_id:
            await self._read_state(invoice)
        if not invoice.invoice_id:
            await self._create(invoice)
        if invoice.status == statuses.OPEN:
            await self._add_items(invoice)
            await self._attach_evidence(invoice)
            await self._submit(invoice)

    async def take_over(self, invoice_id: str) -> None:
        """Read an invoice that the funder holds and our records do not know, and take it over if it is ours."""
        held = await self.claiming.fetch_invoice(invoice_id)
        await self.database.do(take_over, self.batch_id, _held_invoice(held))

    async def _read_state(self, invoice: Invoice) -> None:
        """Learn what became of earlier writes, of which our records may know nothing."""
        if invoice.invoice_id:
            await self._adopt(invoice, await self.claiming.fetch_invoice(invoice.invoice_id))
        elif (held := await self._find_created(invoice)) is None:
            await self._store(invoice, is_uncertain=False)
        else:
            await self._adopt(invoice, held)

    async def _find_created(self, invoice: Invoice) -> Versioned | None:
        """The living invoice that the funder holds under our reference, if it is ours."""
        found = await self.claiming.fetch_invoices(invoice.service_provider_id, invoice.external_reference_id)
        for candidate in found:
            if statuses.invoice_status(candidate.status) != statuses.DELETED:
                held = await self.claiming.fetch_invoice(candidate.invoice_id)
                references = {item.external_reference_id for item in living_items(held.invoice)}
                if not references or await self.database.do(_holds_any, invoice.pk, references):
                    return held
        return None

    async def _adopt(self, invoice: Invoice, held: Versioned) -> None:
        """Take over the funder's state of an invoice: number, status and version, and its items by our references."""
        await self.database.do(take_over, self.batch_id, _held_invoice(held))
        await self.database.do(invoice.refresh_from_db)

    async def _create(self, invoice: Invoice) -> None:
        draft = NewInvoice(
            service_provider_id=invoice.service_provider_id,
            external_reference_id=invoice.external_reference_id,
            service_naps_id=invoice.service_naps_id or UNSET,
        )
        create = partial(self.claiming.create_invoice, draft)
        written = await self._write(invoice, create, partial(self._find_created, invoice))
        if written.invoice.items:
            await self._adopt(invoice, written)
            return
        status = statuses.invoice_status(written.invoice.status) or statuses.OPEN
        await self._store(
            invoice, invoice_id=written.invoice.invoice_id, status=status, etag=written.etag, is_uncertain=False
        )

    async def _add_items(self, invoice: Invoice) -> None:
        for line in await self.database.do(_lines_to_add, invoice.pk):
            add = partial(self.claiming.add_item, invoice.invoice_id or "", _new_item(line))
            try:
                item_id, etag = await self._write(invoice, add, partial(self._find_item, invoice, line))
            except RequestRejected as refusal:
                if invoice.is_uncertain:
                    raise
                words = describe_error(refusal)
                await self.database.do(claim_store.store_item_refusal, line.pk, words, invoice_pk=invoice.pk)
                continue
            await self.database.do(claim_store.store_item, line.pk, item_id, etag, invoice_pk=invoice.pk)
            invoice.is_uncertain = False

    async def _find_item(self, invoice: Invoice, line: InvoiceLineItem) -> tuple[str, str] | None:
        held = await self.claiming.fetch_invoice(invoice.invoice_id or "")
        numbers = (
            item.item_id
            for item in living_items(held.invoice)
            if item.external_reference_id == line.external_reference_id
        )
        item_id = next(numbers, "")
        return (item_id, "") if item_id else None

    async def _attach_evidence(self, invoice: Invoice) -> None:
        """Send the PDF of each late line that has one. A refused one stops here, to be replaced or taken away."""
        for evidence in await self.database.do(list_unsent_evidence, invoice.pk):
            await self._write(
                invoice, partial(self._attach, invoice, evidence), partial(self._find_attached, invoice, evidence)
            )
            await self.database.do(store_evidence_sent, [evidence.pk], invoice_pk=invoice.pk)
            invoice.is_uncertain = False

    async def _attach(self, invoice: Invoice, evidence: UnsentEvidence) -> bool:
        attachment = NewAttachment(file_content=b64encode(evidence.body).decode(), filename=evidence.file_name)
        await self.claiming.attach(invoice.invoice_id or "", evidence.item_id, attachment)
        return True

    async def _find_attached(self, invoice: Invoice, evidence: UnsentEvidence) -> bool | None:
        held = _held_invoice(await self.claiming.fetch_invoice(invoice.invoice_id or ""))
        return True if (evidence.item_id, evidence.file_name) in held.attachments else None

    async def _submit(self, invoice: Invoice) -> None:
        """Submit the version that the funder holds now; one that holds nothing of ours is deleted instead."""
        held = await self.claiming.fetch_invoice(invoice.invoice_id or "")
        await self._adopt(invoice, held)
        if invoice.status != statuses.OPEN:
            return
        step = self.claiming.submit_invoice if living_items(held.invoice) else self.claiming.delete_invoice
        find_done = partial(self._find_closed, invoice)
        try:
            written = await self._write(invoice, partial(step, held.invoice.invoice_id, held.etag), find_done)
        except Conflict:
            if invoice.is_uncertain:
                raise
            # Somebody changed it between reading and writing: read, and look once more.
            held = await self.claiming.fetch_invoice(held.invoice.invoice_id)
            written = await self._write(invoice, partial(step, held.invoice.invoice_id, held.etag), find_done)
        except RequestRejected as refusal:
            if invoice.is_uncertain:
                raise
            words = describe_error(refusal)
            delete = partial(self.claiming.delete_invoice, held.invoice.invoice_id, held.etag)
            written = await self._write(invoice, delete, find_done)
            status = statuses.invoice_status(written.invoice.status)
            if status not in ("", statuses.OPEN, statuses.DELETED):  # it was submitted after all
                await self._store(invoice, status=status, etag=written.etag, is_uncertain=False, problem="")
                return
            # Only once the funder holds the lines no more are they open for another batch.
            await self.database.do(claim_store.store_invoice_refusal, invoice.pk, words)
            await self._store(invoice, status=statuses.DELETED, etag=written.etag, is_uncertain=False, problem=words)
            return
        status = statuses.invoice_status(written.invoice.status)
        await self._store(invoice, status=status, etag=written.etag, is_uncertain=False, problem="")

    async def _find_closed(self, invoice: Invoice) -> Versioned | None:
        """The invoice if it is open no more."""
        held = await self.claiming.fetch_invoice(invoice.invoice_id or "")
        return held if statuses.invoice_status(held.invoice.status) != statuses.OPEN else None

    async def _write(
        self,
        invoice: Invoice,
        write: Callable[[], Awaitable[Result]],
        find_done: Callable[[], Awaitable[Result | None]],
    ) -> Result:
        """One write between its mark and its answer. A refusal is believed when `find_done` has read that the funder
        did not do it all the same; while that is not known the mark stays, and the refusal is raised."""
        for is_last in (False, True):
            await self.keep()
            await self.database.do(claim_store.begin_write, invoice.pk)
            invoice.is_uncertain = True
            try:
                return await write()
            except FunderError as problem:
                if is_uncertain(problem):
                    await self._store(invoice, problem=describe_error(problem))
                    raise
                try:
                    done = await find_done() if was_sent(problem) else None
                except FunderError:
                    await self._store(invoice, problem=describe_error(problem))
                    raise problem from None
                if done is not None:
                    return done
                if isinstance(problem, NotAuthenticated) and not is_last:
                    continue  # the token had ended; the reading has got another one
                await self._store(invoice, is_uncertain=False, problem=describe_error(problem))
                raise
        raise AssertionError("unreachable")

    async def _store(self, invoice: Invoice, **values: Any) -> None:
        await self.database.do(claim_store.store_invoice, invoice.pk, **values)
        for name, value in values.items():
            setattr(invoice, name, value)


def describe_error(problem: FunderError) -> str:
    """What the funder said, for the page of somebody who may see it; our own sentence when it said nothing."""
    said = "; ".join(dict.fromkeys(detail.message for detail in problem.details if detail.message))
    return said or problem.message


def _lines_to_add(invoice_pk: int) -> list[InvoiceLineItem]:
    ready = PaymentRequest.objects.filter(state=PaymentRequest.State.READY)
    lines = InvoiceLineItem.objects.filter(invoice_id=invoice_pk, item_id="", payment_requests__in=ready)
    return list(lines.select_related("client").order_by("pk"))


def _holds_any(invoice_pk: int, references: Collection[str]) -> bool:
    """Whether any of these references is a line of this invoice of ours."""
    return InvoiceLineItem.objects.filter(invoice_id=invoice_pk, external_reference_id__in=references).exists()


def living_items(invoice: InvoicePayload) -> list[InvoiceItem]:
    """Return the items of an invoice at the funder's that were not deleted."""
    return [item for item in invoice.items if item.item_status.upper() != statuses.DELETED]


def _held_invoice(held: Versioned) -> HeldInvoice:
    invoice = held.invoice
    return HeldInvoice(
        invoice_id=invoice.invoice_id,
        external_reference_id=invoice.external_reference_id,
        status=statuses.invoice_status(invoice.status),
        etag=held.etag,
        problem=" ".join(message.message for message in invoice.validation_messages),
        items={
            item.external_reference_id: item.item_id for item in living_items(invoice) if item.external_reference_id
        },
        attachments={
            (item.item_id, attachment.file_name) for item in living_items(invoice) for attachment in item.attachments
        },
    )


def _new_item(line: InvoiceLineItem) -> NewInvoiceItem:
    return NewInvoiceItem(
        external_reference_id=line.external_reference_id,
        care_recipient_id=line.client.care_recipient_id or "",
        service_id=line.service_id,
        delivery_date=line.delivery_date,
        quantity=line.quantity,
        price_per_unit=line.price_per_unit,
        funding_source=line.funding_source,
        unit_type=line.unit_type or UNSET,
        late_submission_reason_code=line.late_reason_code or UNSET,
        late_submission_justification=line.late_justification or UNSET,
    )
