"""Records as people call them: a budget by its quarter, a classification by its level, a draw by its service."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from carefund.domain.quarters import quarter_of
from carefund.domain.wording import write_day
from carefund.plain_numbers import is_whole
from carefund.records.care_recipient.client_list import ONGOING
from carefund.records.models import BudgetUsage, Change, Classification, IndividualContribution, PlanBudget
from carefund.records.models.columns import FieldType
from carefund.sync.change_log.record_kinds import CONTRACT_KINDS, LoggedKind, kind_of

_TIERED = ("AT", "HM")


def name_record(change: Change, row: Any) -> str:
    """What a change is about; `row` is the stored record, or one that holds what the change's key says."""
    kind = kind_of(change.kind)
    if change.kind in CONTRACT_KINDS:
        return _name_of_contract(kind, change.key)
    if isinstance(row, PlanBudget) and row.pk is not None:
        return name_budget(row)
    if isinstance(row, IndividualContribution):
        start = row.effective_date_from
        return f"Individual contribution{f' from {write_day(start)}' if start else ''}"
    if isinstance(row, Classification):
        return name_level(row)
    text = str(getattr(row, "service_text", "") or getattr(row, "description", "") or getattr(row, "item_code", ""))
    if isinstance(row, BudgetUsage) and row.pk is not None:
        text = text or "A service"
        return f"{text} on {write_day(row.delivery_date)}" if row.delivery_date else text
    return text or _name_by_key(kind, change.key)


def name_budget(budget: PlanBudget) -> str:
    """A budget as people call it: its kind and its quarter, or its kind and dates."""
    kind = budget.budget_type or budget.budget_type_code or "Budget"
    start, end = budget.start_date, budget.end_date
    if start is None:
        return kind
    quarter = quarter_of(start)
    if start == quarter.start_date and end == quarter.end_date:
        return f"{kind}, {quarter.name}"
    return f"{kind}, {write_day(start)} to {write_day(end)}" if end else f"{kind}, from {write_day(start)}"


def name_level(classification: object) -> str:
    """One classification in a few words: its level, with its kind unless that is the ongoing one."""
    held = str(getattr(classification, "level", "") or "")
    code = str(getattr(classification, "code", "") or "")
    kind = str(getattr(classification, "type", "") or code or "Unnamed classification")
    if code == ONGOING and held.startswith("HCP"):
        return f"Home Care Package level {held.removeprefix('HCP')}"
    if is_whole(held) and code in (ONGOING, ""):
        return f"Level {held}"
    if code in _TIERED:
        held = held.lower()
    elif code:
        held = ""
    return f"{kind} {held}".strip()


def _name_of_contract(kind: LoggedKind, key: Sequence[str | None]) -> str:
    """A record of an NDIS contract: its category and funding period, and the plan."""
    plan, category, period = (*key, None, None, None)[:3]
    name = kind.one[:1].upper() + kind.one[1:]
    if category:
        name += f" {category}"
    if period:
        name += f" from {_write_day(period)}"
    return f"{name}{',' if category else ' of the'} PACE plan from {_write_day(plan)}" if plan else name


def _name_by_key(kind: LoggedKind, key: Sequence[str | None]) -> str:
    """A record of which no more is known than its key: what it is, and the key's parts."""
    label = kind.one[:1].upper() + kind.one[1:]
    if kind.record_set is None:
        return label if kind.model else " ".join([label, *(part for part in key if part)])
    named = {name: kind.write(name, part) for name, part in kind.key_parts(key) if part}
    codes = " ".join(text for name, text in named.items() if kind.type_of(name) is not FieldType.DATE)
    start = next((text for name, text in named.items() if kind.type_of(name) is FieldType.DATE), "")
    return " ".join(filter(None, [label, codes])) + (f" from {start}" if start else "")


def _write_day(text: str) -> str:
    try:
        return write_day(date.fromisoformat(text))
    except ValueError:
        return text
