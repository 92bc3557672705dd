"""Send a batch: upload its invoices one after another, make the claim; go on wherever it was left.

Before each write the database says "uncertain"; after its answer was stored it says what is so. A process that finds
the mark reads the funder's state before it writes anything, because there is no idempotency key: nothing is sent twice
and nothing is lost, wherever the work stopped. The writes of an invoice are in `uploading`. That one process at a time
sends a batch is the caller's part.
Source: rules CLAIM-01, CLAIM-04, CLAIM-05 and CLAIM-06.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from carefund.domain.claims import statuses
from carefund.domain.claims.checks import next_claim_date
from carefund.funders.errors.access import NotAuthenticated
from carefund.funders.errors.answers import ImpossibleValue
from carefund.funders.errors.root import FunderError
from carefund.funders.services_australia.claim_payloads import ClaimPayload
from carefund.funders.services_australia.claiming import Claiming, is_uncertain
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.funders.unreadable import UnreadableRow
from carefund.records.claims import store as claim_store
from carefund.records.claims.open_lines import find_last_claim_date
from carefund.records.claims.takeover import find_first_delivery, list_claims_of_other_batches, list_unknown_invoices
from carefund.records.models import ClaimBatch, Invoice, InvoiceLineItem
from carefund.sync.claims.answer_archive import with_evidence
from carefund.sync.claims.checking import read_instant
from carefund.sync.claims.uploading import Database, Uploader, describe_error, living_items

_CLAIMABLE = (statuses.SUBMITTED,)
# A day of delivery is the provider's, the funder's stamps are UTC, and clocks differ.
_DAYS_APART = timedelta(days=2)


class Stopped(Exception):
    """Sending cannot go on for now; what was done is kept."""

    def __init__(self, code: str, problem: str, advice: str) -> None:
        self.code, self.problem, self.advice = code, problem, advice
        super().__init__(problem)


async def _ignore_progress(done: int, of: int) -> None:
    """Nobody wants to know how far it is."""


@dataclass(slots=True)
class Sender:
    """What sending needs. `keep` is awaited before each write to the funder and raises when this process may write no
    more; `on_progress` is told how many invoices are submitted, of how many."""

    source: ServicesAustralia
    database: Database
    keep: Callable[[], Awaitable[None]]
    on_progress: Callable[[int, int], Awaitable[None]] = _ignore_progress

    async def send(self, batch_id: int) -> bool:
        """Send a batch to its end; False when it is claimed or withdrawn already.

        Raises Stopped and FunderError, which the batch says as well, and whatever `keep` raises.
        """
        if not await self.database.do(claim_store.begin_sending, batch_id):
            return False
        try:
            await self._send_all(batch_id)
        except Stopped as stop:
            await self._store_problem(batch_id, stop.code, stop.problem, stop.advice)
            raise
        except FunderError as problem:
            await self._store_problem(batch_id, problem.code, describe_error(problem), _advice(problem))
            raise
        return True

    async def _store_problem(self, batch_id: int, code: str, problem: str, advice: str) -> None:
        await self.database.do(claim_store.store_batch_problem, batch_id, code=code, problem=problem, advice=advice)

    async def _send_all(self, batch_id: int) -> None:
        batch = await self.database.do(ClaimBatch.objects.get, pk=batch_id)
        claiming = with_evidence(self.source, self.database, batch_pk=batch_id)
        uploader = Uploader(claiming, self.database, self.keep, batch_id)
        for invoice_id in await self._list_unknown(batch):
            await uploader.take_over(invoice_id)
        unfinished = await self.database.do(_unfinished_invoices, batch_id)
        number = await self.database.do(Invoice.objects.filter(batch_id=batch_id).count)
        for left, invoice_pk in zip(range(len(unfinished), 0, -1), unfinished, strict=True):
            await self.on_progress(number - left, number)
            await uploader.upload(invoice_pk)
        await self._claim(claiming, batch)

    async def _list_unknown(self, batch: ClaimBatch) -> list[str]:
        """Invoices at the funder's that may hold lines of this batch, of which our records know nothing: there are some
        after a backup was restored. One list for the whole batch, from its first delivery on."""
        since = await self._find_beginning(batch)
        listed = await Claiming.over(self.source).fetch_invoices_since(batch.service_provider_id, since)
        living = [
            (invoice.invoice_id, invoice.external_reference_id)
            for invoice in listed.rows
            if statuses.invoice_status(invoice.status) != statuses.DELETED
        ]
        # One that cannot be read matters only if it may be ours; then it is read alone, which says what is wrong.
        living += [
            (_require(row, "invoice_id", "invoices"), _require(row, "external_reference_id", "invoices"))
            for row in listed.unreadable
        ]
        return await self.database.do(list_unknown_invoices, batch.pk, living)

    async def _find_beginning(self, batch: ClaimBatch) -> date:
        """A day (UTC) before which nothing of a batch can have been sent."""
        first = await self.database.do(find_first_delivery, batch.pk)
        return (first or batch.from_date) - _DAYS_APART

    async def _claim(self, claiming: Claiming, batch: ClaimBatch) -> None:
        """Make the claim over what is submitted, unless it turns out to be made already."""
        if await self._adopt_claim(claiming, batch):
            return
        invoice_ids = await self.database.do(_claimable_invoices, batch.pk)
        if not invoice_ids:
            raise Stopped(
                "nothing-submitted",
                "No invoice of this batch is ready to be claimed.",
                "Held invoices are waiting for a decision. Check the refused lines, then send again.",
            )
        await self._check_moved_lines(claiming, batch.pk)
        now = timezone.now()
        today = now.astimezone(settings.BUSINESS_TIME_ZONE).date()
        last = await self.database.do(find_last_claim_date, batch.service_provider_id, settings.BUSINESS_TIME_ZONE)
        if next_claim_date(last, today) > today:
            raise Stopped(
                "claimed-today",
                "A claim has already been made for this branch today. Services Australia accepts one a day.",
                "Everything is submitted. Carefund makes the claim tomorrow.",
            )
        made = await self._create_claim(claiming, batch, invoice_ids, now)
        if made is not None:
            await self._store_claim(batch, made, invoice_ids, now)

    async def _check_moved_lines(self, claiming: Claiming, batch_id: int) -> None:
        """Raise Stopped where the funder holds in one of these invoices a line that stands on another one of ours.

        So it is after a claim was taken back of which a refused line had been claimed again in the meantime.
        """
        for invoice_pk, invoice_id in await self.database.do(_list_split, batch_id):
            held = await claiming.fetch_invoice(invoice_id)
            references = {item.external_reference_id for item in living_items(held.invoice)}
            if await self.database.do(_stands_elsewhere, invoice_pk, references):
                # A person changes it there: the next sending reads it, and submits it again.
                await self.database.do(claim_store.store_invoice, invoice_pk, is_uncertain=True)
                raise Stopped(
                    "line-claimed-elsewhere",
                    f"Services Australia still has a line in invoice {invoice_id} that has moved to another invoice.",
                    "In the portal, reopen the invoice and delete the line, or it is claimed twice. Then send.",
                )

    async def _create_claim(
        self, claiming: Claiming, batch: ClaimBatch, invoice_ids: Sequence[str], now: datetime
    ) -> ClaimPayload | None:
        """Make the claim; None when the funder refused it and turned out to have made it, and it is taken over."""
        for is_last in (False, True):
            await self.keep()
            await self.database.do(claim_store.begin_claim, batch.pk, now)
            try:
                return await claiming.create_claim(batch.service_provider_id, invoice_ids)
            except FunderError as problem:
                if is_uncertain(problem):
                    raise
                if await self._adopt_claim(claiming, batch):
                    return None
                if is_last or not isinstance(problem, NotAuthenticated):
                    raise
        raise AssertionError("unreachable")

    async def _adopt_claim(self, claiming: Claiming, batch: ClaimBatch) -> bool:
        """Take over the claim that names an invoice of this batch, if the funder has one: its answer was lost, or our
        records are older than it."""
        ours = await self.database.do(_invoice_ids, batch.pk)
        listed = await Claiming.over(self.source).fetch_claims(
            batch.service_provider_id, await self._find_beginning(batch)
        )
        others = await self.database.do(list_claims_of_other_batches, batch.pk)
        unread = [_require(row, "claim_id", "claims") for row in listed.unreadable] if ours else []
        alone = [await claiming.fetch_claim(claim_id) for claim_id in unread if claim_id not in others]
        for claim in (*listed.rows, *alone) if ours else ():
            if claim.claim_id in others or statuses.claim_status(claim.status) == statuses.CANCELLED:
                continue
            named = claim.invoices or (await claiming.fetch_claim(claim.claim_id)).invoices
            if ours & {reference.invoice_id for reference in named}:
                full = await claiming.fetch_claim(claim.claim_id)
                made_at = batch.claim_attempted_at or read_instant(full.created_at_date_time)
                await self._store_claim(batch, full, [reference.invoice_id for reference in named], made_at)
                return True
        await self.database.do(claim_store.forget_claim_attempt, batch.pk)
        return False

    async def _store_claim(
        self, batch: ClaimBatch, claim: ClaimPayload, invoice_ids: Sequence[str], made_at: datetime
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


def _require(row: UnreadableRow, member: str, operation: str) -> str:
    """An id of a row that cannot be read. Raises ImpossibleValue without one: then the row may be ours."""
    text = row.find_text(member)
    if text is None:
        raise ImpossibleValue(row.fault, operation=operation)
    return text


def _advice(problem: FunderError) -> str:
    if is_uncertain(problem):
        return "Send again. Carefund checks Services Australia's records first, so nothing is sent twice."
    return problem.advice


def _unfinished_invoices(batch_id: int) -> list[int]:
    """Invoices that are not submitted, or whose state is not certain, in a fixed order."""
    rows = Invoice.objects.filter(batch_id=batch_id).order_by("pk")
    done = (statuses.SUBMITTED, statuses.CLAIMED, "COMPLETED", statuses.DELETED)
    return [row.pk for row in rows if row.is_uncertain or row.status not in done]


def _claimable_invoices(batch_id: int) -> list[str]:
    rows = Invoice.objects.filter(batch_id=batch_id, status__in=_CLAIMABLE, invoice_id__isnull=False)
    return [row.invoice_id for row in rows.order_by("pk") if row.invoice_id]


def _list_split(batch_id: int) -> list[tuple[int, str]]:
    """Our key and the funder's ID of each invoice to be claimed that was split, or is a part of one."""
    parts = Invoice.objects.filter(split_from=OuterRef("pk"))
    rows = Invoice.objects.filter(batch_id=batch_id, status__in=_CLAIMABLE, invoice_id__isnull=False)
    split = rows.filter(Q(split_from__isnull=False) | Exists(parts))
    return [(row.pk, row.invoice_id) for row in split.order_by("pk") if row.invoice_id]


def _stands_elsewhere(invoice_pk: int, references: Collection[str]) -> bool:
    """Whether one of these lines is on another invoice here."""
    lines = InvoiceLineItem.objects.filter(external_reference_id__in=references)
    return lines.exclude(invoice_id=invoice_pk).exists()


def _invoice_ids(batch_id: int) -> set[str]:
    rows = Invoice.objects.filter(batch_id=batch_id, invoice_id__isnull=False)
    return {row.invoice_id for row in rows if row.invoice_id}
