"""Refresh: ask Services Australia for service provider ids' pools of a quarter. Nothing is stored here; Save does that.

Source: rule SYNC-10.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Protocol

from carefund.domain.care_management.carry_over import Estimate, estimate_loss
from carefund.domain.care_management.pools import (
    Pool,
    PooledBudget,
    add_up_uses,
    choose_budgets,
    is_care_management,
    split_closed,
)
from carefund.domain.quarters import Quarter, previous_quarter, quarter_of
from carefund.funders.answers import FunderAnswer
from carefund.funders.errors.answers import ImpossibleValue
from carefund.funders.errors.people import ConsentMissing, NotFound
from carefund.funders.errors.root import Detail, FunderError
from carefund.funders.services_australia.payloads import Budget, BudgetDetails
from carefund.funders.unreadable import UnreadableRow

_CENT = Decimal("0.01")
NO_DATA = "Services Australia returned no care management budget for this quarter."
NO_DATA_ADVICE = "Check that the Service Provider ID is correct, then try again."


class PoolSource(Protocol):
    """What a refresh asks of the funder's client."""

    async def fetch_service_provider_budgets(
        self, service_provider_id: str
    ) -> FunderAnswer[Sequence[Budget | UnreadableRow]]: ...

    async def fetch_budget_details(self, budget_id: str, *, pooled: bool) -> FunderAnswer[BudgetDetails]: ...


@dataclass(frozen=True, slots=True)
class ReturnedBudgets:
    """How many budgets of one type came back, over which period; what is shown when none of them counts."""

    budget_type: str
    count: int
    start_date: date | None
    end_date: date | None


@dataclass(frozen=True, slots=True)
class PoolProblem:
    """Why an id could not be asked; `details` are the funder's own words."""

    code: str
    message: str
    advice: str
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class Refreshed:
    """One id's answer: the pool and what came back by type, or the problem. `is_empty`: answered, nothing counts.

    `closed` are budgets of the quarter that are closed already: shown, but neither counted nor kept.
    `ended` are the pools of the quarters just ended, from the same answer: what is rolled over or written off shows
    only after a quarter's end, so the history would miss it.
    """

    pool: Pool
    ended: tuple[Pool, ...] = ()
    received: tuple[ReturnedBudgets, ...] = ()
    problem: PoolProblem | None = None
    closed: tuple[PooledBudget, ...] = ()

    @property
    def to_save(self) -> tuple[Pool, ...]:
        """What Save keeps: the quarter's pool and those of the quarters just ended, as far as they hold anything."""
        return tuple(pool for pool in (self.pool, *self.ended) if pool.budgets)

    @property
    def is_empty(self) -> bool:
        return self.problem is None and not self.pool.budgets


async def refresh_pools(source: PoolSource, service_provider_ids: Sequence[str], today: date) -> list[Refreshed]:
    """Each id's pool in the quarter of `today`; an id that cannot be asked is told as a problem, others still count."""
    return list(
        await asyncio.gather(*(_refresh(source, fromkey, today) for fromkey in dict.fromkeys(service_provider_ids)))
    )


async def _refresh(source: PoolSource, service_provider_id: str, today: date) -> Refreshed:
    quarter, asked_at = quarter_of(today), datetime.now(UTC)
    try:
        answer = await source.fetch_service_provider_budgets(service_provider_id)
        budgets_read = _leave_out_people(answer)
        received = _count_by_type(budgets_read)
        rows = [_pooled(row) for row in budgets_read]
        chosen = {
            wanted_quarter: choose_budgets(rows, wanted_quarter) for wanted_quarter in (quarter, *_just_ended(quarter))
        }
        chosen[quarter], closed = split_closed(chosen[quarter])
        ids = dict.fromkeys(row.budget_id for budgets in chosen.values() for row in budgets)
        details = await asyncio.gather(*(_fetch_details(source, budget_id) for budget_id in ids))
    except FunderError as error:
        return Refreshed(
            Pool(service_provider_id, quarter, asked_at),
            problem=PoolProblem(error.code, error.message, error.advice, error.details),
        )
    read = {detail.budget_id: detail for detail in details if detail is not None}
    pool, *ended = (
        _pool(Pool(service_provider_id, chosen_quarter, asked_at), budgets, read)
        for chosen_quarter, budgets in chosen.items()
    )
    if pool.budgets:
        pool = replace(pool, estimate=_estimate([row for row in rows if row not in closed], read, today))
    return Refreshed(pool, tuple(ended_pool for ended_pool in ended if ended_pool.budgets), received, closed=closed)


