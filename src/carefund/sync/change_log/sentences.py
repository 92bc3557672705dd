"""The change log in plain sentences: one sentence for one change, or for several that belong together.

"Level rose from 5 to 6 on 3 May 2026; 2,104.33 more until 30 June 2026." No page and no writing lives here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import groupby
from typing import Any

from carefund.domain.care_recipient.draws import DrawnBy
from carefund.domain.wording import write_day, write_drawn, write_money
from carefund.plain_numbers import is_whole
from carefund.records.models import BudgetUsage, Change, Classification, PlanBudget
from carefund.records.models.columns import FieldType, lowers_a_budget, name_in_sentence, names_of
from carefund.sync.change_log.entries import (
    BAD,
    GOOD,
    PLAIN,
    ChangeRow,
    Sentence,
    find_difference,
    read_sizes,
    write_change,
    write_draw,
    write_line,
)
from carefund.sync.change_log.record_kinds import KINDS, kind_of
from carefund.sync.change_log.record_names import name_record
from carefund.sync.change_log.rows import StoredRows

_LEFT = "available"
_MOVEMENTS = tuple(name for name in names_of(PlanBudget, FieldType.MONEY) if name != _LEFT)
_FEW = 3  # beyond which records that came or went together are counted and not named
_CAME_OR_WENT = {
    Change.NEW: "are new",
    Change.NO_LONGER_RETURNED: "are no longer returned by Services Australia. They are kept and marked",
    Change.REMOVED: "were replaced",
    Change.RETURNED_AGAIN: "are returned by Services Australia again",
}


def write_sentences(changes: Iterable[Change]) -> list[Sentence]:
    """Sentences for changes in the order given; those of one person from one sync may become fewer."""
    rows = [change for change in changes if not _is_stamp(change)]
    known = StoredRows(rows)
    sentences = []
    for _, group in groupby(rows, key=lambda change: (change.client_id, change.fetched_at)):
        sentences.extend(_write_group(list(group), known))
    return [_without_tone(sentence) if sentence.change.cause == Change.READING else sentence for sentence in sentences]


def _without_tone(sentence: Sentence) -> Sentence:
    """What Carefund only reads otherwise than before is neither good news nor bad."""
    return replace(sentence, tone=PLAIN)


def write_lines(changes: Sequence[Change]) -> list[ChangeRow]:
    """Every change as a line of a table, in the order given."""
    known = StoredRows(changes)
    return [write_line(change, known) for change in changes]


def write_lines_by_kind(changes: Sequence[Change]) -> list[ChangeRow]:
    """The same by kind, in the order of the guide."""
    order = list(KINDS)
    places = {id(change): order.index(change.kind) if change.kind in KINDS else len(order) for change in changes}
    return sorted(write_lines(changes), key=lambda line: places[id(line.change)])


def _is_stamp(change: Change) -> bool:
    """Whether a change is one of the funder's book-keeping alone: no news to anybody."""
    return bool(change.field) and kind_of(change.kind).type_of(change.field) is FieldType.INSTANT


def _write_group(changes: list[Change], known: StoredRows) -> list[Sentence]:
    """The changes of one person from one sync: the level, each budget, what came or went in numbers, and the rest."""
    described: set[int] = set()
    sentences = []
    for describe in (_describe_level, _describe_budgets, _describe_many):
        for sentence, numbers in describe([change for change in changes if id(change) not in described], known):
            sentences.append(sentence)
            described |= numbers
    sentences.extend(write_change(change, known) for change in changes if id(change) not in described)
    return sentences


_Described = Iterator[tuple[Sentence, set[int]]]


def _describe_level(changes: list[Change], known: StoredRows) -> _Described:
    """A level that ended and another that began in one sync, with what that did to the budget's total."""
    begun = ended = None
    for change in changes:
        row = known.find(change)
        if change.kind != "classifications" or not isinstance(row, Classification) or not is_whole(row.level):
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
    described = {id(change) for change in changes if change.key in (begun[0].key, ended[0].key)}
    for change in changes:
        budget = known.find(change)
        difference = find_difference(change)
        if change.kind == "budgets" and change.field == "total" and difference and isinstance(budget, PlanBudget):
            described |= {id(other) for other in changes if other.kind == "entitlements" and _is_of(other, change)}
            described |= {id(other) for other in changes if other.key == change.key and _moves_alike(other, difference)}
            text += f"; {write_money(abs(difference))} {'more' if difference > 0 else 'less'}"
            text += f" until {write_day(budget.end_date)}" if budget.end_date else ""
            break
    yield Sentence(begun[0], f"{text}.", GOOD if rose else BAD), described


