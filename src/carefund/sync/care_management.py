"""Refresh: ask Services Australia for service provider ids' pools of a quarter. Nothing is stored here; Save does that.

Source: requirements/003, What Happens During Sync.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Protocol

from carefund.domain.care_management import Pool, PooledBudget, add_up_uses, choose_budgets, is_care_management
from carefund.domain.carry_over import estimate_loss
from carefund.domain.quarters import Quarter, quarter_of
from carefund.funders.answers import Answer
from carefund.funders.errors import ConsentMissing, Detail, FunderError, NotFound
from carefund.funders.services_australia.payloads import Budget, BudgetDetails

_CENT = Decimal("0.01")
NO_DATA = "No care management budget came back for this quarter."
NO_DATA_ADVICE = "Check that the Service Provider ID is correct, then try again."


class PoolSource(Protocol):
    """What a refresh asks of the funder's client."""

    async def fetch_service_provider_budgets(self, service_provider_id: str) -> Answer[Sequence[Budget]]: ...

    async def fetch_budget_details(self, budget_id: str) -> Answer[BudgetDetails]: ...


@dataclass(frozen=True, slots=True)
class Received:
    """How many budgets of one type came back, over which period; what is shown when none of them counts."""

    budget_type: str
    count: int
    start_date: date | None
    end_date: date | None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an id could not be asked; `details` are the funder's own words."""

    code: str
    message: str
    advice: str
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class Refreshed:
    """One id's answer: the pool and what came back by type, or the problem. `is_empty`: answered, nothing counts."""

    pool: Pool
    received: tuple[Received, ...] = ()
    problem: Problem | None = None

    @property
    def is_empty(self) -> bool:
        return self.problem is None and not self.pool.budgets


async def refresh_pools(source: PoolSource, service_provider_ids: Sequence[str], today: date) -> list[Refreshed]:
    """Each id's pool in the quarter of `today`; an id that cannot be asked is told as a problem, others still count."""
    return list(await asyncio.gather(*(_refresh(source, one, today) for one in dict.fromkeys(service_provider_ids))))


async def _refresh(source: PoolSource, service_provider_id: str, today: date) -> Refreshed:
    quarter, asked_at = quarter_of(today), datetime.now(UTC)
    try:
        answer = await source.fetch_service_provider_budgets(service_provider_id)
        received = _received(answer.value)
        chosen = choose_budgets([_pooled(row) for row in answer.value], quarter)
        details = await asyncio.gather(*(_fetch_details(source, row.budget_id) for row in chosen))
    except FunderError as error:
        return Refreshed(
            Pool(service_provider_id, quarter, asked_at),
            problem=Problem(error.code, error.message, error.advice, error.details),
        )
    return Refreshed(_pool(service_provider_id, quarter, asked_at, today, answer.value, chosen, details), received)


def _pool(
    service_provider_id: str,
    quarter: Quarter,
    asked_at: datetime,
    today: date,
    rows: Sequence[Budget],
    chosen: Sequence[PooledBudget],
    details: Sequence[BudgetDetails | None],
) -> Pool:
    read = {one.budget_id: one for one in details if one is not None}
    budgets = tuple(_with_allocation(budget, read.get(budget.budget_id)) for budget in chosen)
    shown = {budget.budget_id: budget for budget in budgets}
    every = [shown.get(row.budget_id) or _pooled(row) for row in rows]
    pools = {row.budget_id: row for row in every if is_care_management(row.budget_type_code, row.budget_type)}
    lines = [(line.care_recipient_id, line.amount) for one in read.values() for line in one.usage]
    return Pool(
        service_provider_id,
        quarter,
        asked_at,
        budgets,
        add_up_uses([(person, _cents(amount)) for person, amount in lines]),
        estimate_loss(pools.values(), today) if budgets else None,
        len(chosen) - len(read),
    )


async def _fetch_details(source: PoolSource, budget_id: str) -> BudgetDetails | None:
    """A budget's entitlements and usage; None where the funder does not show them, which costs the budget nothing."""
    try:
        return (await source.fetch_budget_details(budget_id)).value
    except (ConsentMissing, NotFound):
        return None


def _pooled(row: Budget) -> PooledBudget:
    return PooledBudget(
        row.budget_id,
        row.service_provider_id,
        row.budget_type_code,
        row.budget_type,
        row.start_date,
        row.end_date,
        *(_cents(amount) for amount in (row.total, row.used, row.available, row.rollover_deduction, row.write_off)),
        status=row.status,
        updated_at_date_time=row.updated_at_date_time,
    )


def _with_allocation(budget: PooledBudget, details: BudgetDetails | None) -> PooledBudget:
    amounts = [row.amount for row in details.entitlements if row.amount is not None] if details else []
    if not amounts:
        return budget
    return replace(budget, allocated=_cents(sum(amounts, Decimal(0))))


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(_CENT)


def _received(rows: Sequence[Budget]) -> tuple[Received, ...]:
    names = [row.budget_type or row.budget_type_code or "no type" for row in rows]
    found = []
    for name, count in sorted(Counter(names).items()):
        alike = [row for row, its_name in zip(rows, names, strict=True) if its_name == name]
        starts = [row.start_date for row in alike if row.start_date]
        ends = [row.end_date for row in alike if row.end_date]
        found.append(Received(name, count, min(starts, default=None), max(ends, default=None)))
    return tuple(found)
