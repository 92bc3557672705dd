"""A log a page at a time, newest first: a log has no end, so it is never counted for a page of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import QuerySet

from carefund.access.models import LogEntry

Entry = TypeVar("Entry", bound=LogEntry)


@dataclass(frozen=True, slots=True)
class LogPage(Generic[Entry]):
    """Some entries of a log. `older_before`: the number to go on from; 0 if there is nothing older."""

    entries: Sequence[Entry]
    older_before: int


def cut_page(entries: QuerySet[Entry], size: int, before_id: int = 0) -> LogPage[Entry]:
    """Return the newest `size` of these entries, older than one's number if that is given."""
    found = list((entries.filter(pk__lt=before_id) if before_id else entries)[: size + 1])
    return LogPage(found[:size], found[size - 1].pk if len(found) > size else 0)
