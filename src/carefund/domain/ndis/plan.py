"""A PACE plan and its budgets in our own neutral words, whatever back end told us; and its form as plain data.

Amounts are as the NDIA reports them. They may be negative, absent or not add up, and are never recomputed.
Source: rules NDIS-05, NDIS-06 and NDIS-08.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

from carefund.domain.ndis.categories import CHOICE_AND_CONTROL, normalised
from carefund.domain.periods import Period


class Management(StrEnum):
    """Who pays the bills of a budget; may differ from category to category in one plan."""

    PLAN = "Plan-managed"
    SELF = "Self-managed"
    AGENCY = "Agency-managed"
    UNKNOWN = "Unknown"


class BudgetType(StrEnum):
    """Whether money may move between categories."""

    FLEXIBLE = "Flexible"
    STATED = "Stated"
    UNKNOWN = "Unknown"


_FIRST_WORD = re.compile(r"[a-z]+")
_BRACKETS = re.compile(r"\(([^()]*)\)")
_MANAGEMENT = {
    "plan": Management.PLAN,
    "self": Management.SELF,
    "agency": Management.AGENCY,
    "ndia": Management.AGENCY,
    "ndis": Management.AGENCY,
}


def read_management(text: str, component_name: str = "") -> Management:
    """Who manages, by the first word of the text; if that says nothing, by the brackets in the component's name."""
    for candidate in (text, *_BRACKETS.findall(component_name)):
        word = _FIRST_WORD.search(candidate.casefold())
        if word and word[0] in _MANAGEMENT:
            return _MANAGEMENT[word[0]]
    return Management.UNKNOWN


def read_budget_type(text: str, component_name: str = "") -> BudgetType:
    """Flexible or Stated, from the text or else from the component's name."""
    for candidate in (text, component_name):
        for kind in (BudgetType.FLEXIBLE, BudgetType.STATED):
            if kind.casefold() in candidate.casefold():
                return kind
    return BudgetType.UNKNOWN


@dataclass(frozen=True, slots=True)
class PacePeriod(Period):
    """A stretch of the plan with money of its own; both dates are always known."""

    start_date: date
    end_date: date
    amount: Decimal | None = None
    released_amount: Decimal | None = None
    spent_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CategoryBudget:
    """The money for one category. `category_number` is empty when the text is not known; the text is always kept."""

    category_text: str
    category_number: str
    category_name: str
    support_type: str
    budget_type: BudgetType
    management: Management
    component_name: str = ""
    instalment_type: str = ""
    start_date: date | None = None
    end_date: date | None = None
    approved_amount: Decimal | None = None
    released_amount: Decimal | None = None
    spent_amount: Decimal | None = None
    remaining_amount: Decimal | None = None
    stated_items: tuple[str, ...] = ()
    periods: tuple[PacePeriod, ...] = ()

    @property
    def category_key(self) -> str:
        """What tells one category from another: its number, or its text where that is unknown."""
        return self.category_number or f"text {normalised(self.category_text)}"

    @property
    def is_excluded(self) -> bool:
        return is_excluded(self.management, self.support_type)

    @property
    def is_choice_and_control(self) -> bool:
        return self.category_number == CHOICE_AND_CONTROL


def is_excluded(management: str, support_type: str = "") -> bool:
    """Whether a category stays out of the contract's totals: what we neither pay nor claim.

    Source: rule NDIS-12.
    """
    return management in (Management.SELF, Management.AGENCY) or support_type == "Recurring"


@dataclass(frozen=True, slots=True)
class PacePlan:
    """What the three calls said about one participant. Names no person. `participant_plan_id` is "0" on PACE."""

    participant_plan_id: str
    start_date: date
    end_date: date | None
    first_start_date: date | None
    budgets: tuple[CategoryBudget, ...]
    released_amount: Decimal | None = None
    spent_amount: Decimal | None = None
    remaining_amount: Decimal | None = None
    notices: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The same for the same facts: how a preview notices that they moved. 64 hexadecimal digits."""
        facts = to_data(self)
        del facts["notices"]
        return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def budget_ids(budgets: Iterable[CategoryBudget]) -> list[str]:
    """An id for each budget within its plan, made of what it is; exact duplicates are told apart by order."""
    found: list[str] = []
    for budget in budgets:
        base = f"{budget.category_key}-{budget.budget_type}-{budget.management}".casefold().replace(" ", "_")
        duplicates = sum(budget_id.partition("~")[0] == base for budget_id in found)
        found.append(f"{base}~{duplicates + 1}" if duplicates else base)
    return found


def to_data(plan: PacePlan) -> dict[str, Any]:
    """A plan as texts, lists and mappings, for JSON. Amounts become texts, so that no cent is lost."""
    data = _plain(asdict(plan))
    assert isinstance(data, dict)
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | StrEnum) else value


def from_data(data: Mapping[str, Any]) -> PacePlan:
    """The plan that `to_data` made this of."""
    budgets = tuple(_budget(budget) for budget in data["budgets"])
    rest = {name: value for name, value in data.items() if name not in ("budgets", "notices")}
    return PacePlan(budgets=budgets, notices=tuple(data["notices"]), **_typed(rest))


def _budget(data: Mapping[str, Any]) -> CategoryBudget:
    apart = ("periods", "stated_items", "budget_type", "management")
    return CategoryBudget(
        budget_type=BudgetType(data["budget_type"]),
        management=Management(data["management"]),
        stated_items=tuple(data["stated_items"]),
        periods=tuple(PacePeriod(**_typed(period)) for period in data["periods"]),
        **_typed({name: value for name, value in data.items() if name not in apart}),
    )


def _typed(data: Mapping[str, Any]) -> dict[str, Any]:
    """Texts back into dates and amounts, by the name of the member."""
    readers: dict[str, Callable[[str], Any]] = {"date": date.fromisoformat, "amount": Decimal}
    return {
        name: value if value is None else readers.get(name.rsplit("_", 1)[-1], str)(value)
        for name, value in data.items()
    }


PERIOD_FIELDS = tuple(field.name for field in fields(PacePeriod))
