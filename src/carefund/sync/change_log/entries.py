"""One entry of the change log in words: as a sentence, and as a line of a table. sentences.py joins what belongs
together."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from carefund.domain.care_recipient.budgets import effects_of
from carefund.domain.wording import write_day, write_drawn, write_money, write_percentage
from carefund.records.models import BudgetUsage, Change, IndividualContribution, PlanBudget
from carefund.records.models.columns import FieldType, name_in_sentence, names_of
from carefund.sync.change_log.edits import write_edit
from carefund.sync.change_log.record_kinds import LoggedKind, kind_of
from carefund.sync.change_log.record_names import name_record
from carefund.sync.change_log.rows import StoredRows

GOOD, BAD, PLAIN = "good", "bad", "plain"
_ACTIONS = {
    Change.NO_LONGER_RETURNED: ("is no longer returned by Services Australia. It is kept and marked", BAD),
    Change.RETURNED_AGAIN: ("is returned by Services Australia again", GOOD),
    Change.REMOVED: ("was replaced", PLAIN),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """What to read, the newest change that it tells, and its colour: good, bad or plain."""

    change: Change
    text: str
    tone: str = PLAIN


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One entry as a table has it: the kind, the record and the field, or what became of the record, as people call
    them. Values are as people read them, "" for one that is not there, and as data; `sentence` says it all."""

    change: Change
    kind: str
    record: str
    what: str
    before: str
    after: str
    before_value: Decimal | date | str | None
    after_value: Decimal | date | str | None
    sentence: str


def write_line(change: Change, known: StoredRows) -> ChangeRow:
    """One change as a line of a table."""
    kind = kind_of(change.kind)
    budget = known.name_budget_of(change)
    name = name_record(change, known.find(change))
    what = kind.label_of(change.field) if change.field else change.action.capitalize()
    return ChangeRow(
        change,
        kind.label,
        f"{budget}: {name}" if budget else name,
        what,
        kind.write(change.field, change.before),
        kind.write(change.field, change.after),
        kind.read(change.field, change.before),
        kind.read(change.field, change.after),
        write_change(change, known).text,
    )


def write_change(change: Change, known: StoredRows) -> Sentence:
    """One change as one sentence."""
    if change.cause == Change.PERSON:
        return Sentence(change, write_edit(change))
    kind, row = kind_of(change.kind), known.find(change)
    name = name_record(change, row)
    if change.field:
        return _changed_field(change, kind, name, row)
    if change.action in _ACTIONS:
        words, tone = _ACTIONS[change.action]
        return Sentence(change, f"{name} {words}.", tone)
    if change.action == Change.FIRST:
        return Sentence(
            change, f"First sync: {change.after}." if change.kind == "client" else f"First {_within(name)}."
        )
    if isinstance(row, IndividualContribution) and row.pk is not None:
        return Sentence(change, _new_shares(row, known.find_earlier_shares(row)))
    if isinstance(row, BudgetUsage) and row.pk is not None:
        return Sentence(change, f"{write_draw(name, row, known)}.")
    return Sentence(change, f"{_new_record(change, kind, name, row)}.")


def _changed_field(change: Change, kind: LoggedKind, name: str, row: Any) -> Sentence:
    words = kind.name_in_sentence(change.field)
    if kind.is_last_day(change.field):
        before, after = (kind.write(change.field, text) for text in (change.before, change.after))
        ends = f"now ends on {after}" if after else "no longer has an end date"
        return Sentence(change, f"{name} {ends}{f' (was {before})' if before else ''}.")
    if find_difference(change):
        return _moved(change, kind, f"{name}: {words}", row)
    before, after = _write_values(change, kind, row)
    if not before:
        return Sentence(change, f"{name}: {words} is now {after}.")
    if not after:
        return Sentence(change, f"{name}: {words} is no longer given (was {before}).")
    return Sentence(change, f"{name}: {words} changed from {before} to {after}.")


