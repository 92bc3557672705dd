"""A contract against PACE, field by field: which values would change, what is new, what is gone.

Pure: a contract's budgets come as the same shape as PACE's. A category that is gone is only ever flagged; adjustment
records take no part here. Total funding follows from the budgets, so it is shown and never chosen.
Source: rules NDIS-11 and NDIS-12.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

from carefund.domain.ndis.plan import CategoryBudget, PacePeriod, PacePlan

CONTRACT_FIELDS = ("start_date", "end_date", "first_start_date")
BUDGET_FIELDS = (
    "support_type",
    "budget_type",
    "management",
    "component_name",
    "instalment_type",
    "start_date",
    "end_date",
    "approved_amount",
    "released_amount",
    "spent_amount",
    "remaining_amount",
)
PERIOD_VALUES = ("end_date", "amount", "released_amount", "spent_amount")


class DifferenceKind(StrEnum):
    """What a difference would do to the contract when applied."""

    CONTRACT_FIELD = "contract field"
    BUDGET_FIELD = "budget field"
    PERIOD_NEW = "new funding period"
    PERIOD_FIELD = "funding period field"
    PERIOD_GONE = "funding period gone"
    CATEGORY_NEW = "new category"
    CATEGORY_GONE = "category gone"
    CATEGORY_BACK = "category back"


@dataclass(frozen=True, slots=True)
class HeldBudget:
    """A budget as the contract has it. `is_flagged`: PACE did not list it the last time somebody applied.

    `kept_periods`: first days of funding periods that services were delivered in; those stay when PACE drops them.
    """

    id: int
    values: CategoryBudget
    is_flagged: bool = False
    kept_periods: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class HeldContract:
    """A contract as stored. `declined`: category keys that a person left out at creation."""

    start_date: date | None
    end_date: date | None
    first_start_date: date | None
    budgets: tuple[HeldBudget, ...]
    declined: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs. `budget_id` is the contract's row, if there is one; `position` its place in PACE's list.

    `period_start_date` names the funding period it is about. `is_chosen` says whether its tick is set to begin with.
    """

    kind: DifferenceKind
    field: str = ""
    before: Any = None
    after: Any = None
    budget_id: int | None = None
    position: int | None = None
    category_name: str = ""
    period_start_date: date | None = None
    is_chosen: bool = True

    @property
    def id(self) -> str:
        """The same for the same difference, before value and after value included."""
        parts = (self.kind, self.field, self.before, self.after, self.budget_id, self.position, self.period_start_date)
        return sha256(repr([str(part) for part in parts]).encode()).hexdigest()[:16]


