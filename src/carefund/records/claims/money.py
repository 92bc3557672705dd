"""Where the money for delivered services is: the lines of each stage, for the money page, its lists and the command.

One question for all of them, so that a figure and its list never differ. The stages are in domain/claims/money.py.
Nothing here writes, and nothing asks whether the reader may: only people with the right to claim come here.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, Q, QuerySet, Value
from django.db.models.functions import Concat

from carefund.domain.claims.checks import amount_of
from carefund.domain.claims.money import TO_CLAIM, Delivered, Stage, StageSums, add_up, count_days_left
from carefund.records.claims.exceptions import ExceptionFilter, list_exceptions
from carefund.records.claims.open_lines import list_given_back_lines, list_unsent_lines
from carefund.records.claims.queries import list_unsettled_claims
from carefund.records.draws import net_draws
from carefund.records.models import Claim, InvoiceLineItem, PaymentRequest

_AT_ONCE = 2_000
_OF_EXCEPTIONS = (Stage.UNPAID, Stage.EXCEPTIONS)


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """One line of a stage's list. `days_left` None: not to be claimed, or no day is known."""

    item: InvoiceLineItem
    amount: Decimal
    age_days: int
    days_left: int | None


def find_money(today: date, branch: str = "") -> list[StageSums]:
    """The figures of all stages on a day, of one branch or of all."""
    exceptions = _find_exceptions(today)
    return [add_up(stage, _sum_up(_list_parts(stage, exceptions, branch)), today) for stage in Stage]


class StageLines:
    """The lines of a stage, oldest first, read a page at a time: the database puts keys in order, and only the lines of
    the page are read. `parts` are the lines, in lists that have none in common. `counted` has a row for each line,
    where that takes less than to look at the lines."""

    def __init__(self, parts: Sequence[QuerySet[InvoiceLineItem]], counted: "QuerySet[Any, Any] | None" = None) -> None:
        self.parts = parts
        first, *others = [part.order_by().values_list("delivery_date", "pk") for part in parts]
        # The parts have no line in common, so nothing is looked for twice.
        self._keys: QuerySet[Any, Any] = first.union(*others, all=True) if others else first
        self._counted = self._keys if counted is None else counted

    def count(self) -> int:
        """How many lines there are."""
        return self._counted.count()

    def __getitem__(self, wanted: slice) -> list[InvoiceLineItem]:
        return _read_in_order([key for _, key in self._keys.order_by("delivery_date", "pk")[wanted]])

    def __iter__(self) -> Iterator[InvoiceLineItem]:
        keys = [key for _, key in self._keys.order_by("delivery_date", "pk")]
        for start in range(0, len(keys), _AT_ONCE):
            yield from _read_in_order(keys[start : start + _AT_ONCE])


def _read_in_order(keys: Sequence[int]) -> list[InvoiceLineItem]:
    found = InvoiceLineItem.objects.select_related("client", "invoice").in_bulk(keys)
    return [found[key] for key in keys if key in found]


def list_lines_in(stage: Stage, today: date, branch: str = "") -> StageLines:
    """The lines of a stage, oldest first."""
    exceptions = _find_exceptions(today) if stage in _OF_EXCEPTIONS else ()
    is_of_requests = stage not in TO_CLAIM and not branch
    counted = _list_requests(stage, exceptions).order_by().values("line_item").distinct() if is_of_requests else None
    return StageLines(_list_parts(stage, exceptions, branch), counted)


def list_client_ids_in(stage: Stage, today: date, branch: str = "") -> set[int]:
    """Whose lines are in a stage."""
    parts = _list_parts(stage, _find_exceptions(today) if stage in _OF_EXCEPTIONS else (), branch)
    return {key for part in parts for key in part.order_by().values_list("client_id", flat=True).distinct()}


def list_money_lines(items: Iterable[InvoiceLineItem], stage: Stage, today: date) -> Iterator[MoneyLine]:
    """Lines as their list shows them."""
    for item in items:
        yield MoneyLine(
            item,
            amount_of(item.quantity, item.price_per_unit),
            (today - item.delivery_date).days,
            count_days_left(item.funding_source, item.delivery_date, today) if stage in TO_CLAIM else None,
        )


def _find_exceptions(today: date) -> list[int]:
    """The keys of the requests that are exceptions to be dealt with."""
    return list(list_exceptions(ExceptionFilter(), today).order_by().values_list("pk", flat=True))


def _list_parts(stage: Stage, exceptions: Collection[int], branch: str) -> list[QuerySet[InvoiceLineItem]]:
    """A stage's lines, in parts that have none in common; each line is in one stage, and one that is paid and drawn,
    accepted or closed unpaid in none."""
    if stage is Stage.NOT_CLAIMED:
        parts = [list_unsent_lines(), list_given_back_lines().exclude(pk__in=_refused())]
    elif stage is Stage.REFUSED:
        parts = [list_given_back_lines().filter(~Exists(net_draws("pk")), pk__in=_refused())]
    else:
        requests = _list_requests(stage, exceptions).order_by()
        if branch:
            # A batch has lines of one branch, so the others' lines need not be looked at; the invoice says it for sure.
            requests = requests.filter(batch__service_provider_id=branch)
        parts = [InvoiceLineItem.objects.filter(pk__in=requests.values("line_item"))]
    if branch:
        # As an expression, so that the database begins with a stage's few lines and not with a branch's many invoices.
        of_branch = Concat("invoice__service_provider_id", Value(""))
        parts = [part.alias(branch=of_branch).filter(branch=branch) for part in parts]
    return parts


def _refused() -> "QuerySet[PaymentRequest, Any]":
    refused = PaymentRequest.objects.filter(state=PaymentRequest.State.REFUSED, is_matched=False)
    return refused.order_by().values("line_item")


def _list_requests(stage: Stage, exceptions: Collection[int]) -> QuerySet[PaymentRequest]:
    if stage is Stage.UNDECIDED:
        # What is in a batch and not sent, or not sent again after its claim was cancelled, waits for the same page.
        waiting = (PaymentRequest.State.READY, PaymentRequest.State.CLAIMED)
        return PaymentRequest.objects.filter(state__in=waiting, is_matched=False)
    if stage is Stage.UNPAID:
        paid = PaymentRequest.objects.filter(state=PaymentRequest.State.PAID)
        return paid.filter(payment_date__isnull=True, batch__in=_unsettled_batches()).exclude(pk__in=exceptions)
    # What was refused and not drawn is a stage of its own, and what somebody accepted or wrote off in none.
    found = PaymentRequest.objects.filter(pk__in=exceptions)
    return found.exclude(Q(state=PaymentRequest.State.REFUSED) & ~Exists(net_draws("line_item")))


def _unsettled_batches() -> "QuerySet[Claim, Any]":
    return list_unsettled_claims().filter(batch__isnull=False).order_by().values("batch")


def _sum_up(parts: Iterable[QuerySet[InvoiceLineItem]]) -> Iterator[Delivered]:
    """The lines of a stage, those alike together: many lines have few prices and days, so the database counts."""
    columns = ("funding_source", "delivery_date", "quantity", "price_per_unit")
    for part in parts:
        alike = part.order_by().values_list(*columns).annotate(number=Count("pk"))
        for source, day, quantity, price, number in alike:
            yield Delivered(source, day, amount_of(quantity, price) * number, number)
