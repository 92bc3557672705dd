"""Invoices, claims, payments and rollovers of the Support at Home APIs: one method per operation. No storing, no rules.

A write is sent once. After an error nobody knows whether it was done, because there is no idempotency key, and a
refusal need not be true: the caller must read the state before it writes again. Everything raises a `FunderError`.
Each answer can be kept as it came, before it is understood.
Source: rules CLAIM-01, CLAIM-02, CLAIM-06, CLAIM-09 and SA-11.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, NamedTuple, TypeVar

import msgspec

from carefund.funders.calls import Calls
from carefund.funders.configuration import FunderConfiguration
from carefund.funders.decoding import RowReader
from carefund.funders.dialect import write
from carefund.funders.errors.access import NotAllowedIn
from carefund.funders.errors.answers import WrongType
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.errors.people import MalformedId, NotFound
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.errors.root import FunderError
from carefund.funders.http import Response
from carefund.funders.paging import PagedRows
from carefund.funders.services_australia.claim_payloads import (
    AccountSummary,
    ClaimPayload,
    InvoicePayload,
    InvoiceReference,
    NewAttachment,
    NewClaim,
    NewInvoice,
    NewInvoiceItem,
    PaymentItem,
    PaymentStatement,
)
from carefund.funders.services_australia.claim_readers import claim_readers_for
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.funders.services_australia.operations import path_for
from carefund.funders.unreadable import UnreadableRow

Row = TypeVar("Row", bound=msgspec.Struct)

_NOT_SENT = (MalformedId, NotConfigured)
_REFUSED = (RequestRejected, NotAllowedIn, NotFound, *_NOT_SENT)


def is_uncertain(problem: FunderError) -> bool:
    """Whether a write that ended so may have been done, as far as its answer says."""
    return not isinstance(problem, _REFUSED)


def was_sent(problem: FunderError) -> bool:
    """Whether the funder heard of a write that ended so; a refusal of one that it heard of may be untrue."""
    return not isinstance(problem, _NOT_SENT)


class Versioned(NamedTuple):
    """An invoice as the funder holds it, and its etag for the next write."""

    invoice: InvoicePayload
    etag: str


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    """A provider's list: its rows, and those that hold what they cannot."""

    rows: Sequence[Row]
    unreadable: Sequence[UnreadableRow]

    @classmethod
    def of(cls, found: Sequence[Row | UnreadableRow]) -> "Listed[Row]":
        """Part what can be read from what cannot."""
        unreadable = [row for row in found if isinstance(row, UnreadableRow)]
        return cls([row for row in found if not isinstance(row, UnreadableRow)], unreadable)


class ClaimingAnswer(NamedTuple):
    """One answer as received; `subject_id` is what it is about: the funder's number, or before that our reference."""

    operation: str
    subject_id: str
    page: int
    body: bytes


Keep = Callable[[ClaimingAnswer], Awaitable[None]]


async def _keep_nothing(answer: ClaimingAnswer) -> None:
    """Nobody wants the answers."""