def list_values(differences: Iterable[Difference]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differences change, before and after, each under what it is called."""
    before, after = {}, {}
    for difference in differences:
        period = f"period from {difference.period_start_date}" if difference.period_start_date else ""
        what = (difference.field or difference.kind.value).replace("_", " ")
        name = ", ".join(part for part in (difference.category_name or "contract", period, what) if part)
        before[name], after[name] = difference.before, difference.after
    return before, after


@dataclass(frozen=True, slots=True)
class Drift:
    """Money that PACE counts as spent in a category, against what the contract has as delivered."""

    budget_id: int
    category_name: str
    spent_amount: Decimal
    delivered_amount: Decimal

    @property
    def amount(self) -> Decimal:
        return self.spent_amount - self.delivered_amount


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences in reading order, and which of PACE's budgets belongs to which of the contract's."""

    differences: tuple[Difference, ...] = ()
    pairs: tuple[tuple[HeldBudget | None, int | None], ...] = field(default=())

    @property
    def counting(self) -> tuple[Difference, ...]:
        """The differences without those about categories that a person left out on purpose."""
        return tuple(difference for difference in self.differences if difference.is_chosen)


def compare(contract: HeldContract, plan: PacePlan) -> Comparison:
    """What would have to change so that the contract says what PACE says."""
    pairs = tuple(pair(contract.budgets, plan.budgets))
    found = list(_fields(DifferenceKind.CONTRACT_FIELD, contract, plan, CONTRACT_FIELDS))
    for held, position in pairs:
        found.extend(_budget_differences(contract, held, position, plan.budgets))
    return Comparison(tuple(found), pairs)


def pair(
    held: Sequence[HeldBudget], incoming: Sequence[CategoryBudget]
) -> Iterator[tuple[HeldBudget | None, int | None]]:
    """Which belongs to which: the same category, type and management first, then the same category and type, then the
    same category, so that a category that changed hands is one change and not one gone and one new."""
    left_held, left_positions = list(held), list(range(len(incoming)))
    matched: list[tuple[HeldBudget, int]] = []
    for key in (_exact, _same_type, _same_category):
        for budget in list(left_held):
            position = next((p for p in left_positions if key(incoming[p]) == key(budget.values)), None)
            if position is not None:
                matched.append((budget, position))
                left_held.remove(budget)
                left_positions.remove(position)
    yield from sorted(matched, key=lambda matched_pair: matched_pair[1])
    yield from ((None, position) for position in left_positions)
    yield from ((budget, None) for budget in left_held)


def _exact(budget: CategoryBudget) -> tuple[str, ...]:
    return budget.category_key, budget.budget_type, budget.management


def _same_type(budget: CategoryBudget) -> tuple[str, ...]:
    return budget.category_key, budget.budget_type


def _same_category(budget: CategoryBudget) -> tuple[str, ...]:
    return (budget.category_key,)


def _budget_differences(
    contract: HeldContract, held: HeldBudget | None, position: int | None, incoming: Sequence[CategoryBudget]
) -> Iterator[Difference]:
    if position is None:
        if held is not None and not held.is_flagged:
            yield Difference(DifferenceKind.CATEGORY_GONE, budget_id=held.id, category_name=held.values.category_name)
        return
    budget = incoming[position]
    about: dict[str, Any] = {"position": position, "category_name": budget.category_name}
    if held is None:
        chosen = budget.category_key not in contract.declined
        yield Difference(DifferenceKind.CATEGORY_NEW, after=budget.approved_amount, is_chosen=chosen, **about)
        return
    about["budget_id"] = held.id
    if held.is_flagged:
        yield Difference(DifferenceKind.CATEGORY_BACK, **about)
    yield from _fields(DifferenceKind.BUDGET_FIELD, held.values, budget, BUDGET_FIELDS, **about)
    yield from _period_differences(held, budget.periods, about)


def _period_differences(
    held: HeldBudget, incoming: Iterable[PacePeriod], about: dict[str, Any]
) -> Iterator[Difference]:
    before = {period.start_date: period for period in held.values.periods}
    after = {period.start_date: period for period in incoming}
    for start_date in sorted(before.keys() | after.keys()):
        old, new = before.get(start_date), after.get(start_date)
        if old is None and new is not None:
            yield Difference(DifferenceKind.PERIOD_NEW, after=new.amount, period_start_date=start_date, **about)
        elif new is None and old is not None:
            if start_date not in held.kept_periods:
                yield Difference(DifferenceKind.PERIOD_GONE, before=old.amount, period_start_date=start_date, **about)
        else:
            yield from _fields(
                DifferenceKind.PERIOD_FIELD, old, new, PERIOD_VALUES, period_start_date=start_date, **about
            )


def _fields(kind: DifferenceKind, before: Any, after: Any, names: Iterable[str], **about: Any) -> Iterator[Difference]:
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if not _equal(old, new):
            yield Difference(kind, field=name, before=old, after=new, **about)


def _equal(old: Any, new: Any) -> bool:
    """Money is equal to the cent; an absent text is an empty one."""
    if isinstance(old, Decimal) and isinstance(new, Decimal):
        return old.quantize(Decimal("0.01")) == new.quantize(Decimal("0.01"))
    return bool(old == new or (old in ("", None) and new in ("", None) and not isinstance(old, Decimal)))


def find_drift(
    held: Iterable[HeldBudget], delivered: Callable[[int], Decimal], plan: PacePlan, comparison: Comparison
) -> list[Drift]:
    """Where PACE counts more, or less, as spent than the contract has as delivered. `delivered` sums one budget's rows.

    It is a fact to look at, not an error: claims may be under way. Source: rule NDIS-11.
    """
    positions = {budget.id: position for budget, position in comparison.pairs if budget is not None}
    found = []
    for budget in held:
        position = positions.get(budget.id)
        spent = plan.budgets[position].spent_amount if position is not None else None
        if spent is not None and spent != delivered(budget.id):
            found.append(Drift(budget.id, budget.values.category_name, spent, delivered(budget.id)))
    return found
