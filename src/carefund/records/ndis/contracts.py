"""A service contract as its page shows it, on a day: groups, periods, what is available, where PACE drifted away.

A constant number of queries, however many budgets, periods and services a contract has. Nothing writes.
Source: rules NDIS-08 and NDIS-13.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from carefund.domain.ndis.periods import Delivery, PeriodStatus, available, delivered_in, status_on
from carefund.domain.ndis.plan import BudgetType, PacePeriod
from carefund.domain.ndis.totals import full_total_of, is_core_flexible, total_funding
from carefund.records.models import DeliveredService, ServiceContract, ServiceContractBudget
from carefund.records.ndis.queries import list_budgets, list_deliveries, list_periods

ZERO = Decimal("0.00")
CORE_FLEXIBLE = "Core Flexible"
_GROUP_ORDER = {CORE_FLEXIBLE: 0, "Core Stated": 1, "Core": 2, "Capacity Building": 3, "Capital": 4, "Recurring": 5}


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """A funding period today: where it lies and what was delivered in it."""

    period: PacePeriod
    status: PeriodStatus
    delivered: Decimal


@dataclass(frozen=True, slots=True)
class CategoryFigures:
    """A plan budget today. `delivered` counts since the contract's start; `drift` is what PACE counts beyond that."""

    budget: ServiceContractBudget
    periods: tuple[PeriodFigures, ...]
    delivered: Decimal
    available: Decimal | None

    @property
    def current(self) -> PeriodFigures | None:
        """The active period that began last."""
        active = [period for period in self.periods if period.status is PeriodStatus.ACTIVE]
        return active[-1] if active else None

    @property
    def drift(self) -> Decimal:
        spent: Decimal | None = self.budget.spent_amount
        if spent is None or self.budget.no_longer_in_pace_date is not None:
            return ZERO
        return spent - self.delivered

    @property
    def counts(self) -> bool:
        return not self.budget.is_excluded and self.budget.no_longer_in_pace_date is None


@dataclass(frozen=True, slots=True)
class BudgetGroup:
    """Budgets that are read together. Core Flexible is one pot: its total counts, not the single category."""

    name: str
    rows: tuple[CategoryFigures, ...]
    is_one_pot: bool = False

    @property
    def counting(self) -> list[CategoryFigures]:
        return [row for row in self.rows if row.counts]

    @property
    def has_periods(self) -> bool:
        """Whether what is available now differs in kind from what PACE says remains."""
        return any(row.periods for row in self.rows)

    @property
    def approved(self) -> Decimal | None:
        return full_total_of(row.budget.approved_amount for row in self.counting)

    @property
    def released(self) -> Decimal | None:
        return full_total_of(row.budget.released_amount for row in self.counting)

    @property
    def spent(self) -> Decimal | None:
        return full_total_of(row.budget.spent_amount for row in self.counting)

    @property
    def remaining(self) -> Decimal | None:
        return full_total_of(row.budget.remaining_amount for row in self.counting)

    @property
    def delivered(self) -> Decimal | None:
        return full_total_of(row.delivered for row in self.counting)

    @property
    def available(self) -> Decimal | None:
        return full_total_of(row.available for row in self.counting)


@dataclass(frozen=True, slots=True)
class ContractFigures:
    """A contract with all that hangs on it, as of a day."""

    contract: ServiceContract
    groups: tuple[BudgetGroup, ...]
    services: tuple[DeliveredService, ...]
    today: date
    total_funding: Decimal = ZERO
    rows: tuple[CategoryFigures, ...] = field(default=())

    @property
    def drifting(self) -> list[CategoryFigures]:
        return [row for row in self.rows if row.drift]


def find_contract_figures(contract: ServiceContract, today: date) -> ContractFigures:
    """Everything a contract's page shows: Core Flexible first as one pot, then each support type."""
    deliveries = list_deliveries(contract, plan_start_date=contract.start_date)
    rows = tuple(_figures_of(row, deliveries.get(row.id, []), today) for row in list_budgets(contract))
    groups: defaultdict[str, list[CategoryFigures]] = defaultdict(list)
    for row in rows:
        groups[_group_name(row.budget)].append(row)
    ordered = sorted(groups.items(), key=lambda item: (_GROUP_ORDER.get(item[0], 9), item[0]))
    services = DeliveredService.objects.filter(contract=contract).select_related("budget").order_by("id")
    return ContractFigures(
        contract,
        tuple(BudgetGroup(name, tuple(group_rows), name == CORE_FLEXIBLE) for name, group_rows in ordered),
        tuple(services),
        today,
        total_funding([row.budget for row in rows if row.counts], lambda _: True),
        rows,
    )


def _group_name(budget: ServiceContractBudget) -> str:
    if is_core_flexible(budget):
        return CORE_FLEXIBLE
    if budget.support_type == "Core" and budget.budget_type == BudgetType.STATED:
        return "Core Stated"
    return budget.support_type or "Other"


def _figures_of(row: ServiceContractBudget, deliveries: list[Delivery], today: date) -> CategoryFigures:
    periods = list_periods(row)
    period_figures = tuple(
        PeriodFigures(period, status_on(period, today), delivered_in(period, periods, deliveries)) for period in periods
    )
    delivered = sum((delivery.amount for delivery in deliveries), ZERO)
    return CategoryFigures(row, period_figures, delivered, available(periods, row.remaining_amount, deliveries, today))
