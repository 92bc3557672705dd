"""Reads about claiming: which lines are open, what is known of their people, batches and claims, and each line's truth.

Nothing here writes, and nothing asks whether the reader may: only people with the right to claim come here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from carefund.domain.claims.checks import ApprovedSpan, BudgetSpan, ClaimLine, StoredFunding, amount_of
from carefund.domain.claims.matching import EXCEPTIONS, Draw, LineState, LineTruth
from carefund.domain.claims.statuses import CANCELLED
from carefund.domain.periods import Period
from carefund.records.finding import find_one
from carefund.records.models import (
    ApprovedService,
    BudgetUsage,
    Claim,
    ClaimBatch,
    Client,
    Invoice,
    InvoiceLineItem,
    PaymentRequest,
    Plan,
    PlanBudget,
)
from carefund.records.own_ids import list_own_service_provider_ids

ZERO = Decimal("0.00")
_OVER = (PaymentRequest.State.REFUSED, PaymentRequest.State.WITHDRAWN)
_ACTIVE = PaymentRequest.objects.filter(line_item=OuterRef("pk")).exclude(state__in=_OVER)
# Of a payment request: the draws for its line that the funder still lists.
CURRENT_DRAWS = Q(line_item__budget_usage__no_longer_returned_date__isnull=True)


@dataclass(frozen=True, slots=True)
class LineRow:
    """One claimed line with both sides of its story and where it stands today."""

    request: PaymentRequest
    truth: LineTruth
    state: LineState

    @property
    def is_exception(self) -> bool:
        return self.state in EXCEPTIONS


def list_open_lines(
    *,
    service_provider_id: str = "",
    funding_source: str = "",
    from_date: date | None = None,
    to_date: date | None = None,
) -> QuerySet[InvoiceLineItem]:
    """Lines that nothing was claimed for: in no batch that counts, and not sent by other means."""
    # Not yet uploaded, or given back: two short lists, where one condition would look at every line there ever was.
    not_sent = InvoiceLineItem.objects.filter(invoice__invoice_id__isnull=True).order_by().values("pk")
    lines = InvoiceLineItem.objects.filter(~Exists(_ACTIVE), pk__in=not_sent.union(_given_back()))
    if service_provider_id:
        lines = lines.filter(invoice__service_provider_id=service_provider_id)
    if funding_source:
        lines = lines.filter(funding_source=funding_source)
    if from_date:
        lines = lines.filter(delivery_date__gte=from_date)
    if to_date:
        lines = lines.filter(delivery_date__lte=to_date)
    return lines.select_related("invoice", "client", "late_evidence").order_by("delivery_date", "id")


def _given_back() -> "QuerySet[PaymentRequest, Any]":
    """Lines for which something was claimed in vain, and perhaps again."""
    return PaymentRequest.objects.filter(state__in=_OVER, is_matched=False).order_by().values("line_item")


def find_open_total() -> tuple[int, Decimal]:
    """How many lines are open, and what they come to: `list_open_lines` without reading a long list."""
    # A line that was not sent has no matched request, so those that are not matched say which are in a batch.
    in_batch = PaymentRequest.objects.filter(is_matched=False).exclude(state__in=_OVER).order_by().values("line_item")
    not_sent = InvoiceLineItem.objects.filter(invoice__invoice_id__isnull=True).exclude(pk__in=in_batch)
    sent_before = InvoiceLineItem.objects.filter(invoice__invoice_id__isnull=False, pk__in=_given_back())
    given_back = sent_before.filter(~Exists(_ACTIVE))
    number, total = 0, ZERO
    for lines in (not_sent, given_back):
        # Many lines have few prices, so the database counts and each price is rounded once, as on its line.
        alike = lines.order_by().values_list("quantity", "price_per_unit").annotate(number=Count("pk"))
        for quantity, price, count in alike:
            number, total = number + count, total + amount_of(quantity, price) * count
    return number, total


def claim_line(item: InvoiceLineItem) -> ClaimLine:
    """A stored line as the rules know it."""
    return ClaimLine(
        key=item.pk,
        care_recipient_id=item.client.care_recipient_id or "",
        service_id=item.service_id,
        delivery_date=item.delivery_date,
        quantity=item.quantity,
        price_per_unit=item.price_per_unit,
        funding_source=item.funding_source,
        unit_type=item.unit_type,
        late_reason=item.late_reason_code,
    )


def list_claimed_lines(client_ids: Collection[int]) -> list[ClaimLine]:
    """These people's lines that are claimed, or about to be."""
    lines = InvoiceLineItem.objects.filter(Exists(_ACTIVE), client_id__in=client_ids).select_related("client")
    return [claim_line(item) for item in lines]