class Claiming:
    """The invoice, claim and payment APIs, ready to be asked."""

    def __init__(self, caller: Calls, configuration: FunderConfiguration, keep: Keep = _keep_nothing) -> None:
        self._caller = caller
        self._configuration = configuration
        self._keep = keep
        self._readers = claim_readers_for(configuration.interfaces.dialect)

    @classmethod
    def over(cls, client: ServicesAustralia, keep: Keep = _keep_nothing) -> "Claiming":
        """The same funder's claiming APIs over the calls of a client that is open; each answer is handed to `keep` as
        it came, before it is understood."""
        return cls(client.caller, client.configuration, keep)

    async def create_invoice(self, draft: NewInvoice) -> Versioned:
        """A new invoice, OPEN and without items."""
        return await self._write_invoice("invoice_create", {}, draft, subject_id=draft.external_reference_id)

    async def add_item(self, invoice_id: str, item: NewInvoiceItem) -> tuple[str, str]:
        """Add an item to an OPEN invoice; gives the item's id and etag. The invoice's etag changes too."""
        subject_id = item.external_reference_id
        answer = await self._send("invoice_item_add", {"invoiceId": invoice_id}, item, subject_id=subject_id)
        return _written(self._readers.items, answer, "invoice_item_add").item_id, answer.etag

    async def attach(self, invoice_id: str, item_id: str, attachment: NewAttachment) -> None:
        """Attach a PDF to an item of an OPEN invoice. The etags of item and invoice change."""
        await self._send("invoice_item_attach", {"invoiceId": invoice_id, "itemId": item_id}, attachment)

    async def submit_invoice(self, invoice_id: str, etag: str) -> Versioned:
        """Submit an invoice of this version. Raises Conflict when it was changed since."""
        return await self._write_invoice("invoice_submit", {"invoiceId": invoice_id}, None, etag)

    async def delete_invoice(self, invoice_id: str, etag: str) -> Versioned:
        """Delete an invoice that is not claimed. Raises Conflict when it was changed since."""
        return await self._write_invoice("invoice_delete", {"invoiceId": invoice_id}, None, etag)

    async def create_claim(self, service_provider_id: str, invoice_ids: Sequence[str]) -> ClaimPayload:
        """ClaimPayload these submitted invoices of one provider."""
        references = tuple(InvoiceReference(invoice_id=invoice_id) for invoice_id in invoice_ids)
        draft = NewClaim(service_provider_id=service_provider_id, invoices=references)
        answer = await self._send("claim_create", {}, draft, subject_id=service_provider_id)
        return _written(self._readers.claims, answer, "claim_create")

    async def roll_over(self, budget_id: str) -> None:
        """Ask for the rollover of an ended quarter's budget. What came of it is on this budget and the next one."""
        await self._send("budget_roll_over", {"budgetId": budget_id}, None)

    async def fetch_invoice(self, invoice_id: str) -> Versioned:
        """One invoice with its items. Raises NotFound."""
        answer = await self._read("invoice_details", {"invoiceId": invoice_id})
        return Versioned(self._readers.invoices.read_one(answer.body, "invoice_details"), answer.etag)

    async def fetch_invoices(self, service_provider_id: str, external_reference_id: str) -> list[InvoicePayload]:
        """A provider's invoices with our reference; several only if somebody made them by hand."""
        query = {"externalReferenceId": external_reference_id, "serviceProviderId": service_provider_id}
        return await self._read_pages("invoices", self._readers.invoices.read_rows, query)

    async def fetch_invoices_since(self, service_provider_id: str, updated_from: date) -> Listed[InvoicePayload]:
        """A provider's invoices that were made or changed since a day (UTC), without their items."""
        since = f"{updated_from.isoformat()}T00:00:00.000Z"
        query = {"serviceProviderId": service_provider_id, "updatedAtDateTimeFrom": since}
        return Listed.of(await self._read_pages("invoices", self._readers.invoices.read_list, query))

    async def fetch_claim(self, claim_id: str) -> ClaimPayload:
        """One claim. Raises NotFound."""
        answer = await self._read("claim_details", {"claimId": claim_id})
        return self._readers.claims.read_one(answer.body, "claim_details")

    async def fetch_claims(self, service_provider_id: str, created_from: date | None = None) -> Listed[ClaimPayload]:
        """A provider's claims, from a day (UTC) on if given."""
        query = {"serviceProviderId": service_provider_id}
        if created_from:
            query["createdAtDateTimeFrom"] = f"{created_from.isoformat()}T00:00:00.000Z"
        return Listed.of(await self._read_pages("claims", self._readers.claims.read_list, query))

    async def fetch_payment_statement(self, claim_id: str) -> PaymentStatement:
        """What was paid for a claim. Raises NotFound before it is approved."""
        answer = await self._read("payment_statement", {"claimId": claim_id})
        return self._readers.statements.read_one(answer.body, "payment_statement")

    async def fetch_payment_items(self, claim_id: str) -> list[PaymentItem]:
        """What was decided on each item of a claim."""
        return await self._read_pages("payment_items", self._readers.payments.read_rows, {"claimId": claim_id})

    async def fetch_account_summary(self, service_provider_id: str, first: date, last: date) -> AccountSummary:
        """What was paid and held over from one day to another. Raises NotFound."""
        query = {
            "serviceProviderId": service_provider_id,
            "periodStartDate": first.isoformat(),
            "periodEndDate": last.isoformat(),
        }
        answer = await self._read("account_summary", {}, query)
        return self._readers.accounts.read_one(answer.body, "account_summary")

    async def _write_invoice(
        self,
        operation: str,
        ids: Mapping[str, str],
        draft: msgspec.Struct | None,
        etag: str = "",
        *,
        subject_id: str = "",
    ) -> Versioned:
        answer = await self._send(operation, ids, draft, etag, subject_id=subject_id)
        return Versioned(_written(self._readers.invoices, answer, operation), answer.etag)

    async def _send(
        self,
        operation: str,
        ids: Mapping[str, str],
        draft: msgspec.Struct | None,
        etag: str = "",
        *,
        subject_id: str = "",
    ) -> Response:
        path = path_for(operation, self._configuration.paths, ids)
        body = b"{}" if draft is None else write(draft, self._configuration.interfaces.dialect)
        answer = await self._caller.send(operation, "POST", path, body=body, if_match=etag)
        if answer.body:
            await self._keep(ClaimingAnswer(operation, subject_id or next(iter(ids.values()), ""), 1, answer.body))
        return answer

    def _path_for(self, operation: str, ids: Mapping[str, str], query: Mapping[str, object] | None) -> str:
        return path_for(operation, self._configuration.paths, ids, query, self._configuration.interfaces)

    async def _read(
        self, operation: str, ids: Mapping[str, str], query: Mapping[str, object] | None = None, page: int = 1
    ) -> Response:
        answer = await self._caller.read(operation, self._path_for(operation, ids, query))
        subject_id = next(iter({**ids, **(query or {})}.values()), "")
        await self._keep(ClaimingAnswer(operation, str(subject_id), page, answer.body))
        return answer

    async def _read_pages(
        self, operation: str, read: Callable[[bytes, str], list[Row]], filters: Mapping[str, str]
    ) -> list[Row]:
        """The rows of all pages. Raises TooLarge, RepeatedPage."""
        limit = self._configuration.page_limit
        rows = PagedRows[Row](operation, limit, self._configuration.timing, of_person=False)
        page = 1
        while True:
            try:
                query = {**filters, "page": page, "limit": limit, "sort": "asc"}
                answer = await self._read(operation, {}, query, page)
                if not rows.add(read(answer.body, operation), len(answer.body)):
                    return rows.rows()
            except NotFound:
                return rows.rows()
            page += 1


def _written(reader: RowReader[Row], answer: Response, operation: str) -> Row:
    """The record that a write came to. An answer without one says nothing about the write, so it is no NotFound."""
    try:
        return reader.read_one(answer.body, operation)
    except NotFound as problem:
        if problem.details:
            raise
        raise WrongType("The response has no record.", operation=operation) from None
