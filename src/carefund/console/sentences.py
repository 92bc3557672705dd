"""The change log in plain sentences: one sentence for one change, or for several that belong together.

"Level rose from 5 to 6 on 3 May 2026; 2,104.33 more until 30 June 2026." No page and no writing lives here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any

from django.db.models import QuerySet

from carefund.console.templatetags.words import name_level, read_dates, write_day, write_money
from carefund.domain.quarters import quarter_of
from carefund.records.models import BudgetUsage, Change, Classification, PlanBudget
from carefund.sync import recordsets

_AMOUNTS = {"total", "available", "used", "write_off", "rollover_deduction", "amount"}
_MOVEMENTS = ("total", "used", "write_off", "rollover_deduction")
_FEW = 3  # beyond which records that came or went together are counted and not named
_CAME_OR_WENT = {
    Change.NEW: "are new",
    Change.NO_LONGER_RETURNED: "are no longer returned by the funder; they are kept here and marked",
    Change.REMOVED: "were replaced",
    Change.RETURNED_AGAIN: "are returned by the funder again",
}
_STAMPS = {"updated_at_date_time", "created_at_date_time"}  # when the funder wrote, not what it wrote
_LABELS = {each.kind: each.label for each in recordsets.RECORD_SETS} | {"plan": "Plan", "client": "Client"}
_GOOD, _BAD, _PLAIN = "good", "bad", "plain"
_FEW = 3  # beyond which records that came or went together are counted and not named
_CAME_OR_WENT = {
    Change.NEW: "are new",
    Change.NO_LONGER_RETURNED: "are no longer returned by the funder; they are kept here and marked",
    Change.REMOVED: "were replaced",
    Change.RETURNED_AGAIN: "are returned by the funder again",
}
_STAMPS = {"created_at_date_time", "updated_at_date_time"}  # the funder's book-keeping: no news to anybody
_MANY_LINES = 3


@dataclass(frozen=True, slots=True)
class Sentence:
    """What to read, the newest change that it tells, and its colour: good, bad or plain."""

    change: Change
    text: str
    tone: str = _PLAIN


class _Known:
    """The rows that changes speak of, by client and natural key: one query per kind that occurs."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._rows: dict[tuple[str, int, str], Any] = {}
        for kind in (recordsets.BUDGETS, recordsets.CLASSIFICATIONS, recordsets.APPROVED_SERVICES):
            self._read(kind, changes)
        self._read(recordsets.SUPPLEMENTS, changes)
        self._read(recordsets.BUDGET_USAGE, changes)

    def _read(self, kind: recordsets.RecordSet, changes: Sequence[Change]) -> None:
        of_kind = {"budgets", "entitlements"} if kind is recordsets.BUDGETS else {kind.kind}
        clients = {change.client_id for change in changes if change.kind in of_kind}
        if not clients:
            return
        rows: QuerySet[Any] = kind.model._default_manager.filter(client_id__in=clients).order_by("id")
        if kind is recordsets.BUDGET_USAGE:
            told = [change.record.split(" · ") for change in changes if change.kind == kind.kind]
            rows = rows.filter(invoice_id__in={part for parts in told for part in parts[1:2]})
            rows = rows.select_related("plan_budget")
        key = tuple(kind.key)
        for row in rows:
            values = tuple(getattr(row, name) for name in key)
            name = kind.name_of((row.plan_budget.budget_id, *values) if kind.is_child else values)
            self._rows[kind.kind, row.client_id, name] = row

    def budget(self, client_id: int, budget_id: str) -> Any:
        return self._rows.get(("budgets", client_id, budget_id))

    def find(self, change: Change) -> Any:
        return self._rows.get((change.kind, change.client_id, change.record))


def write_sentences(changes: Iterable[Change]) -> list[Sentence]:
    """Sentences for changes in the order given; those of one person from one sync may become fewer."""
    rows = [change for change in changes if change.field not in _STAMPS]
    known = _Known(rows)
    sentences = []
    for _, group in groupby(rows, key=lambda change: (change.client_id, change.fetched_at)):
        sentences.extend(_write_group(list(group), known))
    return sentences


def _write_group(changes: list[Change], known: _Known) -> list[Sentence]:
    """The changes of one person from one sync: the level, each budget, what came or went in numbers, and the rest."""
    told: set[int] = set()
    sentences = []
    for tell in (_tell_level, _tell_budgets, _tell_many):
        for sentence, numbers in tell([change for change in changes if change.pk not in told], known):
            sentences.append(sentence)
            told |= numbers
    sentences.extend(_write_one(change, known) for change in changes if change.pk not in told)
    return sentences