def find_stored_funding(client_ids: Collection[int]) -> dict[int, StoredFunding]:
    """Approved services and budgets of people who were ever synchronised, as the rules know them."""
    services: dict[int, list[ApprovedSpan]] = defaultdict(list)
    budgets: dict[int, list[BudgetSpan]] = defaultdict(list)
    with_plan = set(Plan.objects.filter(client_id__in=client_ids).values_list("client_id", flat=True))
    approved = ApprovedService.objects.filter(client_id__in=with_plan, no_longer_returned_date__isnull=True)
    for service in approved:
        span = Period(service.start_date, service.end_date)
        services[service.client_id].append(ApprovedSpan(service.service_id, span))
    for budget in PlanBudget.objects.filter(client_id__in=with_plan, no_longer_returned_date__isnull=True):
        span = Period(budget.start_date, budget.end_date)
        budgets[budget.client_id].append(BudgetSpan(budget.budget_type_code, span, budget.available))
    return {client_id: StoredFunding(services[client_id], budgets[client_id]) for client_id in with_plan}


def find_last_claim_date(service_provider_id: str, zone: tzinfo) -> date | None:
    """The business day of a provider's latest claim, the portal's among them; cancelled ones do not count."""
    made = Claim.objects.filter(service_provider_id=service_provider_id).exclude(status=CANCELLED)
    latest: datetime | None = made.order_by("-made_at").values_list("made_at", flat=True).first()
    return latest.astimezone(zone).date() if latest else None


def list_services_in_force(most: int) -> list[tuple[Client, ApprovedService | None]]:
    """The first active clients by care recipient id, each with one home support service that they may receive."""
    clients = Client.objects.filter(is_active=True, care_recipient_id__isnull=False).order_by("care_recipient_id")
    services = ApprovedService.objects.filter(
        no_longer_returned_date__isnull=True,
        end_date__isnull=True,
        service_id__startswith="SERV-",
        service_group_id="SERG-0001",
    ).order_by("service_id")
    return [(client, services.filter(client=client).first()) for client in clients[:most]]


def find_line(reference: str) -> InvoiceLineItem:
    """One of our lines by our reference. Raises NotHere."""
    lines = InvoiceLineItem.objects.filter(external_reference_id=reference)
    return find_one(lines, "No line here has this reference.", "Bring its invoice in first.")


def find_line_by_number(number: int) -> InvoiceLineItem:
    """One of our lines by its key, with its client and invoice. Raises NotHere."""
    return find_one(InvoiceLineItem.objects.select_related("client", "invoice").filter(pk=number))


def find_batch(number: int) -> ClaimBatch:
    """A batch by its number, with its number of lines and total. Raises NotHere."""
    return find_one(list_batches().filter(pk=number), "There is no batch of this number.")


def find_claim(claim_id: str) -> Claim:
    """A claim by Services Australia's id. Raises NotHere."""
    return find_one(
        list_claims().filter(claim_id=claim_id),
        "No claim here has this id.",
        "Check Status of all claims also finds those that were made elsewhere.",
    )


def find_claim_number(claim_id: str) -> int:
    """The key of the claim with Services Australia's id, and no more of it. Raises NotHere."""
    return find_one(Claim.objects.only("pk").filter(claim_id=claim_id), "No claim here has this id.").pk


def find_claim_by_number(number: int) -> Claim:
    """A claim by its key, as it is now. Raises NotHere."""
    return find_one(list_claims().filter(pk=number), "No claim here has this number.")


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


