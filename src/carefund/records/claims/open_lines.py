"""Reads for a new batch: which lines are open, and what is known of their people to check them by.

Nothing here writes, and nothing asks whether the reader may: only people with the right to claim come here.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from carefund.domain.care_recipient.identity import IdentityState
from carefund.domain.claims.checks import ApprovedSpan, BudgetSpan, ClaimLine, StoredFunding, amount_of
from carefund.domain.claims.statuses import CANCELLED
from carefund.domain.periods import Period
from carefund.records.care_recipient.identities import find_states
from carefund.records.models import (
    ApprovedService,
    Claim,
    Client,
    ExceptionCase,
    InvoiceLineItem,
    PaymentRequest,
    Plan,
    PlanBudget,
)

ZERO = Decimal("0.00")
_OVER = (PaymentRequest.State.REFUSED, PaymentRequest.State.WITHDRAWN)
# Somebody decided that a refusal stays as it is, so its line is not claimed again.
_SETTLED = ExceptionCase.objects.filter(
    payment_request__line_item=OuterRef("line_item"),
    state__in=(ExceptionCase.State.ACCEPTED, ExceptionCase.State.CLOSED_UNPAID),
    closed_at__isnull=True,
)
_ACTIVE = PaymentRequest.objects.filter(line_item=OuterRef("pk")).exclude(state__in=_OVER)


def list_open_lines(
    *,
    service_provider_id: str = "",
    funding_source: str = "",
    from_date: date | None = None,
    to_date: date | None = None,
) -> QuerySet[InvoiceLineItem]:
    """Lines that nothing was claimed for: in no batch that counts, and not sent by other means."""
    # Not yet uploaded, or given back: two short lists, where one condition would look at every line there ever was.
    not_sent = InvoiceLineItem.objects.filter(item_id="", invoice__invoice_id__isnull=True).order_by().values("pk")
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
    given_back = PaymentRequest.objects.filter(~Exists(_SETTLED), state__in=_OVER, is_matched=False)
    return given_back.order_by().values("line_item")


def find_open_total() -> tuple[int, Decimal]:
    """How many lines are open, and what they come to: `list_open_lines` without reading a long list."""
    number, total = 0, ZERO
    for lines in (list_unsent_lines(), list_given_back_lines()):
        # Many lines have few prices, so the database counts and each price is rounded once, as on its line.
        alike = lines.order_by().values_list("quantity", "price_per_unit").annotate(number=Count("pk"))
        for quantity, price, count in alike:
            number, total = number + count, total + amount_of(quantity, price) * count
    return number, total


def list_unsent_lines() -> QuerySet[InvoiceLineItem]:
    """Open lines that Services Australia has no number for.

    Such a line is on an invoice without a number, and has none itself. The database begins with its own, since lines
    without are few and have an index.
    """
    # A line that was not sent has no matched request, so those that are not matched say which are in a batch.
    in_batch = PaymentRequest.objects.filter(is_matched=False).exclude(state__in=_OVER).order_by().values("line_item")
    return InvoiceLineItem.objects.filter(item_id="", invoice__invoice_id__isnull=True).exclude(pk__in=in_batch)


def list_given_back_lines() -> QuerySet[InvoiceLineItem]:
    """Open lines that were sent before: refused, or taken out of a claim."""
    sent_before = InvoiceLineItem.objects.filter(invoice__invoice_id__isnull=False, pk__in=_given_back())
    return sent_before.filter(~Exists(_ACTIVE))


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


def list_claimed_lines(client_ids: Collection[int], days: Collection[date]) -> list[ClaimLine]:
    """These people's lines of some days that are claimed, or about to be."""
    lines = InvoiceLineItem.objects.filter(Exists(_ACTIVE), client_id__in=client_ids, delivery_date__in=days)
    lines = lines.select_related("client")
    return [claim_line(item) for item in lines]


def find_stored_funding(client_ids: Collection[int]) -> dict[int, StoredFunding]:
    """What is known of people to check their lines by: approved services and budgets of those who were ever
    synchronised, and whose name or date of birth the funder says otherwise."""
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
    identities = find_states(client_ids, (IdentityState.DIFFERS, IdentityState.NOT_FOUND))
    return {
        client_id: StoredFunding(
            services[client_id] if client_id in with_plan else None,
            budgets[client_id] if client_id in with_plan else None,
            identities.get(client_id, IdentityState.NOT_COMPARED),
        )
        for client_id in with_plan.union(identities)
    }


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
