"""Where the money for delivered services is: the lines of each stage, for the money page, its lists and the command.

One question for all of them, so that a figure and its list never differ. The stages are in domain/claims/money.py.
Nothing here writes, and nothing asks whether the reader may: only people with the right to claim come here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from carefund.domain.claims.checks import amount_of
from carefund.domain.claims.money import TO_CLAIM, Delivered, Stage, StageSums, add_up, count_days_left
from carefund.records.claims.exceptions import ExceptionFilter, list_exceptions
from carefund.records.claims.open_lines import list_given_back_lines, list_unsent_lines
from carefund.records.claims.queries import list_unsettled_claims
from carefund.records.models import BudgetUsage, Claim, InvoiceLineItem, PaymentRequest

_CURRENT = BudgetUsage.objects.filter(no_longer_returned_date__isnull=True)
_DRAWS = _CURRENT.filter(invoice_line_item=OuterRef("pk"))
_DRAWS_OF_REQUEST = _CURRENT.filter(invoice_line_item=OuterRef("line_item"))


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """One line of a stage's list. `days_left` None: not to be claimed, or no day is known."""

    item: InvoiceLineItem
    amount: Decimal
    age_days: int
    days_left: int | None


def find_money(today: date, branch: str = "") -> list[StageSums]:
    """The figures of all stages on a day, of one branch or of all."""
    return [add_up(stage, _sum_up(stage, today, branch), today) for stage in Stage]


def list_lines_in(stage: Stage, today: date, branch: str = "") -> QuerySet[InvoiceLineItem]:
    """The lines of a stage, oldest first."""
    lines = InvoiceLineItem.objects.filter(pk__in=_find_keys(stage, today))
    if branch:
        # As an expression, so that the database begins with a stage's few lines and not with a branch's many invoices.
        of_branch = Concat("invoice__service_provider_id", Value(""))
        lines = lines.alias(branch=of_branch).filter(branch=branch)
    return lines.select_related("client", "invoice").order_by("delivery_date", "id")


def list_client_ids_in(stage: Stage, today: date, branch: str = "") -> set[int]:
    """Whose lines are in a stage."""
    return set(list_lines_in(stage, today, branch).order_by().values_list("client_id", flat=True))


def list_money_lines(items: Iterable[InvoiceLineItem], stage: Stage, today: date) -> Iterator[MoneyLine]:
    """Lines as their list shows them."""
    for item in items:
        yield MoneyLine(
            item,
            amount_of(item.quantity, item.price_per_unit),
            (today - item.delivery_date).days,
            count_days_left(item.funding_source, item.delivery_date, today) if stage in TO_CLAIM else None,
        )


def _find_keys(stage: Stage, today: date) -> "QuerySet[Any, Any]":
    """The keys of a stage's lines; each line is in one stage, and one that is paid and drawn, accepted or closed unpaid
    in none."""
    if stage is Stage.NOT_CLAIMED:
        withdrawn = list_given_back_lines().exclude(pk__in=_refused())
        return list_unsent_lines().order_by().values("pk").union(withdrawn.order_by().values("pk"))
    if stage is Stage.REFUSED:
        return list_given_back_lines().filter(~Exists(_DRAWS), pk__in=_refused()).order_by().values("pk")
    return _list_requests(stage, today).order_by().values("line_item")


def _refused() -> "QuerySet[PaymentRequest, Any]":
    refused = PaymentRequest.objects.filter(state=PaymentRequest.State.REFUSED, is_matched=False)
    return refused.order_by().values("line_item")


def _list_requests(stage: Stage, today: date) -> QuerySet[PaymentRequest]:
    if stage is Stage.UNDECIDED:
        return PaymentRequest.objects.filter(state=PaymentRequest.State.CLAIMED, is_matched=False)
    paid = PaymentRequest.objects.filter(state=PaymentRequest.State.PAID)
    if stage is Stage.UNPAID:
        unpaid = paid.filter(payment_date__isnull=True, batch__in=_unsettled_batches())
        return unpaid.exclude(pk__in=list_exceptions(ExceptionFilter(), today).order_by().values("pk"))
    # What was refused and not drawn is a stage of its own, and what somebody accepted or wrote off in none.
    found = list_exceptions(ExceptionFilter(), today)
    return found.exclude(Q(state=PaymentRequest.State.REFUSED) & ~Exists(_DRAWS_OF_REQUEST))


def _unsettled_batches() -> "QuerySet[Claim, Any]":
    return list_unsettled_claims().filter(batch__isnull=False).order_by().values("batch")


def _sum_up(stage: Stage, today: date, branch: str) -> Iterator[Delivered]:
    """The lines of a stage, those alike together: many lines have few prices and days, so the database counts."""
    columns = ("funding_source", "delivery_date", "quantity", "price_per_unit")
    alike = list_lines_in(stage, today, branch).order_by().values_list(*columns).annotate(number=Count("pk"))
    for source, day, quantity, price, number in alike:
        yield Delivered(source, day, amount_of(quantity, price) * number, number)
