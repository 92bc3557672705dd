"""Care management: which budgets are a quarter's pool, who draws on it, and adding pools up without counting twice.

The pool belongs to a service provider id (a branch), not to a person. What may be lost at the end of a financial year
is in carry_over.py. Nothing here fetches or stores.
Source: rules SYNC-10, SAH-08 and SAH-09.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal

from carefund.domain.care_management.carry_over import Estimate
from carefund.domain.care_recipient.budgets import is_closed
from carefund.domain.quarters import Quarter

CODE = "CM"
NAME = "Care management"


@dataclass(frozen=True, slots=True)
class PooledBudget:
    """One pooled budget as the funder reported it; amounts in dollars, signs as received.

    `allocated` is the sum of its entitlements (what is new money in this quarter), None where that is not known.
    """

    budget_id: str
    service_provider_id: str = ""
    budget_type_code: str = ""
    budget_type: str = ""
    start_date: date | None = None
    end_date: date | None = None
    total: Decimal | None = None
    used: Decimal | None = None
    available: Decimal | None = None
    rollover_deduction: Decimal | None = None
    write_off: Decimal | None = None
    status: str = ""
    allocated: Decimal | None = None
    updated_at_date_time: str = ""


@dataclass(frozen=True, slots=True)
class PooledUse:
    """What was drawn for one person (negative, as received); an empty id: lines that name nobody."""

    care_recipient_id: str
    amount: Decimal
    lines: int


@dataclass(frozen=True, slots=True)
class Pool:
    """What the funder said of one service provider id's care management in one quarter, and when it was asked."""

    service_provider_id: str
    quarter: Quarter
    asked_at: datetime
    budgets: tuple[PooledBudget, ...] = ()
    uses: tuple[PooledUse, ...] = ()
    estimate: Estimate | None = None
    unread_details: int = 0


def is_care_management(budget_type_code: str, budget_type: str) -> bool:
    """Whether a budget is a care management pool: by its code, or by its text in whatever case and spacing."""
    words = " ".join(budget_type.replace("-", " ").casefold().split())
    return budget_type_code.strip().upper() == CODE or words == NAME.casefold()


def choose_budgets(budgets: Iterable[PooledBudget], quarter: Quarter) -> tuple[PooledBudget, ...]:
    """The care management budgets that share a day with the quarter, each id once, by start date.

    A budget that only overlaps the quarter counts: its money can be used in it. A missing date reaches on for ever.
    Of one id told twice, the later update counts.
    """
    chosen: dict[str, PooledBudget] = {}
    for budget in budgets:
        if is_care_management(budget.budget_type_code, budget.budget_type) and quarter.overlaps(
            budget.start_date, budget.end_date
        ):
            known = chosen.get(budget.budget_id)
            if known is None or budget.updated_at_date_time >= known.updated_at_date_time:
                chosen[budget.budget_id] = budget
    return tuple(sorted(chosen.values(), key=lambda row: (row.start_date or date.min, row.budget_id)))


def split_closed(budgets: Iterable[PooledBudget]) -> tuple[tuple[PooledBudget, ...], tuple[PooledBudget, ...]]:
    """The active budgets and the closed ones. While a quarter lasts only the active ones are its pool.

    Source: rule SYNC-10.
    """
    rows = list(budgets)
    return tuple(row for row in rows if not is_closed(row.status)), tuple(row for row in rows if is_closed(row.status))


def add_up_uses(lines: Iterable[tuple[str, Decimal | None]]) -> tuple[PooledUse, ...]:
    """Usage lines (care recipient id, amount) as one amount per person: who drew most first, nobody's lines last."""
    sums: dict[str, tuple[Decimal, int]] = {}
    for care_recipient_id, amount in lines:
        before, count = sums.get(care_recipient_id, (Decimal(0), 0))
        sums[care_recipient_id] = (before + (amount or Decimal(0)), count + 1)
    uses = [PooledUse(care_recipient_id, amount, count) for care_recipient_id, (amount, count) in sums.items()]
    return tuple(sorted(uses, key=lambda use: (not use.care_recipient_id, use.amount, use.care_recipient_id)))


@dataclass(frozen=True, slots=True)
class Sums:
    """The five metrics added up; None where no budget gave one."""

    total: Decimal | None
    used: Decimal | None
    available: Decimal | None
    rollover_deduction: Decimal | None
    write_off: Decimal | None


METRICS = tuple(metric.name for metric in fields(Sums))


@dataclass(frozen=True, slots=True)
class RollUp:
    """Pools of several service provider ids as one, and split back: `parts` add up to `sums` exactly.

    `repeated_budget_ids` came more than once and were counted once, for the id that the funder wrote on the budget.
    """

    sums: Sums
    parts: dict[str, Sums]
    repeated_budget_ids: tuple[str, ...] = field(default=())


def add_up(budgets: Iterable[PooledBudget]) -> Sums:
    """The five metrics of some budgets, added up."""
    rows = list(budgets)
    return Sums(*(_sum([getattr(row, name) for row in rows]) for name in METRICS))


def roll_up(pools: Sequence[Pool]) -> RollUp:
    """Several ids' pools as one, no budget counted twice, whichever answers it came in and however often.

    A budget that came in another id's answer belongs to the id written on it, if that id is asked about as well.
    """
    asked = {pool.service_provider_id: pool for pool in sorted(pools, key=lambda pool: pool.asked_at)}
    owners: dict[str, str] = {}
    newest: dict[str, PooledBudget] = {}
    repeated: dict[str, None] = {}
    for pool in asked.values():
        for budget in pool.budgets:
            if budget.budget_id in newest:
                repeated[budget.budget_id] = None
            newest[budget.budget_id] = budget
            written = budget.service_provider_id
            owner = written if written in asked else pool.service_provider_id
            if budget.budget_id not in owners or owner == written:
                owners[budget.budget_id] = owner
    parts = {
        service_provider_id: add_up(row for key, row in newest.items() if owners[key] == service_provider_id)
        for service_provider_id in sorted(asked)
    }
    return RollUp(add_up(newest.values()), parts, tuple(repeated))


@dataclass(frozen=True, slots=True)
class MetricChange:
    """One figure before and after; `change` is None where either is unknown."""

    name: str
    before: Decimal | None
    after: Decimal | None

    @property
    def change(self) -> Decimal | None:
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True, slots=True)
class BudgetChange:
    """One budget between two saves: "new", "gone", "changed" or "same", with its five figures."""

    budget_id: str
    what: str
    metrics: tuple[MetricChange, ...]


def compare_pools(before: Pool, after: Pool) -> tuple[BudgetChange, ...]:
    """What moved between two snapshots of a pool, budget by budget, in the order of the later one."""
    old = {budget.budget_id: budget for budget in before.budgets}
    new = {budget.budget_id: budget for budget in after.budgets}
    changes = []
    for budget_id in [*new, *(old_id for old_id in old if old_id not in new)]:
        first, second = old.get(budget_id), new.get(budget_id)
        metrics = tuple(
            MetricChange(name, getattr(first, name) if first else None, getattr(second, name) if second else None)
            for name in METRICS
        )
        if first is None or second is None:
            what = "new" if first is None else "gone"
        else:
            what = "changed" if any(metric.before != metric.after for metric in metrics) else "same"
        changes.append(BudgetChange(budget_id, what, metrics))
    return tuple(changes)


def says_the_same(one: Pool, other: Pool) -> bool:
    """Whether two snapshots hold the same budgets and uses, whenever they were asked for."""
    return set(one.budgets) == set(other.budgets) and set(one.uses) == set(other.uses)


def _sum(amounts: list[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal("0.00")) if known else None
