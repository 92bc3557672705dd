"""What a kind of work is made of: the words that the table of kinds, each kind and the engines share. No SQL.

A kind says how one item is done (`work`) and how what came of a group of items is stored (`store`, all of it or
nothing, with the ledger's entries in the same transaction). Everything else is common to all kinds: taking, leases,
progress, pause, cancellation, outages, retry.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser, User

from carefund.access.roles import may_run_in_bulk
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import RunItem

if TYPE_CHECKING:
    from carefund.runs.sessions import Session


class Interrupted(Exception):
    """The run was paused or cancelled, or this process shall stop: the item is handed back as it is."""


class Postponed(Exception):
    """The run cannot go on before an instant: it is paused, with this reason, and resumes at `resumes_at`."""

    def __init__(self, reason: str, resumes_at: datetime) -> None:
        self.reason, self.resumes_at = reason, resumes_at
        super().__init__(reason)


class ItemFailed(Exception):
    """An item cannot be done, for a reason of the kind's own; message and advice may go to a log."""

    def __init__(self, code: str, message: str, advice: str, *, step: str = "") -> None:
        self.code, self.message, self.advice, self.step = code, message, advice, step
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What came of an item. `message` and `warnings` are sentences without names or ids of people; `result` is JSON."""

    outcome: RunItem.Outcome = RunItem.Outcome.CHANGED
    message: str = ""
    warnings: list[str] = field(default_factory=list)
    result: Any = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item could not be done, in words that may go to a log."""

    item: ClaimedItem
    code: str
    step: str
    message: str
    advice: str


Work = Callable[["Session", ClaimedItem], Awaitable[Any]]
Prepare = Callable[["Session", Sequence[ClaimedItem]], Awaitable[None]]
Store = Callable[["Session", Sequence[ClaimedItem], Sequence[Any]], None]
Failed = Callable[[Sequence[Failure], datetime], None]


@dataclass(frozen=True, slots=True)
class WorkKind:
    """A kind of work.

    `items` is what people call several of its items. `funder` is the name of the funder that it asks, "" for none.
    `prepare` is awaited for each share of items before the first of them. `store` writes what `work` returned for a
    group; without it `work` returns an ItemResult. `failed` adds to the transaction that records failures.
    `at_once` items are worked on at a time by one process (0: as many as the funder takes calls). Work that
    `may_be_cut` writes nothing before its end, so a pause or a cancellation breaks it off. Work that `stores_much` gets
    a thread to the database of its own. `may_ask` says who may ask for it and steer it. `ask_again` is for work that
    somebody confirmed with a proof of who they are: nobody retries or resumes it, and this advice says where to
    confirm it again.
    """

    name: str
    label: str
    items: str
    work: Work
    funder: str = ""
    prepare: Prepare | None = None
    store: Store | None = None
    failed: Failed | None = None
    at_once: int = 0
    may_be_cut: bool = False
    stores_much: bool = False
    may_ask: Callable[[User | AnonymousUser], bool] = may_run_in_bulk
    ask_again: str = ""
