"""What a client may still spend: where the money is, what is planned, and what people enter about both.

Callers ask whether they may, and note the act in the audit log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from carefund.domain.care_recipient.budgets import ZERO, effects_of
from carefund.domain.care_recipient.commitments import (
    ONGOING,
    Commitment,
    SpokenFor,
    drawing_order,
    subtract_commitment,
)
from carefund.domain.care_recipient.planned import (
    Fit,
    Frequency,
    Planned,
    fit,
    list_visits,
)
from carefund.domain.care_recipient.trend import LOOK_BACK_DAYS, OngoingBudget, Trend, project
from carefund.domain.periods import Period
from carefund.records.care_recipient.commitments import (
    Spending,
    available_of,
    covers,
    describe,
    key_of,
)
from carefund.records.care_recipient.quarter_close import find_bases
from carefund.records.models import (
    ApprovedService,
    BudgetUsage,
    Client,
    Entitlement,
    PlanBudget,
    PlannedService,
    UnspentBalance,
)
from carefund.records.not_found import find_one

_LOOK_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Source:
    """Money that services are paid from: a budget of the funder's, or unspent funds as somebody entered them."""

    budget: PlanBudget | None
    balance: UnspentBalance | None
    available: Decimal
    commitment: Commitment

    @property
    def safe_to_spend(self) -> Decimal:
        """What is available, less all that is spoken for: an estimate."""
        return subtract_commitment(self.available, self.commitment)


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A planned service with its next visit, if there is one within a year."""

    service: PlannedService
    next_date: date | None


def list_sources(spending: Spending) -> list[Source]:
    """The money of a person that covers today, in the order in which the funder draws."""
    current = [budget for budget in spending.budgets if covers(budget, spending.today)]
    found = [
        (drawing_order(budget.budget_type_code), budget.budget_type_code, budget.budget_id,
         Source(budget, None, available_of(budget), spending.find(key_of(budget))))
        for budget in current
    ]  # fmt: skip
    found += [
        (drawing_order(balance.source), balance.source, "",
         Source(None, balance, balance.amount, spending.find((balance.source, 0))))
        for balance in spending.balances
    ]  # fmt: skip
    return [source for *_, source in sorted(found, key=lambda entry: entry[:3])]


def describe_source(source: Source) -> dict[str, Any]:
    """A source of money as plain data, with the parts of the estimate."""
    budget, balance, spoken_for = source.budget, source.balance, source.commitment
    return {
        "type_code": budget.budget_type_code if budget else balance.source if balance else "",
        "budget_id": budget and budget.budget_id,
        "balance_date": balance and balance.balance_date,
        "entered_by": balance and balance.entered_by,
        "available": source.available,
        "claimed_not_drawn": spoken_for.claimed,
        "delivered_not_claimed": spoken_for.delivered,
        "planned": spoken_for.planned,
        "safe_to_spend": source.safe_to_spend,
    }


def list_planned(spending: Spending) -> list[PlannedRow]:
    """The planned services of a person with their next visits, those first that come first."""
    last = spending.today + _LOOK_AHEAD
    rows = [
        PlannedRow(service, next(iter(list_visits(describe(service), spending.today, last)), None))
        for service in spending.planned
    ]
    return sorted(rows, key=lambda row: (row.next_date is None, row.next_date or date.max, row.service.pk))


def find_fit(spending: Spending, price: Decimal, frequency: Frequency, from_date: date, funding_source: str) -> Fit:
    """Until when one more service fits, a year ahead."""
    service = Planned(0, funding_source, price, frequency, from_date)
    return fit(service, spending.lines, spending.funds, from_date + _LOOK_AHEAD)


def list_services_to_plan(client: Client, today: date) -> dict[str, str]:
    """The services that a client may receive from today on, by their code, with their text."""
    services = ApprovedService.objects.filter(client=client, no_longer_returned_date__isnull=True)
    services = services.exclude(end_date__lt=today).exclude(service_id="").order_by("service_text", "service_id")
    return dict(services.values_list("service_id", "service_text"))


def find_trend(spending: Spending) -> Trend:
    """How a person's ongoing money goes from quarter to quarter."""
    return find_trends({0: spending})[0]


