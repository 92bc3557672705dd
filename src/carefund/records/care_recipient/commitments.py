"""What our own open lines commit of people's budgets: one read for pages, files and commands. The rule is in domain."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet

from carefund.domain.care_recipient.budgets import effects_of, find_available
from carefund.domain.care_recipient.commitments import Fund, OpenLine, commit, first_day_of
from carefund.domain.claims.checks import amount_of
from carefund.domain.periods import Period
from carefund.records.models import BudgetUsage, Client, InvoiceLineItem, PaymentRequest, PlanBudget

ZERO = Decimal("0.00")
_OVER = ("DELETED", "COMPLETED")
_DRAWS = BudgetUsage.objects.filter(invoice_line_item=OuterRef("pk"), no_longer_returned_date__isnull=True)
_IN_VAIN = (PaymentRequest.State.REFUSED, PaymentRequest.State.WITHDRAWN)
_AWAITED = PaymentRequest.objects.filter(line_item=OuterRef("pk")).exclude(state__in=_IN_VAIN)


def find_committed(budgets: Iterable[PlanBudget]) -> dict[int, Decimal]:
    """What is committed of each budget, by its key here. Give all budgets of a person: a line goes to one of them."""
    return _commit(_by_client(budgets), {})


def find_committed_on(budgets: Iterable[PlanBudget], day: date, type_code: str) -> dict[int, Decimal]:
    """What is committed of the budgets that cover a day, of many people. Give all their budgets of that kind."""
    held = _by_client(budgets)
    firsts = [
        first
        for client_budgets in held.values()
        if (first := first_day_of(map(_fund, client_budgets), day)) is not None
    ]
    committed = _commit(held, {"funding_source": type_code, "delivery_date__gte": min(firsts, default=day)})
    return {
        budget.pk: committed[budget.pk]
        for client_budgets in held.values()
        for budget in client_budgets
        if covers(budget, day)
    }


def _by_client(budgets: Iterable[PlanBudget]) -> dict[int, list[PlanBudget]]:
    held: dict[int, list[PlanBudget]] = defaultdict(list)
    for budget in budgets:
        held[budget.client_id].append(budget)
    return held


def _commit(held: dict[int, list[PlanBudget]], which: dict[str, object]) -> dict[int, Decimal]:
    """The rule for each person, with their open lines among `which`. One query."""
    lines = _find_open_lines(held, which)
    found: dict[int, Decimal] = {}
    for client_id, budgets in held.items():
        committed = commit(lines.get(client_id, ()), map(_fund, budgets))
        found |= {budget.pk: committed[budget.budget_id, budget.ordinal] for budget in budgets}
    return found


def list_undrawn_lines(client: Client) -> list[InvoiceLineItem]:
    """A person's own lines that are delivered and not drawn, by day of delivery."""
    return list(_undrawn([client.pk]).order_by("delivery_date", "pk"))


def _find_open_lines(client_ids: Collection[int], which: dict[str, object]) -> dict[int, list[OpenLine]]:
    columns = ("client_id", "pk", "funding_source", "delivery_date", "quantity", "price_per_unit")
    found: dict[int, list[OpenLine]] = defaultdict(list)
    lines = _undrawn(client_ids).filter(**which).order_by()
    for client_id, key, source, day, quantity, price in lines.values_list(*columns):
        found[client_id].append(OpenLine(key, source, day, amount_of(quantity, price)))
    return found


def _undrawn(client_ids: Collection[int]) -> QuerySet[InvoiceLineItem]:
    """Own lines for which no draw is listed: delivered, so committed. Rule SAH-15 says which are left out."""
    lines = InvoiceLineItem.objects.filter(~Exists(_DRAWS), client_id__in=client_ids)
    return lines.filter(~Q(invoice__status__in=_OVER) | (~Q(invoice__status="DELETED") & Exists(_AWAITED)))


def covers(budget: PlanBudget, day: date) -> bool:
    """Whether the funder lists a budget that can be drawn for a service of that day."""
    return budget.no_longer_returned_date is None and Period(budget.start_date, budget.end_date).covers(day)


def available_of(budget: PlanBudget) -> Decimal:
    """What the funder calls available of a budget, or what its other figures come to."""
    return find_available(budget.total, budget.available, effects_of(budget))


def _fund(budget: PlanBudget) -> Fund:
    return Fund(
        (budget.budget_id, budget.ordinal),
        budget.budget_type_code,
        Period(budget.start_date, budget.end_date),
        available_of(budget),
        budget.no_longer_returned_date is None,
    )
