"""What a preview would change, in the words of the other pages: budgets by name, money with its separators and sign."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from carefund.console.change_words import name_budget
from carefund.console.templatetags.words import write_money
from carefund.records.models import Client, PlanBudget
from carefund.sync.results import FieldChange

_AMOUNTS = {"", "amount", "total", "available", "used", "write_off", "rollover_deduction"}  # "": the record's main one
_BY_BUDGET = {"budgets", "entitlements", "budget_usage"}


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One field, or one record that would come or go, as text."""

    kind: str
    action: str
    field: str
    record: str
    before: str | None
    after: str | None


def describe_changes(client: Client, changes: Iterable[FieldChange]) -> list[PreviewLine]:
    """The changes in their order; ids of budgets that are stored become names."""
    names = {budget.budget_id: name_budget(budget) for budget in PlanBudget.objects.filter(client=client)}
    return [
        PreviewLine(
            each.kind,
            each.action,
            each.field,
            _name(each, names),
            _write(each.field, each.before),
            _write(each.field, each.after),
        )
        for each in changes
    ]


def _name(change: FieldChange, names: dict[str, str]) -> str:
    parts = [part for part in change.key if part]
    if parts and change.kind in _BY_BUDGET:
        parts[0] = names.get(parts[0], parts[0])
    return " · ".join(parts)


def _write(field: str, value: str | None) -> str | None:
    if field not in _AMOUNTS or value is None:
        return value
    try:
        return write_money(Decimal(value))
    except InvalidOperation:
        return value