def _moved(change: Change, kind: LoggedKind, what: str, row: Any) -> Sentence:
    """A number that rose or fell. More money is good news, unless it is money that went."""
    lowers = kind.lowers_a_budget(change.field)
    old, new = read_sizes(change, row) if lowers else (Decimal(change.before or 0), Decimal(change.after or 0))
    before, after = _write_values(change, kind, row)
    text = f"{what} {'rose' if new > old else 'fell'} from {before} to {after}."
    is_news = kind.type_of(change.field) is FieldType.MONEY and not lowers
    return Sentence(change, text, PLAIN if not is_news else GOOD if new > old else BAD)


def _write_values(change: Change, kind: LoggedKind, row: Any) -> tuple[str, str]:
    """Both values as people read them; money that went as the size that every page shows."""
    texts = (change.before, change.after)
    if kind.lowers_a_budget(change.field) and all(_is_amount(kind.read(change.field, text)) for text in texts):
        sizes = zip(texts, read_sizes(change, row), strict=True)
        before, after = ("" if text is None else write_money(size) for text, size in sizes)
        return before, after
    return kind.write(change.field, change.before), kind.write(change.field, change.after)


def _is_amount(value: object) -> bool:
    return value is None or isinstance(value, Decimal)


def read_sizes(change: Change, row: Any) -> tuple[Decimal, Decimal]:
    """What a change of use, write-off or rollover deduction takes off the budget before and after; `row` is the budget.

    Below zero more was given back than taken, as every page shows it.
    """
    before, after = Decimal(change.before or 0), Decimal(change.after or 0)
    is_signed = before < 0 or after < 0
    if isinstance(row, PlanBudget) and (now := getattr(row, change.field)):
        is_signed = getattr(effects_of(row), change.field, None) == now
    return (-before, -after) if is_signed else (abs(before), abs(after))


def find_difference(change: Change) -> Decimal | None:
    """How much a number moved, None if this is no change from one number to another."""
    if not change.field:
        return None
    kind = kind_of(change.kind)
    before, after = kind.read(change.field, change.before), kind.read(change.field, change.after)
    return after - before if isinstance(before, Decimal) and isinstance(after, Decimal) else None


def _new_shares(shares: IndividualContribution, earlier: IndividualContribution | None) -> str:
    """What a person pays from a day on: the shares that move, or all of them where there were none before."""
    told = []
    for field in names_of(IndividualContribution, FieldType.PERCENTAGE):
        word = name_in_sentence(IndividualContribution, field)
        now, before = getattr(shares, field), getattr(earlier, field, None)
        if earlier is None:
            told.append(f"{word} {_write_share(now)}")
        elif now != before:
            told.append(f"{word} {_write_share(before)} → {_write_share(now)}")
    start = f" from {write_day(shares.effective_date_from)}" if shares.effective_date_from else ""
    return f"Individual contribution: {', '.join(told) or 'shares stay the same'}{start}."


def _write_share(share: Decimal | None) -> str:
    """A percentage; one that nobody sent is not 0%."""
    return "not given" if share is None else write_percentage(share)


def _new_record(change: Change, kind: LoggedKind, name: str, row: Any) -> str:
    """A record that came: what it is, the amount that it is about, and from when it holds unless its name says so."""
    told = [_within(name) if name.lower().startswith(kind.one) else f"{kind.one}: {name}"]
    if kind.main and change.after and kind.write("", change.after) not in name:
        told.append(f"{kind.name_in_sentence(kind.main)} {kind.write('', change.after)}")
    start = getattr(row, "start_date", None)
    if start and not isinstance(row, PlanBudget) and write_day(start) not in name:
        told.append(f"from {write_day(start)}")
    return f"New {', '.join(told)}"


def _within(name: str) -> str:
    return name[:1].lower() + name[1:]


def write_draw(name: str, draw: BudgetUsage, known: StoredRows) -> str:
    """One draw on a budget, and who made it."""
    if draw.amount is None:
        return f"Drawn from a budget: {name}"
    drawer = known.who_drew(draw)
    return f"{write_drawn(draw.amount)} by {drawer}{',' if ',' in drawer else ''} for {name}"
