"""Upload one invoice: create it, add its items and their evidence, submit it; go on wherever it was left.

Every write stands between its mark and its answer; how that keeps anything from being sent twice is told in `sending`.
Source: rules CLAIM-01, CLAIM-04, CLAIM-05 and CLAIM-06.
"""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from msgspec import UNSET

from carefund.domain.claims import statuses
from carefund.funders.errors import Conflict, FunderError, RequestRejected
from carefund.funders.services_australia.claim_payloads import InvoicePayload, NewAttachment, NewInvoice, NewInvoiceItem
from carefund.funders.services_australia.claiming import Claiming, Versioned, is_uncertain
from carefund.records.claims import store as claim_store
from carefund.records.claims.late_evidence import adopt_evidence, list_unsent_evidence, store_evidence_sent
from carefund.records.models import Invoice, InvoiceLineItem, PaymentRequest

Result = TypeVar("Result")


class Database(Protocol):
    """Runs a function where the database may be used."""

    def do(self, work: Callable[..., Result], *arguments: Any, **named: Any) -> Awaitable[Result]: ...


@dataclass(slots=True)
class Uploader:
    """What uploading needs. `keep` is awaited before each write: it renews the hold on the batch, or raises."""

    claiming: Claiming
    database: Database
    keep: Callable[[], Awaitable[None]]

    async def upload(self, invoice_pk: int) -> None:
        """Bring one invoice as far as it goes. Raises FunderError, and whatever `keep` raises."""
        invoice = await self.database.do(Invoice.objects.get, pk=invoice_pk)
        if invoice.is_uncertain or invoice.status == statuses.HELD:
            await self._read_state(invoice)
        if not invoice.invoice_id:
            await self._create(invoice)
        if invoice.status == statuses.OPEN:
            await self._add_items(invoice)
            await self._attach_evidence(invoice)
            await self._submit(invoice)

    async def _read_state(self, invoice: Invoice) -> None:
        """Learn what became of a write whose answer was never stored."""
        invoice_id = invoice.invoice_id
        if not invoice_id:
            found = await self.claiming.fetch_invoices(invoice.service_provider_id, invoice.external_reference_id)
            living = [each for each in found if statuses.invoice_status(each.status) != statuses.DELETED]
            if not living:
                await self._store(invoice, is_uncertain=False)
                return
            invoice_id = living[0].invoice_id
        await self._adopt(invoice, await self.claiming.fetch_invoice(invoice_id))

    async def _adopt(self, invoice: Invoice, held: Versioned) -> None:
        """Take over the funder's state of an invoice: number, status and version, and its items by our references."""
        await self.database.do(_adopt_items, invoice.pk, held.invoice)
        said = " ".join(message.message for message in held.invoice.validation_messages)
        await self._store(
            invoice,
            invoice_id=held.invoice.invoice_id,
            status=statuses.invoice_status(held.invoice.status),
            etag=held.etag,
            is_uncertain=False,
            problem=said,
        )

    async def _create(self, invoice: Invoice) -> None:
        draft = NewInvoice(
            service_provider_id=invoice.service_provider_id,
            external_reference_id=invoice.external_reference_id,
            service_naps_id=invoice.service_naps_id or UNSET,
        )
        written = await self._write(invoice, partial(self.claiming.create_invoice, draft))
        status = statuses.invoice_status(written.invoice.status) or statuses.OPEN
        await self._store(
            invoice, invoice_id=written.invoice.invoice_id, status=status, etag=written.etag, is_uncertain=False
        )

    async def _add_items(self, invoice: Invoice) -> None:
        for line in await self.database.do(_lines_to_add, invoice.pk):
            try:
                item_id, etag = await self._write(
                    invoice, partial(self.claiming.add_item, invoice.invoice_id or "", _new_item(line))
                )
            except RequestRejected as refusal:
                words = describe_error(refusal)
                await self.database.do(claim_store.store_item_refusal, line.pk, words, invoice_pk=invoice.pk)
                continue
            await self.database.do(claim_store.store_item, line.pk, item_id, etag, invoice_pk=invoice.pk)
            invoice.is_uncertain = False

    async def _attach_evidence(self, invoice: Invoice) -> None:
        """Send the PDF of each late line that has one. A refused one stops here, to be replaced or taken away."""
        for evidence in await self.database.do(list_unsent_evidence, invoice.pk):
            attachment = NewAttachment(file_content=b64encode(evidence.body).decode(), filename=evidence.file_name)
            step = partial(self.claiming.attach, invoice.invoice_id or "", evidence.item_id, attachment)
            await self._write(invoice, step)
            await self.database.do(store_evidence_sent, [evidence.pk], invoice_pk=invoice.pk)
            invoice.is_uncertain = False

    async def _submit(self, invoice: Invoice) -> None:
        """Submit the version that the funder holds now; one that holds nothing of ours is deleted instead."""
        held = await self.claiming.fetch_invoice(invoice.invoice_id or "")
        await self._adopt(invoice, held)
        if invoice.status != statuses.OPEN:
            return
        live = [item for item in held.invoice.items if item.item_status.upper() != statuses.DELETED]
        step = self.claiming.submit_invoice if live else self.claiming.delete_invoice
        try:
            written = await self._write(invoice, partial(step, held.invoice.invoice_id, held.etag))
        except Conflict:
            # Somebody changed it between reading and writing: read, and look once more.
            held = await self.claiming.fetch_invoice(held.invoice.invoice_id)
            await self._adopt(invoice, held)
            if invoice.status != statuses.OPEN:
                return
            written = await self._write(invoice, partial(step, held.invoice.invoice_id, held.etag))
        except RequestRejected as refusal:
            words = describe_error(refusal)
            await self.database.do(claim_store.store_invoice_refusal, invoice.pk, words)
            written = await self._write(
                invoice, partial(self.claiming.delete_invoice, held.invoice.invoice_id, held.etag)
            )
            await self._store(invoice, status=statuses.DELETED, etag=written.etag, is_uncertain=False, problem=words)
            return
        status = statuses.invoice_status(written.invoice.status)
        await self._store(invoice, status=status, etag=written.etag, is_uncertain=False, problem="")

    async def _write(self, invoice: Invoice, call: Callable[[], Awaitable[Result]]) -> Result:
        """One write between its mark and its answer; the mark goes when the funder has certainly not done it."""
        await self.keep()
        await self.database.do(claim_store.begin_write, invoice.pk)
        invoice.is_uncertain = True
        try:
            return await call()
        except FunderError as problem:
            await self._store(invoice, is_uncertain=is_uncertain(problem), problem=describe_error(problem))
            raise

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


def _adopt_items(invoice_pk: int, held: InvoicePayload) -> None:
    """Numbers for lines that the funder has and we did not know of."""
    numbers = {
        item.external_reference_id: item.item_id
        for item in held.items
        if item.external_reference_id and item.item_status.upper() != statuses.DELETED
    }
    for line in InvoiceLineItem.objects.filter(invoice_id=invoice_pk, item_id=""):
        if line.external_reference_id in numbers:
            line.item_id = numbers[line.external_reference_id]
            line.save(update_fields=["item_id"])
    adopt_evidence(invoice_pk, {(item.item_id, each.file_name) for item in held.items for each in item.attachments})


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
