"""Which of our lines count as drawn: a draw and its reversal come to nothing, so they are none. Source: rule SAH-15."""

from collections.abc import Collection
from typing import Any

from django.db.models import OuterRef, QuerySet, Sum

from carefund.records.models import BudgetUsage

_CURRENT = BudgetUsage.objects.filter(no_longer_returned_date__isnull=True).order_by()


def net_draws(line: str) -> "QuerySet[BudgetUsage, Any]":
    """Return, for Exists, what is drawn for the line at that path of the outer query; each is added up."""
    found = _CURRENT.filter(invoice_line_item=OuterRef(line)).values("invoice_line_item")
    return found.annotate(net=Sum("amount")).exclude(net=0)


def draws_of_people(line: str, client_ids: Collection[int]) -> QuerySet[BudgetUsage]:
    """Return the same for many lines of some people: what was taken back is found once."""
    of_people = _CURRENT.filter(client_id__in=client_ids, invoice_line_item__isnull=False).values("invoice_line_item")
    taken_back = of_people.annotate(net=Sum("amount")).filter(net=0).values("invoice_line_item")
    return _CURRENT.filter(invoice_line_item=OuterRef(line)).exclude(invoice_line_item__in=taken_back)
