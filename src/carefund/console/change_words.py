"""One entry of the change log in words, and the rows entries speak of; sentences.py joins what belongs together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import F, QuerySet

from carefund.console.templatetags.words import name_level, read_dates, write_day, write_drawn, write_money
from carefund.domain.budgets import effects_of
from carefund.domain.draws import DrawnBy, who_drew
from carefund.domain.quarters import quarter_of
from carefund.records.models import BudgetUsage, Change, Classification, IndividualContribution, PlanBudget
from carefund.records.own_ids import list_own_service_provider_ids
from carefund.sync import recordsets

_AMOUNTS = {"total", "available", "used", "write_off", "rollover_deduction", "amount"}
LABELS = {each.kind: each.label for each in recordsets.RECORD_SETS} | {"plan": "Plan", "client": "Client"}
_SHARES = {
    "clinical_percentage": "clinical",
    "independence_percentage": "independence",
    "everyday_living_percentage": "everyday living",
}
LOWERING = ("used", "write_off", "rollover_deduction")
GOOD, BAD, PLAIN = "good", "bad", "plain"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What to read, the newest change that it tells, and its colour: good, bad or plain."""

    change: Change
    text: str
    tone: str = PLAIN


class KnownRows:
    """The rows that changes speak of, by client and natural key: one query per kind that occurs."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._rows: dict[tuple[str, int, recordsets.Key], Any] = {}
        has_draws = any(change.kind == recordsets.BUDGET_USAGE.kind for change in changes)
        self._own_ids = frozenset(list_own_service_provider_ids() if has_draws else ())
        for kind in (recordsets.BUDGETS, recordsets.CLASSIFICATIONS, recordsets.APPROVED_SERVICES):
            self._read(kind, changes)
        self._read(recordsets.SUPPLEMENTS, changes)
        self._read(recordsets.BUDGET_USAGE, changes)
        self._read(recordsets.INDIVIDUAL_CONTRIBUTIONS, changes)

    def _read(self, kind: recordsets.RecordSet, changes: Sequence[Change]) -> None:
        clients = {change.client_id for change in changes if change.kind == kind.kind}
        if not clients:
            return
        rows: QuerySet[Any] = kind.model._default_manager.filter(client_id__in=clients).order_by("id")
        named = [change.key for change in changes if change.kind == kind.kind]
        if kind is recordsets.BUDGETS:
            rows = rows.filter(budget_id__in={key[0] for key in named})
        elif kind is recordsets.BUDGET_USAGE:
            rows = rows.filter(plan_budget__budget_id__in={key[0] for key in named})
            rows = rows.filter(invoice_id__in={key[1] for key in named})
            rows = rows.annotate(named_budget_id=F("plan_budget__budget_id"))
        key = tuple(kind.key)
        for row in rows:
            values = tuple(getattr(row, name) for name in key)
            logged = kind.logged_key((row.named_budget_id, *values) if kind.is_child else values)
            self._rows[kind.kind, row.client_id, logged] = row

    def find(self, change: Change) -> Any:
        return self._rows.get((change.kind, change.client_id, tuple(change.key)))

    def who_drew(self, draw: BudgetUsage) -> DrawnBy:
        """Who made a draw."""
        return who_drew(draw.service_provider_id, self._own_ids, has_line=draw.invoice_line_item_id is not None)

    def find_earlier_shares(self, shares: IndividualContribution) -> IndividualContribution | None:
        """The contributions that these follow, None if they are the first."""
        start = shares.effective_date_from
        earlier = [
            row
            for (kind, client_id, _), row in self._rows.items()
            if kind == recordsets.INDIVIDUAL_CONTRIBUTIONS.kind
            and client_id == shares.client_id
            and start is not None
            and (row.effective_date_from or date.min) < start
        ]
        return max(earlier, key=lambda row: row.effective_date_from or date.min) if earlier else None


def write_change(change: Change, known: KnownRows) -> Sentence:
    """One change as one sentence."""
    row = known.find(change)
    name = name_record(change, row)
    if change.action == Change.NEW and isinstance(row, IndividualContribution):
        return Sentence(change, _new_shares(row, known.find_earlier_shares(row)))
    if change.action == Change.NEW and isinstance(row, BudgetUsage):
        return Sentence(change, f"{write_draw(name, row, known)}.")
    if change.action == Change.NEW:
        return Sentence(change, f"{_NEW.get(change.kind, _new_record)(name, row)}.", PLAIN)
    if change.action == Change.NO_LONGER_RETURNED:
        return Sentence(change, f"{name} is no longer returned by the funder; it is kept here and marked.", BAD)
    if change.action == Change.RETURNED_AGAIN and not change.field:
        return Sentence(change, f"{name} is returned by the funder again.", GOOD)
    if change.action == Change.REMOVED:
        return Sentence(change, f"{name} was replaced.", PLAIN)
    return _changed_field(change, name, row)


def _changed_field(change: Change, name: str, row: Any) -> Sentence:
    label = change.field.replace("_", " ")
    difference = find_difference(change)
    if change.field in _AMOUNTS and difference is not None:
        before, after = Decimal(change.before or 0), Decimal(change.after or 0)
        lowering = change.field in LOWERING
        if lowering:
            before, after = read_sizes(change, row)
        verb = "rose" if after > before else "fell"
        text = f"{name}: {label} {verb} from {write_money(before)} to {write_money(after)}."
        return Sentence(change, text, PLAIN if lowering else GOOD if after > before else BAD)
    if change.field in _SHARES:
        old, new = (_write_share(Decimal(text) if text else None) for text in (change.before, change.after))
        return Sentence(change, f"{name}: {_SHARES[change.field]} {old} → {new}.")
    if change.field in ("end_date", "effective_date_to"):
        ends = f"now ends on {_read(change.after)}" if change.after else "no longer has an end date"
        return Sentence(change, f"{name} {ends}{f' (was {_read(change.before)})' if change.before else ''}.")
    if not change.before:
        return Sentence(change, f"{name}: {label} is now {_read(change.after)}.")
    if not change.after:
        return Sentence(change, f"{name}: {label} is no longer given (was {_read(change.before)}).")
    return Sentence(change, f"{name}: {label} changed from {_read(change.before)} to {_read(change.after)}.")


def read_sizes(change: Change, row: Any) -> tuple[Decimal, Decimal]:
    """What a change of use, write-off or rollover deduction takes off the budget before and after; `row` is the budget.

    Below zero more was given back than taken, as every page shows it.
    """
    before, after = Decimal(change.before or 0), Decimal(change.after or 0)
    is_signed = before < 0 or after < 0
    if isinstance(row, PlanBudget) and (now := getattr(row, change.field)):
        is_signed = getattr(effects_of(row), change.field) == now
    return (-before, -after) if is_signed else (abs(before), abs(after))


def find_difference(change: Change) -> Decimal | None:
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


def name_record(change: Change, row: Any) -> str:
    """What a change is about, as people call it; `row` is the stored record if it is still there."""
    if isinstance(row, PlanBudget):
        return name_budget(row)
    if isinstance(row, IndividualContribution):
        start = row.effective_date_from
        return f"Individual contribution{f' from {write_day(start)}' if start else ''}"
    if isinstance(row, Classification):
        return name_level(row)
    if isinstance(row, BudgetUsage):
        service = row.description or row.item_code or "A service"
        return f"{service} on {write_day(row.delivery_date)}" if row.delivery_date else service
    text = str(getattr(row, "service_text", "") or getattr(row, "description", "") or "")
    if text:
        return text
    label = LABELS.get(change.kind, change.kind.replace("_", " ").capitalize())
    parts = " · ".join(part for part in change.key if part)
    return f"{label} {_read(parts)}" if parts and change.kind not in ("plan", "client") else label


def _new_shares(shares: IndividualContribution, earlier: IndividualContribution | None) -> str:
    """What a person pays from a day on: the shares that move, or all of them where there were none before."""
    told = []
    for field, word in _SHARES.items():
        now, before = getattr(shares, field), getattr(earlier, field, None)
        if earlier is None:
            told.append(f"{word} {_write_share(now)}")
        elif now != before:
            told.append(f"{word} {_write_share(before)} → {_write_share(now)}")
    start = f" from {write_day(shares.effective_date_from)}" if shares.effective_date_from else ""
    return f"Individual contribution: {', '.join(told) or 'shares stay the same'}{start}."


def _write_share(share: Decimal | None) -> str:
    """A percentage without needless zeros; one that nobody sent is not 0 %."""
    return "not given" if share is None else f"{share.normalize():f} %"


def _new_budget(name: str, row: Any) -> str:
    total = getattr(row, "total", None)
    return f"New budget: {name}{f', {write_money(total)} in total' if total is not None else ''}"


def _new_dated(word: str) -> Callable[[str, Any], str]:
    def write(name: str, row: Any) -> str:
        start: date | None = getattr(row, "start_date", None)
        return f"{word}: {name}{f', from {write_day(start)}' if start else ''}"

    return write


def write_draw(name: str, draw: BudgetUsage, known: KnownRows) -> str:
    """One draw on a budget, and who made it."""
    if draw.amount is None:
        return f"Drawn from a budget: {name}"
    return f"{write_drawn(draw.amount)} by {known.who_drew(draw)} for {name}"


def _new_record(name: str, row: Any) -> str:
    return f"New: {name}"


_NEW: dict[str, Callable[[str, Any], str]] = {
    "budgets": _new_budget,
    "classifications": _new_dated("New classification"),
    "approved_services": _new_dated("New approved service"),
    "supplements": _new_dated("New supplement"),
}


def _read(text: str | None) -> str:
    return read_dates(text or "")
