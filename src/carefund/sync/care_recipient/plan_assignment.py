"""Which plan each record of a person hangs on: the dates of the latest plan, and the rows that move to it. No I/O.

What is in force, open or to come belongs to the plan that covers it, so most of it moves along when somebody returns
after a gap. Source: rules SYNC-04 and SYNC-05.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from carefund.domain.care_recipient.plans import begin_anew, begins_anew, latest_period, plan_for
from carefund.domain.comparison import Differences, Incoming, New, Stored
from carefund.domain.periods import Period
from carefund.sync.care_recipient.recordsets import CLASSIFICATIONS, RecordSet

Rows = Mapping[str, Sequence[Stored]]


@dataclass(frozen=True, slots=True)
class Filing:
    """A person's plans after this sync, oldest first. `dates` are those of the latest; None: they stay as they are."""

    plans: tuple[Period, ...]
    is_new: bool
    dates: Period | None

    def place(self, record_set: RecordSet, row: New | Incoming | Stored) -> int:
        """The position of the plan that a record belongs to."""
        if len(self.plans) == 1:
            return 0
        return plan_for(self.plans, record_set.period_of(row.key, row.values))


def file(plans: Sequence[Period], rows: Rows, differences: Mapping[str, Differences], today: date) -> Filing:
    """The plans after this sync: none made but for a person's first and for a return; the latest dated anew.

    Source: rule SYNC-05.
    """
    classifications = [
        CLASSIFICATIONS.period_of(key, values) for _, key, values in _after(CLASSIFICATIONS, rows, differences)
    ]
    classifications += [
        CLASSIFICATIONS.period_of(row.key, row.values)
        for row in (differences[CLASSIFICATIONS.kind].new if CLASSIFICATIONS.kind in differences else ())
    ]
    after = list(plans)
    is_new = not after
    if is_new:
        after.append(Period(None, None))
    elif begins_anew(after[-1], classifications, today):
        is_new = True
        after.append(begin_anew(after[-1], classifications))
    dates = latest_period(after, classifications)
    if dates is not None:
        after[-1] = dates
    return Filing(tuple(after), is_new, dates)


def list_moves(
    filing: Filing, record_set: RecordSet, rows: Rows, differences: Mapping[str, Differences], held: Mapping[int, int]
) -> list[tuple[int, int]]:
    """The rows of one kind that hang on another plan than theirs, each with the position of the right one.

    `held` has the position of the plan that each row hangs on now, which is 0 where there was one plan only. Rows that
    the funder no longer lists stay.
    """
    moves = []
    for row_id, key, values in _after(record_set, rows, differences):
        place = plan_for(filing.plans, record_set.period_of(key, values))
        if place != held.get(row_id, 0):
            moves.append((row_id, place))
    return moves


def _after(
    record_set: RecordSet, rows: Rows, differences: Mapping[str, Differences]
) -> Iterator[tuple[int, tuple[Any, ...], tuple[Any, ...]]]:
    """The stored rows of a kind that count after this sync, as number, key and values.

    Of the kind that is replaced as a whole the last known set counts, even after an empty answer.
    """
    changes = differences.get(record_set.kind) or Differences()
    if record_set.replaced_whole and (changes.new or changes.changed):
        return
    changed = {change.stored.id: change.values for change in changes.changed}
    gone = set() if record_set.replaced_whole else {row.id for row in changes.gone}
    for row in rows.get(record_set.kind, ()):
        values = changed.get(row.id)
        if values is None and (row.id in gone or not (row.returned or record_set.replaced_whole)):
            continue
        yield row.id, row.key, row.values if values is None else values