_Told = Iterator[tuple[Sentence, set[int]]]


def _tell_level(changes: list[Change], known: _Known) -> _Told:
    """A level that ended and another that began in one sync, with what that did to the budget's total."""
    begun = ended = None
    for change in changes:
        row = known.find(change)
        if change.kind != "classifications" or not isinstance(row, Classification) or not row.level.isdigit():
            continue
        if change.action == Change.NEW:
            begun = (change, row)
        elif change.field == "end_date" and change.after:
            ended = (change, row)
    if begun is None or ended is None or begun[1].level == ended[1].level or begun[1].start_date is None:
        return
    rose = int(begun[1].level) > int(ended[1].level)
    verb = "rose" if rose else "fell"
    text = f"Level {verb} from {ended[1].level} to {begun[1].level} on {write_day(begun[1].start_date)}"
    told = {change.pk for change in changes if change.record in (begun[0].record, ended[0].record)}
    for change in changes:
        budget = known.find(change)
        difference = _difference(change)
        if change.kind == "budgets" and change.field == "total" and difference and isinstance(budget, PlanBudget):
            told |= {other.pk for other in changes if other.kind == "entitlements" and _is_of(other, change)}
            told |= {other.pk for other in changes if other.record == change.record and _moves_alike(other, difference)}
            text += f"; {write_money(abs(difference))} {'more' if difference > 0 else 'less'}"
            text += f" until {write_day(budget.end_date)}" if budget.end_date else ""
            break
    yield Sentence(begun[0], f"{text}.", _GOOD if rose else _BAD), told


def _moves_alike(change: Change, difference: Decimal) -> bool:
    return change.field in ("total", "available") and _difference(change) == difference


def _is_of(child: Change, budget: Change) -> bool:
    """Whether an entitlement or a draw hangs on a budget, by the budget's id at the head of its name."""
    return child.record.split(" · ")[0] == budget.record


def _tell_budgets(changes: list[Change], known: _Known) -> _Told:
    """What was drawn from a budget and what that leaves, as one sentence per budget."""
    for change in changes:
        difference = _difference(change)
        if change.kind != "budgets" or change.field != "available" or difference is None:
            continue
        draws = [
            other
            for other in changes
            if other.kind == "budget_usage" and other.action == Change.NEW and _is_of(other, change)
        ]
        fields = [other for other in changes if other.kind == "budgets" and other.record == change.record]
        movements = [_write_movement(other) for other in fields if other.field in _MOVEMENTS]
        what = [_write_draws(draws, known)] if draws else [each for each in movements if each]
        name = _name(change, known.find(change))
        left = f"{write_money(Decimal(change.after or 0))} left"
        text = f"{name}: {'; '.join([*what, left])}" if what else f"{name}: {left}, {_by(difference)}"
        told = {other.pk for other in fields if other.field in {*_MOVEMENTS, "available"}} | {each.pk for each in draws}
        if not draws:
            told -= {other.pk for other in fields if other.field == "used" and not _write_movement(other)}
        yield Sentence(change, f"{text}.", _PLAIN if draws else _GOOD if difference > 0 else _BAD), told


def _tell_many(changes: list[Change], known: _Known) -> _Told:
    """Many records of one kind that came or went together, as their number."""
    alike: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        if change.action in _CAME_OR_WENT and not change.field:
            alike.setdefault((change.kind, change.action), []).append(change)
    for (kind, action), group in alike.items():
        if len(group) > _FEW:
            what = _LABELS.get(kind, kind.replace("_", " ")).lower()
            what += "" if what.endswith(("s", "usage")) else "s"
            text = f"{len(group)} {what} {_CAME_OR_WENT[action]}."
            yield (
                Sentence(group[0], text, _BAD if action == Change.NO_LONGER_RETURNED else _PLAIN),
                {change.pk for change in group},
            )


def _by(difference: Decimal) -> str:
    return f"{write_money(abs(difference))} {'more' if difference > 0 else 'less'}"


def _write_movement(change: Change) -> str:
    difference = _difference(change)
    if not difference:
        return ""
    if change.field == "total":
        return f"total {'rose' if difference > 0 else 'fell'} by {write_money(abs(difference))}"
    return f"{change.field.replace('_', ' ')} {write_money(abs(Decimal(change.after or 0)))}"


