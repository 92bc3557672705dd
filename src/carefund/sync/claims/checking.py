"""Check Status: how far a claim is, and, once it is approved, everything that hangs on that (Related Data Updates).

Asking for the sync of the people in a claim is the part of `runs.claims.claiming`; here it is only said who they are.
Source: rules SYNC-02, CLAIM-02 and CLAIM-07.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from carefund.domain.claims import statuses
from carefund.domain.claims.matching import is_refusal
from carefund.domain.claims.statements import ZERO, PaidLine, Statement, find_discrepancies
from carefund.funders.errors.access import NotPermitted
from carefund.funders.errors.answers import BadAnswer
from carefund.funders.errors.people import MalformedId, NotFound
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.errors.root import FunderError
from carefund.funders.services_australia.claim_payloads import ClaimPayload, PaymentItem, PaymentStatement
from carefund.funders.services_australia.claiming import Claiming, Versioned
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.plain_numbers import FIRST_YEAR, LAST_YEAR
from carefund.records.claims import store as claim_store
from carefund.records.claims.store import LineDecision
from carefund.records.models import Claim, Client, PaymentRequest
from carefund.records.own_service_provider_ids import list_own_service_provider_ids
from carefund.sync.care_recipient.usage_links import link_budget_usage
from carefund.sync.claims.answer_archive import with_evidence
from carefund.sync.claims.uploading import Database, describe_error

# What concerns one service provider id, or one record, alone.
OF_ONE_ID = (BadAnswer, MalformedId, NotPermitted, RequestRejected)
# How far back a search looks for claims that were made elsewhere; processing takes about a week.
FOREIGN_DAYS = 30
_TOTALS = (
    "claim_total", "total_paid", "compensation_reduction", "care_recipient_individual_contribution",
    "heldover_previous_period", "outstanding_heldover",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Foreign:
    """Claims that nobody here knew of, and in a sentence each what could not be read of the lists."""

    claims: list[Claim]
    problems: list[str]


class NotOurs(Exception):
    """The claim belongs to another service provider."""


@dataclass(slots=True)
class Checker:
    """What looking at claims needs."""

    source: ServicesAustralia
    database: Database

    async def check(self, claim: Claim) -> Claim:
        """Look at one claim and, once it is approved, bring in what hangs on it, once. Raises FunderError, NotOurs."""
        claiming = with_evidence(self.source, self.database, claim_pk=claim.pk)
        try:
            said = await claiming.fetch_claim(claim.claim_id)
            if said.service_provider_id and said.service_provider_id != claim.service_provider_id:
                raise NotOurs
            claim = await self.database.do(
                claim_store.store_check,
                claim,
                reported_status=said.status,
                payment_date=said.payment_date,
                invoice_ids=[reference.invoice_id for reference in said.invoices],
            )
            if claim.status in statuses.PAID_CLAIM_STATUSES and not claim.is_settled:
                claim = await self._update_related(claiming, claim)
        except FunderError as problem:
            await self.database.do(claim_store.store_claim_problem, claim.pk, describe_error(problem))
            raise
        except NotOurs:
            said_so = "Services Australia lists a different service provider for this claim ID, so nothing was changed."
            await self.database.do(claim_store.store_claim_problem, claim.pk, said_so)
            raise
        return claim

    async def find_foreign(self) -> Foreign:
        """Claims at the funder's that nobody here knew of, such as those made in its portal; they are stored.

        A row, or a list, that cannot be read costs itself. Raises FunderError where no list can be read.
        """
        since = timezone.now() - timedelta(days=FOREIGN_DAYS)
        found = Foreign([], [])
        own_ids = await self.database.do(list_own_service_provider_ids)
        for service_provider_id in own_ids:
            try:
                listed = await Claiming.over(self.source).fetch_claims(service_provider_id, since.date())
            except OF_ONE_ID as problem:
                if len(own_ids) == 1:
                    raise
                found.problems.append(f"The claims of Service Provider ID {service_provider_id}: {problem.message}")
                continue
            found.problems.extend(
                f"{name_row('Claim', row.find_text('claim_id'))}: {row.fault}" for row in listed.unreadable
            )
            unknown = await self.database.do(_unknown, listed.rows)
            found.claims.extend([await self._store_foreign(claim, service_provider_id) for claim in unknown])
        return found

    async def _store_foreign(self, claim: ClaimPayload, service_provider_id: str) -> Claim:
        return await self.database.do(
            claim_store.store_claim,
            claim_id=claim.claim_id,
            service_provider_id=claim.service_provider_id or service_provider_id,
            service_naps_id=claim.service_naps_id,
            reported_status=claim.status,
            made_at=read_instant(claim.created_at_date_time),
            invoice_ids=[reference.invoice_id for reference in claim.invoices],
        )

    async def _update_related(self, claiming: Claiming, claim: Claim) -> Claim:
        """Read statement, invoices and payment items, with no transaction open; then store them all in one."""
        statement = await _fetch_statement(claiming, claim)
        payments = await claiming.fetch_payment_items(claim.claim_id)
        invoices = [
            held for invoice_id in claim.invoice_ids if (held := await _fetch_invoice(claiming, invoice_id)) is not None
        ]
        return await self.database.do(_store_related, claim, statement, payments, invoices)


async def _fetch_invoice(claiming: Claiming, invoice_id: str) -> Versioned | None:
    try:
        return await claiming.fetch_invoice(invoice_id)
    except NotFound:  # named by the claim, yet not for us to see: the others count all the same
        return None


async def _fetch_statement(claiming: Claiming, claim: Claim) -> PaymentStatement:
    try:
        return await claiming.fetch_payment_statement(claim.claim_id)
    except NotFound:  # approved a moment ago, the statement follows: the next look brings it
        return PaymentStatement(claim_id=claim.claim_id)


def _store_related(
    claim: Claim, said: PaymentStatement, payments: Sequence[PaymentItem], invoices: Sequence[Versioned]
) -> Claim:
    requests = {
        (request.line_item.invoice.invoice_id or "", request.line_item.item_id): request
        for request in PaymentRequest.objects.filter(line_item__invoice__invoice_id__in=claim.invoice_ids)
        .exclude(state=PaymentRequest.State.WITHDRAWN)
        .select_related("line_item__invoice")
    }
    only_invoice = claim.invoice_ids[0] if len(claim.invoice_ids) == 1 else ""
    decisions, paid = [], []
    for payment in payments:
        request = requests.get((payment.invoice_id or only_invoice, payment.item_id))
        if request is not None:
            decisions.append(_decision(request, payment, claim))
            paid.append(_paid_line(request.amount, payment))
    totals = {name: getattr(said, name) for name in _TOTALS}
    all_ours = len(paid) == len(payments) and bool(paid)
    people = sorted({item.care_recipient_id for held in invoices for item in held.invoice.items} - {""})
    stored = claim_store.store_related(
        claim.pk,
        statement=totals
        | {
            "payment_date": said.payment_date or claim.payment_date,
            "approved_date": _approved_date(payments) or claim.approved_date,
            # Nothing more can come: the claim is at its end, and its payment was read after that.
            "is_settled": claim.status == statuses.COMPLETED and said.claim_total is not None,
        },
        discrepancies=find_discrepancies(Statement(**totals), paid if all_ours else None),
        invoice_statuses={
            held.invoice.invoice_id: (statuses.invoice_status(held.invoice.status), held.etag) for held in invoices
        },
        decisions=decisions,
        care_recipient_ids=people,
    )
    link_budget_usage(list(Client.objects.filter(care_recipient_id__in=people).values_list("pk", flat=True)))
    return stored


def _decision(request: PaymentRequest, payment: PaymentItem, claim: Claim) -> LineDecision:
    refused = is_refusal(payment.payment_determination)
    values: dict[str, Any] = {
        "individual_contribution_amount": payment.individual_contribution_amount,
        "compensation_reduction": payment.compensation_reduction,
        "payment_determination": payment.payment_determination[:60],
        "aged_care_reference": payment.aged_care_reference[:60],
        "claim_approved_date": payment.claim_approved_date,
        "payment_date": payment.payment_date or claim.payment_date,
    }
    return LineDecision(request.pk, refused, _paid_line(request.amount, payment).net, values)


def _paid_line(claimed: Decimal, payment: PaymentItem) -> PaidLine:
    """The line's gross amount as accepted: nothing when refused, else what was paid plus the reductions."""
    if is_refusal(payment.payment_determination):
        return PaidLine(ZERO)
    contribution = payment.individual_contribution_amount or ZERO
    compensation = payment.compensation_reduction or ZERO
    accepted = claimed
    if payment.payment_amount is not None:
        accepted = payment.payment_amount + abs(contribution) + abs(compensation)
    return PaidLine(accepted, contribution, compensation)


def _approved_date(payments: Sequence[PaymentItem]) -> Any:
    return max((row.claim_approved_date for row in payments if row.claim_approved_date), default=None)


def name_row(kind: str, funder_id: str | None) -> str:
    """What a row that cannot be read is called."""
    return f"{kind} {funder_id}" if funder_id else f"{kind} without a readable ID"


def _unknown(listed: Sequence[ClaimPayload]) -> list[ClaimPayload]:
    known = set(
        Claim.objects.filter(claim_id__in=[claim.claim_id for claim in listed]).values_list("claim_id", flat=True)
    )
    return [claim for claim in listed if claim.claim_id not in known]


def read_instant(text: str) -> datetime:
    """The instant of a stamp; now when there is none that can be read."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return timezone.now()
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        return timezone.now()
    return found if found.tzinfo else timezone.make_aware(found)
