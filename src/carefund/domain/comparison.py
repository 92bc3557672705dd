"""Compare what is stored with what came in, and give the differences as data.

Pure and generic: a record is a natural key and a tuple of values in a fixed order. A key may occur more than once;
such duplicates are told apart by their order among each other, so that another order changes nothing.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Key = tuple[Hashable, ...]
Values = tuple[Any, ...]


class Stored(NamedTuple):
    """A row as the database has it. `returned` is false once the funder stopped listing it."""

    id: int
    key: Key
    ordinal: int
    values: Values
    returned: bool = True


class Incoming(NamedTuple):
    """A record as the funder just sent it."""

    key: Key
    values: Values


class New(NamedTuple):
    key: Key
    ordinal: int
    values: Values


@dataclass(frozen=True, slots=True)
class Changed:
    """A row that differs: `columns` are the positions in `values` that do. It may only have come back."""

    stored: Stored
    values: Values
    columns: tuple[int, ...]

    @property
    def returned_again(self) -> bool:
        return not self.stored.returned


@dataclass(slots=True)
class Differences:
    """What must be done so that the stored rows of one kind say what came in."""

    new: list[New] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    gone: list[Stored] = field(default_factory=list)
    unchanged: int = 0

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)


def compare(stored: Iterable[Stored], incoming: Sequence[Incoming]) -> Differences:
    """The differences of one kind for one person. `gone` holds each row once: not the rows marked gone before.

    Source: rule SYNC-13."""
    rows: defaultdict[Key, list[Stored]] = defaultdict(list)
    for row in stored:
        rows[row.key].append(row)
    if not rows and len({key for key, _ in incoming}) == len(incoming):  # a first sync: nothing to tell apart
        return Differences(new=[New(key, 0, values) for key, values in incoming])
    groups: defaultdict[Key, list[Values]] = defaultdict(list)
    for record in incoming:
        groups[record.key].append(record.values)
    result = Differences()
    for key, values in groups.items():
        _compare_duplicates(result, key, rows.pop(key, []), values)
    result.gone.extend(row for left in rows.values() for row in left if row.returned)
    result.gone.sort()  # by id: a database gives rows in any order, which must not show in the change log
    return result


def _compare_duplicates(result: Differences, key: Key, rows: list[Stored], values: list[Values]) -> None:
    if len(values) == 1 and len(rows) < 2:
        if rows:
            _compare_one(result, rows[0], values[0])
        else:
            result.new.append(New(key, 0, values[0]))
        return
    rows = sorted(rows, key=lambda row: (not row.returned, row.ordinal))  # who is still listed stays
    left = list(values)
    unmatched = []
    for row in rows:  # an equal row first, whatever the order they came in
        if row.returned and row.values in left:
            left.remove(row.values)
            result.unchanged += 1
        else:
            unmatched.append(row)
    left.sort(key=repr)
    for row, value in zip(unmatched, left, strict=False):
        _compare_one(result, row, value)
    result.gone.extend(row for row in unmatched[len(left) :] if row.returned)
    free = (ordinal for ordinal in range(len(rows) + len(left)) if all(row.ordinal != ordinal for row in rows))
    result.new.extend(New(key, next(free), value) for value in left[len(unmatched) :])


def _compare_one(result: Differences, row: Stored, values: Values) -> None:
    if row.values == values and row.returned:
        result.unchanged += 1
        return
    columns = tuple(index for index, (old, new) in enumerate(zip(row.values, values, strict=True)) if old != new)
    result.changed.append(Changed(row, values, columns))