def find_trends(spendings: Mapping[int, Spending]) -> dict[int, Trend]:
    """The same for many people, by the number that each is given under. A few queries however many they are."""
    held = {number: _list_ongoing(spending) for number, spending in spendings.items()}
    every = [budget for ongoing in held.values() for budget in ongoing]
    since = min((spending.today for spending in spendings.values()), default=date.max) - timedelta(days=LOOK_BACK_DAYS)
    drawn: dict[int, list[tuple[date, Decimal]]] = {}
    # By the client as well, with whom the index begins: without, every draw there ever was is read.
    theirs = {budget.client_id for budget in every}
    draws = BudgetUsage.objects.filter(client__in=theirs, plan_budget__in=every, no_longer_returned_date__isnull=True)
    draws = draws.filter(delivery_date__gte=since, amount__isnull=False).order_by()
    for key, day, amount in draws.values_list("plan_budget", "delivery_date", "amount"):
        if day and amount is not None:
            drawn.setdefault(key, []).append((day, -amount))
    bases = find_bases(every)
    current = [budget.pk for number, listed in held.items() for budget in _list_current(listed, spendings[number])]
    entitled: dict[int, Decimal] = {}
    rows = Entitlement.objects.filter(
        client__in=theirs, plan_budget__in=current, no_longer_returned_date__isnull=True
    ).order_by()
    for key, amount in rows.values_list("plan_budget", "amount"):
        if amount is not None:
            entitled[key] = entitled.get(key, ZERO) + amount
    return {number: _project(spending, held[number], drawn, entitled, bases) for number, spending in spendings.items()}


def _list_ongoing(spending: Spending) -> list[PlanBudget]:
    listed = [
        budget
        for budget in spending.budgets
        if budget.budget_type_code == ONGOING and budget.no_longer_returned_date is None
    ]
    # A budget that was issued again stays in the funder's list beside the new one, without money.
    periods = {(budget.start_date, budget.end_date) for budget in listed if budget.total}
    return [budget for budget in listed if budget.total or (budget.start_date, budget.end_date) not in periods]


def _list_current(ongoing: list[PlanBudget], spending: Spending) -> list[PlanBudget]:
    return [budget for budget in ongoing if covers(budget, spending.today)]


def _project(
    spending: Spending,
    ongoing: list[PlanBudget],
    drawn: Mapping[int, list[tuple[date, Decimal]]],
    entitled: Mapping[int, Decimal],
    bases: Mapping[int, Decimal],
) -> Trend:
    """One person's trend. What the quarter was given, without rollover, counts where one budget covers today
    and its entitlements are known."""
    delivered = [draw for budget in ongoing for draw in drawn.get(budget.pk, ())]
    delivered += [
        (line.delivery_date, line.amount)
        for line in spending.lines
        if line.type_code == ONGOING and line.reason is not SpokenFor.PLANNED
    ]
    services = [service for service in spending.services if service.type_code == ONGOING]
    budgets = [_describe_budget(budget, spending, bases[budget.pk]) for budget in ongoing]
    current = _list_current(ongoing, spending)
    given = entitled.get(current[0].pk) if len(current) == 1 else None
    return project(budgets, given, services, delivered, spending.today)


def _describe_budget(budget: PlanBudget, spending: Spending, base: Decimal) -> OngoingBudget:
    effects, total = effects_of(budget), budget.total or ZERO
    used = total - available_of(budget) + effects.rollover_deduction + effects.write_off
    committed = spending.find(key_of(budget)).committed
    period = Period(budget.start_date, budget.end_date)
    return OngoingBudget(period, total, used + committed, -effects.rollover_deduction, -effects.write_off, base)


def add_planned(client: Client, values: Mapping[str, Any], entered_by: str) -> PlannedService:
    """Add a planned service."""
    return PlannedService.objects.create(client=client, entered_by=entered_by[:150], **values)


def remove_planned(client: Client, planned_id: int) -> str:
    """Remove a planned service, and return what the audit log calls it. Raises NotHere."""
    planned = find_one(PlannedService.objects.filter(client=client, pk=planned_id), "There is no such planned service.")
    name = str(planned)
    planned.delete()
    return name


def store_balance(client: Client, values: Mapping[str, Any], entered_by: str) -> UnspentBalance:
    """Note what unspent funds came to on a day; earlier notes stay."""
    return UnspentBalance.objects.create(client=client, entered_by=entered_by[:150], **values)