def list_lines(request_ids: Sequence[int], today: date) -> list[LineRow]:
    """Payment requests, in the order of these keys, with what was drawn for them: two queries however many they are."""
    requests = PaymentRequest.objects.select_related(
        "line_item__client", "line_item__invoice", "line_item__late_evidence", "batch"
    )
    found = requests.in_bulk(request_ids)
    draws = find_draws([request.line_item_id for request in found.values()])
    chosen = (found[key] for key in request_ids if key in found)
    return [_row(request, draws.get(request.line_item_id, ()), today) for request in chosen]


def _row(request: PaymentRequest, draws: Sequence[Draw], today: date) -> LineRow:
    truth = _truth(request.state, request.amount, request.claim_approved_date or request.payment_date, draws)
    return LineRow(request, truth, truth.state(today))


def _truth(state: str, amount: Decimal, approved_date: date | None, draws: Sequence[Draw]) -> LineTruth:
    return LineTruth(
        claimed=amount,
        draws=draws,
        is_claimed=state != PaymentRequest.State.READY,
        approved_date=approved_date,
        is_refused=state == PaymentRequest.State.REFUSED,
    )


def find_draws(line_ids: Iterable[int]) -> dict[int, list[Draw]]:
    """What was drawn for each line, from which budgets."""
    found: dict[int, list[Draw]] = defaultdict(list)
    usage = BudgetUsage.objects.filter(invoice_line_item_id__in=list(line_ids), no_longer_returned_date__isnull=True)
    columns = ("invoice_line_item_id", "plan_budget__budget_id", "plan_budget__budget_type_code", "amount")
    for line_id, budget_id, type_code, amount in usage.order_by("id").values_list(*columns):
        if line_id is not None:
            found[line_id].append(Draw(budget_id, type_code, amount or ZERO))
    return found


def find_exception_ids(today: date) -> list[int]:
    """The keys of decided lines whose two sides do not fit: refused, drawn differently, or paid and never drawn."""
    decided = PaymentRequest.objects.filter(
        state__in=(PaymentRequest.State.PAID, PaymentRequest.State.REFUSED), is_matched=False
    )
    # The database leaves out the many that fit; the rule decides on the rest.
    suspects = decided.annotate(drawn=Sum("line_item__budget_usage__amount", filter=CURRENT_DRAWS)).filter(
        Q(state=PaymentRequest.State.REFUSED) | Q(drawn__isnull=True) | ~Q(drawn=-F("amount"))
    )
    columns = ("pk", "line_item_id", "state", "amount", "claim_approved_date", "payment_date")
    rows = list(suspects.order_by("-id").values_list(*columns))
    draws = find_draws([line_id for _, line_id, *_ in rows])
    return [
        key
        for key, line_id, state, amount, approved_date, payment_date in rows
        if _truth(state, amount, approved_date or payment_date, draws.get(line_id, ())).state(today) in EXCEPTIONS
    ]


def list_orphan_usage(start: int, end: int) -> list[BudgetUsage]:
    """What was drawn by us, no matching line (domain/care_recipient/draws.py): that in these places, newest first.

    Another provider's spend is left out: it is expected to have no line. Source: rule SYNC-07. First the
    keys, which an index holds in order, then the rows.
    """
    newest = BudgetUsage.objects.filter(
        service_provider_id__in=list_own_service_provider_ids(),
        invoice_line_item__isnull=True,
        no_longer_returned_date__isnull=True,
    ).order_by("-delivery_date", "-id")
    ids = list(newest.values_list("id", flat=True)[start:end])
    found = BudgetUsage.objects.select_related("client", "plan_budget").in_bulk(ids)
    return [found[usage_id] for usage_id in ids if usage_id in found]


def list_clients_of(claim: Claim) -> QuerySet[Client]:
    """Everybody in a claim: by our lines, and by what its invoices named."""
    keys = PaymentRequest.objects.filter(batch=claim.batch_id or 0).values("line_item__client")
    return Client.objects.filter(Q(pk__in=keys) | Q(care_recipient_id__in=claim.care_recipient_ids))


def find_batch_total(batch: ClaimBatch) -> Decimal:
    """What a batch asks for in all."""
    return batch.payment_requests.aggregate(total=Sum("amount"))["total"] or ZERO