def _leave_out_people(answer: FunderAnswer[Sequence[Budget | UnreadableRow]]) -> list[Budget]:
    """The budgets that can be read. One that cannot is left out if it is a person's own; raises ImpossibleValue for one
    that may be a pool."""
    found = []
    for row in answer.value:
        if not isinstance(row, UnreadableRow):
            found.append(row)
        elif not row.care_recipient_id or _may_be_pool(row):
            raise ImpossibleValue(row.fault, operation=answer.operation)
    return found


def _may_be_pool(row: UnreadableRow) -> bool:
    code, name = row.find_text("budget_type_code"), row.find_text("budget_type")
    return code is None or name is None or is_care_management(code, name)


def _just_ended(quarter: Quarter) -> tuple[Quarter, Quarter]:
    """The last two quarters: claims and adjustments of a quarter go on for months after its end."""
    last = previous_quarter(quarter)
    return last, previous_quarter(last)


def _pool(empty: Pool, chosen: Sequence[PooledBudget], details: dict[str, BudgetDetails]) -> Pool:
    """A quarter's pool with what the details add: allocations and who used it."""
    read = {row.budget_id: details[row.budget_id] for row in chosen if row.budget_id in details}
    lines = [(line.care_recipient_id, _cents(line.amount)) for detail in read.values() for line in detail.usage]
    return replace(
        empty,
        budgets=tuple(_with_allocation(row, read.get(row.budget_id)) for row in chosen),
        uses=add_up_uses(lines),
        unread_details=len(chosen) - len(read),
    )


def _estimate(rows: Sequence[PooledBudget], details: dict[str, BudgetDetails], today: date) -> Estimate | None:
    """The forecast from every pooled budget of the answer, each once."""
    pools = {
        row.budget_id: _with_allocation(row, details.get(row.budget_id))
        for row in rows
        if is_care_management(row.budget_type_code, row.budget_type)
    }
    return estimate_loss(pools.values(), today)


async def _fetch_details(source: PoolSource, budget_id: str) -> BudgetDetails | None:
    """A budget's entitlements and usage; None where the funder does not show them, which costs the budget nothing."""
    try:
        return (await source.fetch_budget_details(budget_id, pooled=True)).value
    except (ConsentMissing, NotFound):
        return None


def _pooled(row: Budget) -> PooledBudget:
    return PooledBudget(
        budget_id=row.budget_id,
        service_provider_id=row.service_provider_id,
        budget_type_code=row.budget_type_code,
        budget_type=row.budget_type,
        start_date=row.start_date,
        end_date=row.end_date,
        total=_cents(row.total),
        used=_cents(row.used),
        available=_cents(row.available),
        rollover_deduction=_cents(row.rollover_deduction),
        write_off=_cents(row.write_off),
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


def _count_by_type(rows: Sequence[Budget]) -> tuple[ReturnedBudgets, ...]:
    names = [row.budget_type or row.budget_type_code or "no type" for row in rows]
    found = []
    for name, count in sorted(Counter(names).items()):
        alike = [row for row, its_name in zip(rows, names, strict=True) if its_name == name]
        starts = [row.start_date for row in alike if row.start_date]
        ends = [row.end_date for row in alike if row.end_date]
        found.append(ReturnedBudgets(name, count, min(starts, default=None), max(ends, default=None)))
    return tuple(found)