def _moves_alike(change: Change, difference: Decimal) -> bool:
    return change.field in ("total", "available") and find_difference(change) == difference


def _is_of(child: Change, budget: Change) -> bool:
    """Whether an entitlement or a draw hangs on a budget, by the budget's id at the head of its name."""
    return bool(child.key[:1] == budget.key)


def _describe_budgets(changes: list[Change], known: StoredRows) -> _Described:
    """What was drawn from a budget and what that leaves, as one sentence per budget."""
    for change in changes:
        difference = find_difference(change)
        if change.kind != "budgets" or change.field != _LEFT or difference is None:
            continue
        draws = [
            other
            for other in changes
            if other.kind == "budget_usage" and other.action == Change.NEW and _is_of(other, change)
        ]
        fields = [other for other in changes if other.kind == "budgets" and other.key == change.key]
        budget = known.find(change)
        movements = {
            id(other): _write_movement(other, budget)
            for other in fields
            if other.field in _MOVEMENTS and find_difference(other)
        }
        described = {id(change), *movements, *map(id, draws)}
        if draws:  # they say what was used
            movements = {id(other): movements.get(id(other), "") for other in fields if other.field != "used"}
        what = [_write_draws(draws, known)] if draws else []
        what += [text for text in movements.values() if text]
        left = f"{write_money(Decimal(change.after or 0))} left"
        text = f"{name_record(change, budget)}: {'; '.join([*what, left])}"
        text += "" if what else f", {_by(difference)}"
        yield Sentence(change, f"{text}.", PLAIN if draws else GOOD if difference > 0 else BAD), described


def _describe_many(changes: list[Change], known: StoredRows) -> _Described:
    """Many records of one kind that came or went together, as their number."""
    alike: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        if change.action in _CAME_OR_WENT and not change.field:
            alike.setdefault((change.kind, change.action), []).append(change)
    for (kind, action), group in alike.items():
        if len(group) > _FEW:
            text = f"{len(group)} {kind_of(kind).many} {_CAME_OR_WENT[action]}."
            yield (
                Sentence(group[0], text, BAD if action == Change.NO_LONGER_RETURNED else PLAIN),
                {id(change) for change in group},
            )


def _by(difference: Decimal) -> str:
    return f"{write_money(abs(difference))} {'more' if difference > 0 else 'less'}"


def _write_movement(change: Change, budget: Any) -> str:
    """One amount of a budget that moved: money that went as its size now, any other by how much it moved."""
    words = name_in_sentence(PlanBudget, change.field)
    if lowers_a_budget(PlanBudget, change.field):
        _, size = read_sizes(change, budget)
        return f"{words} {write_money(size)}"
    difference = find_difference(change) or Decimal(0)
    return f"{words} {'rose' if difference > 0 else 'fell'} by {write_money(abs(difference))}"


def _write_draws(draws: list[Change], known: StoredRows) -> str:
    """What draws come to, and whose they are as far as they are stored."""
    rows = [row for row in map(known.find, draws) if isinstance(row, BudgetUsage) and row.pk is not None]
    if len(draws) == len(rows) == 1:
        return write_draw(name_record(draws[0], rows[0]), rows[0], known)
    amount = sum((row.amount for row in rows if row.amount is not None), Decimal("0.00"))
    drawers = Counter(map(known.who_drew, rows))
    by = "".join(
        f", {drawers[drawer]} of them by {drawer}" for drawer in DrawnBy if drawers[drawer] not in (0, len(rows))
    )
    by = f" by {next(iter(drawers))}" if len(drawers) == 1 else by
    if len(rows) < len(draws):
        amounts = (kind_of(draw.kind).read("", draw.after) for draw in draws)
        amount = sum((draw_amount for draw_amount in amounts if isinstance(draw_amount, Decimal)), Decimal("0.00"))
        by = ""
    return f"{write_drawn(amount)} in {len(draws)} line{'s' if len(draws) > 1 else ''}{by}"
