"""Reads for a new batch: which lines are open, and what is known of their people to check them by.

Nothing here writes, and nothing asks whether the reader may: only people with the right to claim come here.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from carefund.domain.care_recipient.identity import IdentityState
from carefund.domain.claims.checks import ApprovedSpan, BudgetSpan, ClaimLine, StoredFunding, amount_of, code_of
from carefund.domain.claims.statuses import CANCELLED
from carefund.domain.periods import Period
from carefund.records.care_recipient.identities import find_states, list_answered_as_another
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
# What the rules know of a line, in the order of ClaimLine, after its key and its care recipient id.
_OF_A_LINE = (
    "service_id", "delivery_date", "quantity", "price_per_unit", "funding_source", "unit_type", "late_reason_code",
)  # fmt: skip
_SPAN = ("start_date", "end_date")


def list_open_lines(
    *,
    service_provider_id: str = "",
    funding_source: str = "",
    from_date: date | None = None,
    to_date: date | None = None,
) -> QuerySet[InvoiceLineItem]:
    """Lines that nothing was claimed for: in no batch that counts, and not sent by other means."""
    wanted: dict[str, object] = {
        "invoice__service_provider_id": service_provider_id,
        "funding_source": funding_source,
        "delivery_date__gte": from_date,
        "delivery_date__lte": to_date,
    }
    wanted = {name: value for name, value in wanted.items() if value}
    # Not yet uploaded, or given back: two short lists, where one condition would look at every line there ever was. The
    # first has thousands for all branches, so it is narrowed before its lines are read.
    not_sent = InvoiceLineItem.objects.filter(**wanted, item_id="", invoice__invoice_id__isnull=True)
    waiting = not_sent.order_by().values("pk").union(_given_back())
    lines = InvoiceLineItem.objects.filter(~Exists(_ACTIVE), **wanted, pk__in=waiting)
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


class ReadLine(NamedTuple):
    """A stored line as the rules know it, whose it is, and our reference of it."""

    line: ClaimLine
    client_id: int
    external_reference_id: str


def read_lines(lines: "QuerySet[InvoiceLineItem, Any]") -> list[ReadLine]:
    """Return the lines of a list in its order, with the columns that a batch is chosen by and no others."""
    columns = ("client_id", "external_reference_id", "pk", "client__care_recipient_id", *_OF_A_LINE)
    return [
        ReadLine(ClaimLine(key, care_recipient_id or "", *others), client_id, reference)
        for client_id, reference, key, care_recipient_id, *others in lines.values_list(*columns)
    ]


def find_line_items(keys: Collection[int]) -> dict[int, InvoiceLineItem]:
    """Return these lines with all that a page shows of them, by key."""
    return InvoiceLineItem.objects.select_related("invoice", "client", "late_evidence").in_bulk(keys)


def list_claimed_lines(client_ids: Collection[int], days: Collection[date]) -> list[ClaimLine]:
    """These people's lines of some days that are claimed, or about to be."""
    lines = InvoiceLineItem.objects.filter(Exists(_ACTIVE), client_id__in=client_ids, delivery_date__in=days)
    return [line for line, *_ in read_lines(lines.order_by())]


def find_stored_funding(client_ids: Collection[int], lines: Collection[ClaimLine]) -> dict[int, StoredFunding]:
    """What is known of people to check these lines by: approved services and budgets of those who were ever
    synchronised, as far as they can bear on one by its service, kind of funding and day, and whose name or date of
    birth the funder says otherwise."""
    services: dict[int, list[ApprovedSpan]] = defaultdict(list)
    budgets: dict[int, list[BudgetSpan]] = defaultdict(list)
    with_plan = set(Plan.objects.filter(client_id__in=client_ids).values_list("client_id", flat=True))
    days = [line.delivery_date for line in lines]
    bearing = _on_days_of(min(days), max(days)) if days else Q(pk__in=())
    approved = ApprovedService.objects.filter(
        bearing, client_id__in=with_plan, service_id__in={code_of(line) for line in lines}
    )
    for client_id, service_id, *span in approved.order_by().values_list("client_id", "service_id", *_SPAN):
        services[client_id].append(ApprovedSpan(service_id, Period(*span)))
    held = PlanBudget.objects.filter(
        bearing, client_id__in=with_plan, budget_type_code__in={line.funding_source for line in lines}
    )
    columns = ("client_id", "budget_type_code", "available", *_SPAN)
    for client_id, type_code, available, *span in held.order_by().values_list(*columns):
        budgets[client_id].append(BudgetSpan(type_code, Period(*span), available))
    identities = find_states(client_ids, (IdentityState.DIFFERS, IdentityState.NOT_FOUND))
    others = list_answered_as_another(identities) if identities else set()
    return {
        client_id: StoredFunding(
            services[client_id] if client_id in with_plan else None,
            budgets[client_id] if client_id in with_plan else None,
            identities.get(client_id, IdentityState.NOT_COMPARED),
            client_id in others,
        )
        for client_id in with_plan.union(identities)
    }


def _on_days_of(first: date, last: date) -> Q:
    """The condition that a record that the funder still lists covers a day between two, or may."""
    begun = Q(start_date__isnull=True) | Q(start_date__lte=last)
    return begun & (Q(end_date__isnull=True) | Q(end_date__gte=first)) & Q(no_longer_returned_date__isnull=True)


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
