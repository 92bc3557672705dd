"""One process at work on one run: what an engine brings, and what a kind of work is given to do its items with."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from carefund.runs import leases
from carefund.runs.database_threads import DatabaseThreads
from carefund.runs.funder_sessions import Sources
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run
from carefund.runs.outages import Outage
from carefund.runs.work_kind import Interrupted, Postponed, WorkKind

Result = TypeVar("Result")
_REPORT_SECONDS = 0.5


@dataclass(slots=True)
class Worker:
    """What one process needs to carry out runs. `holder` names it in leases; `group` is items per transaction;
    `at_once` is how many items it works on at a time, 0: as the kind or its funder says."""

    sources: Sources
    database: DatabaseThreads
    holder: str
    at_once: int = 0
    group: int = 50
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Session:
    """One process's part in a run, while it lasts.

    For the kind: `run`, the funder's `source` (None where no funder is asked), `database`, and `memory`, in which
    `prepare` leaves for `work` what it found, by item id. The rest is the engine's: `left` is how many more items it
    may take (None: all there are), `unsettled` are those taken of which the ledger has not been told yet.
    """

    worker: Worker
    run: Run
    kind: WorkKind
    source: Any
    database: DatabaseThreads
    at_once: int
    left: int | None
    outage: Outage
    memory: dict[int, Any] = field(default_factory=dict)
    halted: bool = False
    postponed: Postponed | None = None
    unsettled: set[ClaimedItem] = field(default_factory=set)
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _reported_at: float = 0.0

    async def keep(self, item: ClaimedItem) -> None:
        """Renew the lease of an item: to be awaited right before each write to a funder, and between long steps.

        Raises LeaseLost when another process took the item over, and Interrupted when the run was paused or cancelled
        or this process shall stop; either way nothing may be written any more.
        """
        if self.halted or self.worker.stopping.is_set():
            raise Interrupted
        await self.database.insist(leases.renew, self.worker.holder, item)

    async def write(self, item: ClaimedItem, work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        """Do a piece of work on our own records, in one transaction that only the holder of the item gets.

        Raises LeaseLost; then nothing was written.
        """
        return await self.database.do(leases.write_held, self.worker.holder, item, work, *arguments, **named)

    def held(self, item: ClaimedItem) -> "HeldDatabase":
        """The database as only the holder of an item may use it."""
        return HeldDatabase(self, item)

    async def report_progress(self, item: ClaimedItem, steps_done: int, steps: int, message: str = "") -> None:
        """Note how far a long item is, twice a second at most. Raises LeaseLost."""
        now = time.monotonic()
        if now - self._reported_at >= _REPORT_SECONDS:
            self._reported_at = now
            values = {"steps": steps, "steps_done": steps_done, "message": message[:300]}
            await self.database.do(leases.renew, self.worker.holder, item, **values)

    @property
    def may_begin(self) -> bool:
        """Whether another item may be begun."""
        stops = self.halted or self.postponed or self.outage.is_certain or self.worker.stopping.is_set()
        return not stops

    def take(self, most: int) -> int:
        """How many items to claim now, of `most`; 0 when this process has had its share."""
        if not self.may_begin:
            return 0
        wanted = 1 if self.outage.is_probing else most
        if self.left is not None:
            wanted = min(wanted, self.left)
            self.left -= wanted
        return wanted

    def untake(self, number: int) -> None:
        """So many of those that were to be claimed were not there to be taken."""
        if self.left is not None:
            self.left += number

    def halt(self) -> None:
        """Begin nothing more, since the run was paused or cancelled; cut short what may be cut."""
        self.halted = True
        if self.kind.may_be_cut:
            self.give_up()

    def give_up(self) -> None:
        """End the work under way elsewhere in this session, such as waiting for a funder that does not answer."""
        for task in self.tasks - {asyncio.current_task()}:
            task.cancel()

    def settled(self, items: Iterable[ClaimedItem]) -> None:
        """The ledger knows what came of these."""
        self.unsettled.difference_update(items)


@dataclass(frozen=True, slots=True)
class HeldDatabase:
    """Runs functions where the database may be used, each in a transaction that only the holder of an item gets."""

    session: Session
    item: ClaimedItem

    async def do(self, work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        """Run a function and renew the lease. Raises LeaseLost, then it did not run."""
        return await self.session.write(self.item, work, *arguments, **named)
