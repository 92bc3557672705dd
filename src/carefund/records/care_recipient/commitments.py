"""What own open lines and planned services commit of people's money: one read for pages, files and commands.

The rule is in domain. Nothing here writes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from carefund.domain.care_recipient.budgets import effects_of, find_available
from carefund.domain.care_recipient.commitments import (
    NOTHING,
    UNSPENT,
    BudgetKey,
    Commitment,
    Fund,
    OpenLine,
    SpokenFor,
    commit,
    first_day_of,
)
from carefund.domain.care_recipient.planned import NOT_IN_YET_DAYS, Frequency, Planned, plan_lines
from carefund.domain.claims.checks import amount_of
from carefund.domain.periods import Period
from carefund.records.draws import find_taken_back_lines
from carefund.records.models import (
    BudgetUsage,
    Client,
    InvoiceLineItem,
    PaymentRequest,
    PlanBudget,
    PlannedService,
    UnspentBalance,
)

_OVER = ("DELETED", "COMPLETED")
_DRAWS = BudgetUsage.objects.filter(invoice_line_item=OuterRef("pk"), no_longer_returned_date__isnull=True)
_IN_VAIN = (PaymentRequest.State.REFUSED, PaymentRequest.State.WITHDRAWN)
_AWAITED = PaymentRequest.objects.filter(line_item=OuterRef("pk")).exclude(state__in=_IN_VAIN)
_CLAIMED = _AWAITED.exclude(state=PaymentRequest.State.READY)
_ALWAYS = Period(None, None)


@dataclass(slots=True)
class Spending:
    """One person's money, and what is spoken for of it. `balances` are those that were entered by hand and count.

    `services` are the planned ones as the rules know them, with the last day on which a line of each came in.
    """

    today: date
    budgets: list[PlanBudget]
    balances: list[UnspentBalance]
    planned: list[PlannedService]
    services: list[Planned]
    lines: list[OpenLine]
    funds: list[Fund]
    commitments: dict[BudgetKey, Commitment]

    def find(self, key: BudgetKey) -> Commitment:
        """What is spoken for of a budget or of unspent funds."""
        return self.commitments.get(key, NOTHING)


def find_spending(client: Client, today: date) -> Spending:
    """A person's money as it stands."""
    return find_spendings([client.pk], today)[client.pk]


def find_spendings(client_ids: Collection[int], today: date) -> dict[int, Spending]:
    """The money of many people as it stands, by the client's number: a few queries however many they are."""
    held: dict[int, list[PlanBudget]] = {client_id: [] for client_id in client_ids}
    for budget in PlanBudget.objects.filter(client_id__in=client_ids).order_by("id"):
        held[budget.client_id].append(budget)
    return _find_all(held, today)


def find_committed(budgets: Iterable[PlanBudget], today: date) -> dict[int, Commitment]:
    """What is spoken for of each budget, by its key here. Give all budgets of a person: a line goes to one of them."""
    found = _find_all(_by_client(budgets), today)
    return {budget.pk: spending.find(key_of(budget)) for spending in found.values() for budget in spending.budgets}


def find_committed_on(
    client_ids: Collection[int], day: date, type_code: str
) -> dict[int, list[tuple[PlanBudget, Commitment]]]:
    """The budgets of a kind that cover a day, by client, each with what is spoken for of it.

    Of years of budgets only those are read that a line can go to that bears on the day. Of whoever has unspent funds
    all lines bear on it, and of their budgets those of the lines' days.
    """
    balances = _find_balances(client_ids)
    listed = _list_periods(client_ids, balances, type_code)
    first_days = {
        client_id: first_day_of([period for _, period in held], day)
        for client_id, held in listed.items()
        if client_id not in balances
    }
    first_day = min((first for first in first_days.values() if first is not None), default=day)
    has_unspent = Q(client_id__in=list(balances))
    of_kind = Q(funding_source=type_code)
    lines = _find_open_lines(client_ids, of_kind & Q(delivery_date__gte=first_day) | has_unspent)
    for client_id in balances:
        first_visit = day - timedelta(days=NOT_IN_YET_DAYS)
        first_days[client_id] = min([first_visit, *(line.delivery_date for line in lines.get(client_id, ()))])
    keys = [
        key
        for client_id, held in listed.items()
        if (first := first_days[client_id]) is not None
        for key, period in held
        if period.end_date is None or period.end_date >= first
    ]
    budgets = PlanBudget.objects.filter(pk__in=keys).order_by("id")
    found = _find_all(_by_client(budgets), day, lines, of_kind | has_unspent, balances)
    return {
        client_id: [
            (budget, spending.find(key_of(budget)))
            for budget in spending.budgets
            if budget.budget_type_code == type_code and covers(budget, day)
        ]
        for client_id, spending in found.items()
    }


def _list_periods(
    client_ids: Collection[int], with_unspent: Collection[int], type_code: str
) -> dict[int, list[tuple[int, Period]]]:
    """The keys and days of these people's budgets of a kind that the funder lists; of some people those of any kind."""
    found: dict[int, list[tuple[int, Period]]] = defaultdict(list)
    wanted = Q(budget_type_code=type_code) | Q(client_id__in=list(with_unspent))
    listed = PlanBudget.objects.filter(wanted, client_id__in=client_ids, no_longer_returned_date__isnull=True)
    columns = ("client_id", "pk", "start_date", "end_date")
    for client_id, key, start_date, end_date in listed.order_by().values_list(*columns):
        found[client_id].append((key, Period(start_date, end_date)))
    return found


def key_of(budget: PlanBudget) -> BudgetKey:
    return budget.budget_id, budget.ordinal


