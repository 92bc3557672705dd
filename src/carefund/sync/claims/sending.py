"""Send a batch: create its invoices, add their items, submit them, make the claim; go on wherever it was left.

Before each write the database says "uncertain"; after its answer was stored it says what is so. A process that finds
the mark reads the funder's state before it writes anything, because there is no idempotency key: nothing is sent twice
and nothing is lost, wherever the work stopped.
Source: domain/services-australia.md, 5 (11, 14, 15), 6 and 8 (15, 25).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.utils import timezone
from msgspec import UNSET

from carefund.domain.claims import statuses
from carefund.domain.claims.checks import next_claim_date
from carefund.funders.errors import Conflict, FunderError, RequestRejected
from carefund.funders.services_australia.claim_payloads import Claim as FunderClaim
from carefund.funders.services_australia.claim_payloads import Invoice as FunderInvoice
from carefund.funders.services_australia.claim_payloads import NewInvoice, NewItem
from carefund.funders.services_australia.claiming import Claiming, Versioned, is_uncertain
from carefund.records import claim_store
from carefund.records.claim_queries import find_last_claim_date
from carefund.records.models import ClaimBatch, Invoice, InvoiceLineItem, PaymentRequest

Result = TypeVar("Result")
_CLAIMABLE = (statuses.SUBMITTED,)
_KEEP_EVERY = 20


class Database(Protocol):
    """Runs a function where the database may be used."""

    def do(self, work: Callable[..., Result], *arguments: Any, **named: Any) -> Awaitable[Result]: ...


class Stopped(Exception):
    """Sending cannot go on for now; what was done is kept."""

    def __init__(self, code: str, problem: str, advice: str) -> None:
        self.code, self.problem, self.advice = code, problem, advice
        super().__init__(problem)


class TimeIsUp(Exception):
    """The time given for sending is over; the rest is for the next call."""


@dataclass(slots=True)
class Sender:
    """What sending needs. Soon after `until` it stops, and the rest is left for the next call."""

    claiming: Claiming
    database: Database
    until: datetime | None = None

    async def send(self, batch_id: int) -> bool:
        """Send a batch as far as it goes; True when time ran out and the rest wants another call."""
        if not await self.database.do(claim_store.take_batch, batch_id, timezone.now()):
            return False
        reason: dict[str, str] = {}
        more = False
        try:
            more = await self._send_all(batch_id)
        except Stopped as stop:
            reason = {"code": stop.code, "problem": stop.problem, "advice": stop.advice}
        except FunderError as problem:
            reason = {"code": problem.code, "problem": words_of(problem), "advice": _advice(problem)}
        finally:
            await self.database.do(claim_store.release_batch, batch_id, **reason)
        return more

    async def _send_all(self, batch_id: int) -> bool:
        batch = await self.database.do(ClaimBatch.objects.get, pk=batch_id)
        try:
            for invoice_pk in await self.database.do(_unfinished_invoices, batch_id):
                await self._keep(batch_id)
                await self._send_invoice(invoice_pk)
        except TimeIsUp:
            return True
        await self._claim(batch)
        return False

    async def _keep(self, batch_id: int) -> None:
        """Renew the hold on the batch, or stop here if the time given is up."""
        if self.until and timezone.now() >= self.until:
            raise TimeIsUp
        await self.database.do(claim_store.keep_batch, batch_id)

    # --- one invoice

    async def _send_invoice(self, invoice_pk: int) -> None:
        invoice = await self.database.do(Invoice.objects.get, pk=invoice_pk)
        if invoice.is_uncertain or invoice.status == statuses.HELD:
            await self._read_state(invoice)
        if not invoice.invoice_id:
            await self._create(invoice)
        if invoice.status == statuses.OPEN:
            await self._add_items(invoice)
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
        for number, line in enumerate(await self.database.do(_lines_to_add, invoice.pk), 1):
            if number % _KEEP_EVERY == 0 and invoice.batch_id:
                await self._keep(invoice.batch_id)
            try:
                item_id, etag = await self._write(
                    invoice, partial(self.claiming.add_item, invoice.invoice_id or "", _new_item(line))
                )
            except RequestRejected as refusal:
                words = words_of(refusal)
                await self.database.do(claim_store.store_item_refusal, line.pk, words, invoice_pk=invoice.pk)
                continue
            await self.database.do(claim_store.store_item, line.pk, item_id, etag, invoice_pk=invoice.pk)
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
            words = words_of(refusal)
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
        await self._store(invoice, is_uncertain=True)
        try:
            return await call()
        except FunderError as problem:
            await self._store(invoice, is_uncertain=is_uncertain(problem), problem=words_of(problem))
            raise

    async def _store(self, invoice: Invoice, **values: Any) -> None:
        await self.database.do(claim_store.store_invoice, invoice.pk, **values)
        for name, value in values.items():
            setattr(invoice, name, value)

    # --- the claim

    async def _claim(self, batch: ClaimBatch) -> None:
        """Make the claim over what is submitted, unless it turns out to be made already."""
        if batch.is_claim_uncertain and await self._adopt_claim(batch):
            return
        invoice_ids = await self.database.do(_claimable_invoices, batch.pk)
        if not invoice_ids:
            raise Stopped(
                "nothing-submitted",
                "No invoice of this batch is ready to be claimed.",
                "Held invoices wait for the funder's decision; look at the refused lines, then send again.",
            )
        now = timezone.now()
        today = now.astimezone(settings.BUSINESS_TIME_ZONE).date()
        last = await self.database.do(find_last_claim_date, batch.service_provider_id, settings.BUSINESS_TIME_ZONE)
        if next_claim_date(last, today) > today:
            raise Stopped(
                "claimed-today",
                "A claim was made for this service provider today, and one a day is all that the funder takes.",
                "Everything is submitted; send again tomorrow, and the claim will be made.",
            )
        await self.database.do(claim_store.begin_claim, batch.pk, now)
        try:
            made = await self.claiming.create_claim(batch.service_provider_id, invoice_ids)
        except FunderError as problem:
            if not is_uncertain(problem):
                await self.database.do(claim_store.forget_claim_attempt, batch.pk)
            raise
        await self._store_claim(batch, made, invoice_ids, now)

    async def _adopt_claim(self, batch: ClaimBatch) -> bool:
        """Find the claim whose answer was lost: the one that names an invoice of this batch."""
        ours = await self.database.do(_invoice_ids, batch.pk)
        since = (batch.claim_attempted_at or timezone.now()) - timedelta(days=2)
        for claim in await self.claiming.fetch_claims(batch.service_provider_id, since.astimezone(UTC).date()):
            full = claim if claim.invoices else await self.claiming.fetch_claim(claim.claim_id)
            named = [reference.invoice_id for reference in full.invoices]
            if set(named) & ours and statuses.claim_status(claim.status) != statuses.CANCELLED:
                await self._store_claim(batch, claim, named, batch.claim_attempted_at or timezone.now())
                return True
        await self.database.do(claim_store.forget_claim_attempt, batch.pk)
        return False

    async def _store_claim(
        self, batch: ClaimBatch, claim: FunderClaim, invoice_ids: Sequence[str], made_at: datetime
    ) -> None:
        await self.database.do(
            claim_store.store_claim,
            claim_id=claim.claim_id,
            service_provider_id=batch.service_provider_id,
            service_naps_id=claim.service_naps_id,
            reported_status=claim.status,
            made_at=made_at,
            batch_id=batch.pk,
            invoice_ids=list(invoice_ids),
        )


def words_of(problem: FunderError) -> str:
    """What the funder said, for the page of somebody who may see it; our own sentence when it said nothing."""
    said = "; ".join(dict.fromkeys(detail.message for detail in problem.details if detail.message))
    return said or problem.message


def _advice(problem: FunderError) -> str:
    if is_uncertain(problem):
        return "Send again: the funder's state is read first, so nothing is sent twice."
    return problem.advice


def _unfinished_invoices(batch_id: int) -> list[int]:
    """Invoices that are not submitted, or whose state is not certain, in a fixed order."""
    rows = Invoice.objects.filter(batch_id=batch_id).order_by("pk")
    done = (statuses.SUBMITTED, statuses.CLAIMED, "COMPLETED", statuses.DELETED)
    return [row.pk for row in rows if row.is_uncertain or row.status not in done]


def _lines_to_add(invoice_pk: int) -> list[InvoiceLineItem]:
    ready = PaymentRequest.objects.filter(state=PaymentRequest.State.READY)
    lines = InvoiceLineItem.objects.filter(invoice_id=invoice_pk, item_id="", payment_requests__in=ready)
    return list(lines.select_related("client").order_by("pk"))


def _claimable_invoices(batch_id: int) -> list[str]:
    rows = Invoice.objects.filter(batch_id=batch_id, status__in=_CLAIMABLE, invoice_id__isnull=False)
    return [row.invoice_id for row in rows.order_by("pk") if row.invoice_id]


def _invoice_ids(batch_id: int) -> set[str]:
    rows = Invoice.objects.filter(batch_id=batch_id, invoice_id__isnull=False)
    return {row.invoice_id for row in rows if row.invoice_id}


def _adopt_items(invoice_pk: int, held: FunderInvoice) -> None:
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


def _new_item(line: InvoiceLineItem) -> NewItem:
    return NewItem(
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
