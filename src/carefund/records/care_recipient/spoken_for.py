"""What is spoken for of one budget, line by line: why less is safe to spend than is available. Nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from carefund.domain.care_recipient.commitments import OpenLine, SpokenFor, place
from carefund.records.care_recipient.commitments import Spending, find_spending, key_of
from carefund.records.models import InvoiceLineItem, PlanBudget, PlannedService

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class SpokenForRow:
    """A delivered line, or the visits to come of a planned service; `known_at` is when it came in, `known_by` who did.

    `amount` is the full price, of all visits together.
    """

    reason: SpokenFor
    service: str
    first_date: date
    last_date: date
    visits: int
    amount: Decimal
    known_at: datetime
    known_by: str = ""


def list_spoken_for(budget: PlanBudget, today: date) -> list[SpokenForRow]:
    """Return what is spoken for of a budget: what was delivered by its day, then what is planned."""
    spending = find_spending(budget.client, today)
    lines = place(spending.lines, spending.funds).lines_of(key_of(budget))
    delivered = [line for line in lines if line.reason is not SpokenFor.PLANNED]
    planned: dict[int, list[OpenLine]] = {}
    for line in lines:
        if line.reason is SpokenFor.PLANNED:
            planned.setdefault(line.key, []).append(line)
    return [*_list_delivered(delivered), *_list_planned(planned, spending)]


def _list_delivered(lines: Sequence[OpenLine]) -> list[SpokenForRow]:
    items = InvoiceLineItem.objects.select_related("invoice").in_bulk([line.key for line in lines])
    return [
        SpokenForRow(
            line.reason, _name(items[line.key]), line.delivery_date, line.delivery_date, 1, line.amount,
            items[line.key].invoice.created_at,
        )
        for line in lines
    ]  # fmt: skip


def _list_planned(planned: dict[int, list[OpenLine]], spending: Spending) -> list[SpokenForRow]:
    return [
        SpokenForRow(
            SpokenFor.PLANNED, _name(service), visits[0].delivery_date, visits[-1].delivery_date, len(visits),
            sum((visit.amount for visit in visits), ZERO), service.changed_at, service.entered_by,
        )
        for service in spending.planned
        if (visits := planned.get(service.pk))
    ]  # fmt: skip


def _name(row: InvoiceLineItem | PlannedService) -> str:
    return row.service_text or row.service_id
