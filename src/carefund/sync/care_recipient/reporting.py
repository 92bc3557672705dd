"""Tell what a decision comes to: counts, the lines of the change log, and words for numbers."""

from collections.abc import Iterator
from typing import Any

from carefund.domain.comparison import Differences
from carefund.domain.periods import Period
from carefund.sync.care_recipient.recordsets import RecordSet, as_text
from carefund.sync.care_recipient.results import Count, FieldChange


def count_differences(found: Differences | None, unchanged: int) -> Count:
    """One kind's records by what became of them; `unchanged` are those of answers that are no news."""
    if found is None:
        return Count(unchanged=unchanged)
    return Count(len(found.new), len(found.changed), found.unchanged + unchanged, len(found.gone))


def list_field_changes(record_set: RecordSet, differences: Differences) -> Iterator[FieldChange]:
    """One line per changed field, and per record that came or went."""
    kind = record_set.kind
    for row in differences.new:
        yield FieldChange(kind, "new", record_set.logged_key(row.key), after=_main(record_set, row.values))
    for change in differences.changed:
        key = record_set.logged_key(change.stored.key)
        if change.returned_again:
            yield FieldChange(kind, "returned again", key)
        for column in change.columns:
            before, after = change.stored.values[column], change.values[column]
            yield FieldChange(kind, "changed", key, record_set.fields[column], as_text(before), as_text(after))
    for gone in differences.gone:
        action = "removed" if record_set.replaced_whole else "no longer returned"
        yield FieldChange(kind, action, record_set.logged_key(gone.key), before=_main(record_set, gone.values))


def _main(record_set: RecordSet, values: tuple[Any, ...]) -> str | None:
    """The amount that a new or vanished record is about, if its kind has one."""
    return as_text(values[record_set.fields.index(record_set.main)]) if record_set.main else None


def list_plan_date_changes(before: Period, after: Period) -> Iterator[FieldChange]:
    """The plan's dates where they moved."""
    for name in ("start_date", "end_date"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield FieldChange("plan", "changed", ("Support at Home",), name, as_text(old), as_text(new))
