"""Which of our lines count as drawn: a draw and its reversal come to nothing, so they are none. Source: rule SAH-15."""

from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Sum

from carefund.records.models import BudgetUsage, PaymentRequest

_CURRENT = BudgetUsage.objects.filter(no_longer_returned_date__isnull=True).order_by()


def net_draws(line: str) -> "QuerySet[BudgetUsage, Any]":
    """Return, for Exists, what is drawn for the line at that path of the outer query; each is added up."""
    found = _CURRENT.filter(invoice_line_item=OuterRef(line)).values("invoice_line_item")
    return found.annotate(net=Sum("amount")).exclude(net=0)


def find_taken_back_lines(client_ids: Collection[int]) -> list[int]:
    """Return the lines of some people that are claimed again after their draws were reversed; mostly none."""
    # Draws come to nothing only where one of them is not below zero. There are few, and an index has them.
    given_back = _CURRENT.filter(client_id__in=client_ids, amount__gte=0, invoice_line_item__isnull=False)
    lines = set(given_back.values_list("invoice_line_item", flat=True))
    if not lines:
        return []
    waiting = PaymentRequest.objects.filter(
        is_matched=False,
        state__in=(PaymentRequest.State.READY, PaymentRequest.State.CLAIMED, PaymentRequest.State.PAID),
        line_item__in=lines,
    )
    again = waiting.filter(~Exists(net_draws("line_item"))).order_by()
    return list(again.values_list("line_item", flat=True))