def _by_client(budgets: Iterable[PlanBudget]) -> dict[int, list[PlanBudget]]:
    held: dict[int, list[PlanBudget]] = defaultdict(list)
    for budget in budgets:
        held[budget.client_id].append(budget)
    return held


def _find_all(
    held: dict[int, list[PlanBudget]],
    today: date,
    lines: dict[int, list[OpenLine]] | None = None,
    which_planned: Q | None = None,
    balances: dict[int, list[UnspentBalance]] | None = None,
) -> dict[int, Spending]:
    """The rule for each person, with all their open lines or those given, and planned services among those wanted."""
    if lines is None:
        lines = _find_open_lines(held, Q())
    planned = _find_planned(held, which_planned or Q())
    delivered = _find_last_deliveries(planned, today)
    if balances is None:
        balances = _find_balances(held)
    found: dict[int, Spending] = {}
    for client_id, budgets in held.items():
        funds = [fund_of(budget) for budget in budgets]
        listed = {fund.type_code for fund in funds if fund.is_returned and fund.period.covers(today)}
        counted = [balance for balance in balances.get(client_id, ()) if balance.source not in listed]
        funds += [Fund((balance.source, 0), balance.source, _ALWAYS, balance.amount) for balance in counted]
        services = planned.get(client_id, [])
        to_come = [describe(service, delivered.get((client_id, service.service_id))) for service in services]
        all_lines = [*lines.get(client_id, ()), *plan_lines(to_come, funds, today)]
        placed = commit(all_lines, funds)
        found[client_id] = Spending(today, budgets, counted, services, to_come, all_lines, funds, placed)
    return found


def describe(service: PlannedService, delivered_date: date | None = None) -> Planned:
    """A planned service as the rules know it."""
    return Planned(
        service.pk, service.funding_source, service.price, Frequency(service.frequency), service.from_date,
        service.to_date, delivered_date,
    )  # fmt: skip


def list_undrawn_lines(client: Client) -> list[InvoiceLineItem]:
    """A person's own lines that are delivered and not drawn, by day of delivery."""
    return list(_undrawn([client.pk]).order_by("delivery_date", "pk"))


def _find_open_lines(client_ids: Collection[int], which: Q) -> dict[int, list[OpenLine]]:
    columns = ("client_id", "pk", "funding_source", "delivery_date", "quantity", "price_per_unit", "is_claimed")
    found: dict[int, list[OpenLine]] = defaultdict(list)
    lines = _undrawn(client_ids).filter(which).order_by()
    lines = lines.annotate(is_claimed=Q(Exists(_CLAIMED)) | Q(invoice__status="CLAIMED"))
    for client_id, key, source, day, quantity, price, is_claimed in lines.values_list(*columns):
        reason = SpokenFor.CLAIMED if is_claimed else SpokenFor.DELIVERED
        found[client_id].append(OpenLine(key, source, day, amount_of(quantity, price), reason))
    return found


def _find_planned(client_ids: Collection[int], which: Q) -> dict[int, list[PlannedService]]:
    found: dict[int, list[PlannedService]] = defaultdict(list)
    for service in PlannedService.objects.filter(which, client_id__in=client_ids):
        found[service.client_id].append(service)
    return found


def _find_last_deliveries(planned: Collection[int], today: date) -> dict[tuple[int, str], date]:
    """The day of the last line of each service, of the last two weeks: visits before it have come in."""
    if not planned:
        return {}
    lines = InvoiceLineItem.objects.filter(
        client_id__in=planned, delivery_date__gte=today - timedelta(days=NOT_IN_YET_DAYS), delivery_date__lte=today
    )
    latest = lines.order_by().values_list("client_id", "service_id").annotate(Max("delivery_date"))
    return {(client_id, service_id): day for client_id, service_id, day in latest}


def _find_balances(client_ids: Collection[int]) -> dict[int, list[UnspentBalance]]:
    """Of each person the latest balance of each source, in the order in which the funder draws."""
    latest: dict[int, dict[str, UnspentBalance]] = defaultdict(dict)
    for balance in UnspentBalance.objects.filter(client_id__in=client_ids).order_by("balance_date", "id"):
        latest[balance.client_id][balance.source] = balance
    return {
        client_id: [sources[source] for source in UNSPENT if source in sources] for client_id, sources in latest.items()
    }


def _undrawn(client_ids: Collection[int]) -> QuerySet[InvoiceLineItem]:
    """Own lines for which no draw is listed: delivered, so committed. Rule SAH-15 says which are left out."""
    undrawn, taken_back = Q(~Exists(_DRAWS)), find_taken_back_lines(client_ids)
    if taken_back:  # else one condition, which the database answers by joining
        undrawn |= Q(pk__in=taken_back)
    lines = InvoiceLineItem.objects.filter(undrawn, client_id__in=client_ids)
    return lines.filter(~Q(invoice__status__in=_OVER) | (~Q(invoice__status="DELETED") & Exists(_AWAITED)))


def covers(budget: PlanBudget, day: date) -> bool:
    """Whether the funder lists a budget that can be drawn for a service of that day."""
    return budget.no_longer_returned_date is None and Period(budget.start_date, budget.end_date).covers(day)


def available_of(budget: PlanBudget) -> Decimal:
    """What the funder calls available of a budget, or what its other figures come to."""
    return find_available(budget.total, budget.available, effects_of(budget))


def fund_of(budget: PlanBudget) -> Fund:
    """A budget as the rules know it."""
    return Fund(
        key_of(budget),
        budget.budget_type_code,
        Period(budget.start_date, budget.end_date),
        available_of(budget),
        budget.no_longer_returned_date is None,
    )