def _write_draws(draws: list[Change], known: _Known) -> str:
    rows = [row for row in map(known.find, draws) if isinstance(row, BudgetUsage)]
    amount = sum((abs(row.amount) for row in rows if row.amount is not None), Decimal("0.00"))
    if len(rows) == 1:
        return _new_use(_name(draws[0], rows[0]), rows[0])
    others = sum(1 for row in rows if row.invoice_line_item_id is None)
    by = f", {others} of them by other providers" if others else ""
    return f"{write_money(amount)} drawn in {len(rows) or len(draws)} lines{by}"


def _write_one(change: Change, known: _Known) -> Sentence:
    row = known.find(change)
    name = _name(change, row)
    if change.action == Change.NEW:
        return Sentence(change, f"{_NEW.get(change.kind, _new_record)(name, row)}.", _PLAIN)
    if change.action == Change.NO_LONGER_RETURNED:
        return Sentence(change, f"{name} is no longer returned by the funder; it is kept here and marked.", _BAD)
    if change.action == Change.RETURNED_AGAIN and not change.field:
        return Sentence(change, f"{name} is returned by the funder again.", _GOOD)
    if change.action == Change.REMOVED:
        return Sentence(change, f"{name} was replaced.", _PLAIN)
    return _changed_field(change, name)


def _changed_field(change: Change, name: str) -> Sentence:
    label = change.field.replace("_", " ")
    difference = _difference(change)
    if change.field in _AMOUNTS and difference is not None:
        before, after = Decimal(change.before or 0), Decimal(change.after or 0)
        lowering = change.field in ("used", "write_off", "rollover_deduction")
        if lowering:
            before, after = abs(before), abs(after)
        verb = "rose" if after > before else "fell"
        text = f"{name}: {label} {verb} from {write_money(before)} to {write_money(after)}."
        return Sentence(change, text, _PLAIN if lowering else _GOOD if after > before else _BAD)
    if change.field == "end_date":
        ends = f"now ends on {_read(change.after)}" if change.after else "no longer has an end date"
        return Sentence(change, f"{name} {ends}{f' (was {_read(change.before)})' if change.before else ''}.")
    if not change.before:
        return Sentence(change, f"{name}: {label} is now {_read(change.after)}.")
    if not change.after:
        return Sentence(change, f"{name}: {label} is no longer given (was {_read(change.before)}).")
    return Sentence(change, f"{name}: {label} changed from {_read(change.before)} to {_read(change.after)}.")


def _difference(change: Change) -> Decimal | None:
    """How much an amount moved, None if this is no change from one amount to another."""
    if change.field not in _AMOUNTS or change.before is None or change.after is None:
        return None
    try:
        return Decimal(change.after) - Decimal(change.before)
    except InvalidOperation:
        return None


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


def _name(change: Change, row: Any) -> str:
    if isinstance(row, PlanBudget):
        return name_budget(row)
    if isinstance(row, Classification):
        return name_level(row)
    if isinstance(row, BudgetUsage):
        service = row.description or row.item_code or "A service"
        return f"{service} on {write_day(row.delivery_date)}" if row.delivery_date else service
    text = str(getattr(row, "service_text", "") or getattr(row, "description", "") or "")
    if text:
        return text
    label = _LABELS.get(change.kind, change.kind.replace("_", " ").capitalize())
    return f"{label} {_read(change.record)}" if change.record and change.kind not in ("plan", "client") else label


def _new_budget(name: str, row: Any) -> str:
    total = getattr(row, "total", None)
    return f"New budget: {name}{f', {write_money(total)} in total' if total is not None else ''}"


def _new_dated(word: str) -> Callable[[str, Any], str]:
    def write(name: str, row: Any) -> str:
        start: date | None = getattr(row, "start_date", None)
        return f"{word}: {name}{f', from {write_day(start)}' if start else ''}"

    return write


def _new_use(name: str, row: Any) -> str:
    amount = getattr(row, "amount", None)
    if amount is None:
        return f"Drawn from a budget: {name}"
    by = "" if row.invoice_line_item_id else " by another provider"
    return f"{write_money(abs(amount))} drawn{by} for {name}"


def _new_record(name: str, row: Any) -> str:
    return f"New: {name}"


_NEW: dict[str, Callable[[str, Any], str]] = {
    "budgets": _new_budget,
    "classifications": _new_dated("New classification"),
    "approved_services": _new_dated("New approved service"),
    "supplements": _new_dated("New supplement"),
    "budget_usage": _new_use,
}


def _read(text: str | None) -> str:
    return read_dates(text or "")
