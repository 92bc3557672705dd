"""Carry out what a run asks for: fetch many people at once, write them in groups, tell the ledger.

Fetching is asynchronous and holds no transaction; what touches the database goes through the process's database
threads. Two strands share a run, so that one begins while the last people of the other are still under way; within a
strand a fetched person waits for nothing but the group before. What is claimed and neither written nor failed when a
strand ends, for whatever reason, is handed back.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from django.conf import settings
from django.db import DatabaseError

from carefund.funders.errors import FunderError
from carefund.runs import ledger
from carefund.runs.database import DATABASE_TROUBLE, DatabaseThreads
from carefund.runs.dates import business_today
from carefund.runs.ledger import ClaimedItem, LeaseLost
from carefund.runs.models import Run
from carefund.runs.outages import Outage, pause_for_funder
from carefund.runs.previews import record_preview
from carefund.runs.writing import write_group
from carefund.sync.answers import CareRecipientSource, Parts
from carefund.sync.fetching import Fetched, OpenBudgets, fetch_care_recipient
from carefund.sync.known import find_known

log = logging.getLogger(__name__)

_STRANDS = 2
_GROUPS_AT_ONCE = 4  # taken from the ledger at once: the fewer times, the less the last of each keep others waiting
_LOOK_SECONDS = 1.0
# Calls under way may end within this after a polite stop; a service manager waits 30 seconds before it kills.
_GRACE_SECONDS = 15.0


@dataclass(slots=True)
class Worker:
    """What one process needs to carry out runs. `holder` names it in leases; `group` is people per transaction."""

    source: CareRecipientSource
    database: DatabaseThreads
    holder: str
    at_once: int = 64
    group: int = 50
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _Course:
    """One process's part in a run, while it lasts. `people` is how many more it may take; None: all there are.
    `unsettled` are those taken of whom the ledger has not been told yet."""

    worker: Worker
    run: Run
    people: int | None
    outage: Outage
    halted: bool = False
    unsettled: set[ClaimedItem] = field(default_factory=set)
    fetching: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def may_begin(self) -> bool:
        """Whether another person may be begun."""
        return not (self.halted or self.outage.is_certain or self.worker.stopping.is_set())

    def give_up(self) -> None:
        """End the other fetches under way: they would only wait for the same silence, one after another."""
        for task in self.fetching - {asyncio.current_task()}:
            task.cancel()

    def take(self) -> int:
        """How many people to claim now; 0 when this process has had its share."""
        if not self.may_begin:
            return 0
        wanted = 1 if self.outage.is_probing else max(self.worker.at_once, _GROUPS_AT_ONCE * self.worker.group)
        if self.people is not None:
            wanted = min(wanted, self.people)
            self.people -= wanted
        return wanted


async def work_on_run(worker: Worker, run_id: int, *, people: int | None = None) -> None:
    """Carry a run as far as it goes: to its end, until it is paused, cancelled or this process is asked to stop, or for
    so many people. Raises DatabaseError when the database stays in trouble."""
    run = await worker.database.do(Run.objects.get, pk=run_id)
    # Someone who waits for one person is told at once what is wrong; only a run of many is paused.
    outage = Outage(is_probing=run.paused_at is not None, applies=run.total > 1)
    course = _Course(worker, run, 1 if run.total == 1 else people, outage)
    with _plain_errors():
        async with _watched(course), asyncio.TaskGroup() as strands:
            if outage.is_probing:
                await _take_a_share(course)
            for _ in range(_STRANDS if course.people is None else 1):
                strands.create_task(_work_in_strand(course))
    await _settle(course)
    await worker.database.insist(ledger.finish_run_if_done, run_id)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """The first error of a group of tasks, as itself."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


async def _work_in_strand(course: _Course) -> None:
    while await _take_a_share(course):
        pass


async def _take_a_share(course: _Course) -> bool:
    """Claim some people and synchronise them; gives whether there was anybody."""
    worker, wanted = course.worker, course.take()
    if not wanted:
        return False
    items = await worker.database.insist(ledger.claim_items, course.run.pk, worker.holder, wanted)
    if not items:
        return False
    course.unsettled.update(items)
    try:
        await _synchronise(course, items)
    finally:
        left = course.unsettled.intersection(items)
        course.unsettled -= left
        if to_hand_back := left.difference(course.outage.suspects):
            with suppress(DatabaseError):  # then the leases end by themselves
                await worker.database.do(ledger.hand_back, worker.holder, list(to_hand_back))
    return True


async def _synchronise(course: _Course, items: Sequence[ClaimedItem]) -> None:
    fetched: asyncio.Queue[tuple[ClaimedItem, Fetched] | None] = asyncio.Queue(maxsize=course.worker.group * 4)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_write_groups(course, fetched))
        await _fetch_all(course, items, fetched)
        await fetched.put(None)


# --- Keeping watch ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _watched(course: _Course) -> AsyncIterator[None]:
    """Meanwhile keep the leases, notice a pause or cancellation, and see to it that a polite stop ends in time."""
    watch = asyncio.create_task(_watch(course))
    try:
        yield
    finally:
        watch.cancel()


async def _watch(course: _Course) -> None:
    worker, looks = course.worker, 0
    while not worker.stopping.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(worker.stopping.wait(), _LOOK_SECONDS)
        looks += 1
        try:
            if not course.halted and not await worker.database.do(_may_go_on, course.run.pk):
                course.halted = True
            if looks * _LOOK_SECONDS >= ledger.LEASE.total_seconds() / 4:
                looks = 0
                await worker.database.do(ledger.renew_lease, worker.holder)
        except DatabaseError as error:
            log.warning("the database refused a look at a run: %s", type(error).__name__)
    await asyncio.sleep(_GRACE_SECONDS)
    course.give_up()


def _may_go_on(run_id: int) -> bool:
    return Run.objects.filter(id=run_id, status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).exists()


# --- Fetching ---------------------------------------------------------------------------------------------------------


async def _fetch_all(
    course: _Course,
    items: Sequence[ClaimedItem],
    fetched: "asyncio.Queue[tuple[ClaimedItem, Fetched] | None]",
) -> None:
    """Fetch these people, `at_once` at a time, until there is a reason to begin nobody else."""
    waiting = iter(items)
    known = await course.worker.database.insist(find_known, [item.client_id for item in items])
    fetch = partial(
        fetch_care_recipient,
        course.worker.source,
        open_budgets=OpenBudgets(business_today(), course.run.open_budget_days or settings.OPEN_BUDGET_DAYS),
        parts=Parts(course.run.parts),
        together=course.run.total == 1,
    )

    async def fetch_in_turn() -> None:
        for item in waiting:
            if not course.may_begin:
                return
            try:
                answer = await fetch(item.client_id, item.care_recipient_id, known=known.get(item.client_id))
            except Exception as error:  # noqa: BLE001 one person's failure never stops the run
                await _note_failure(course, item, error)
                continue
            await _note_success(course)
            if course.run.is_preview:
                await _keep_preview(course, item, answer)
            else:
                await fetched.put((item, answer))

    async with asyncio.TaskGroup() as people:
        for _ in range(min(course.worker.at_once, len(items))):
            task = people.create_task(fetch_in_turn())
            course.fetching.add(task)
            task.add_done_callback(course.fetching.discard)


async def _note_failure(course: _Course, item: ClaimedItem, error: Exception) -> None:
    if isinstance(error, FunderError) and course.outage.suspect(item, error):
        if course.outage.is_certain:
            course.give_up()
        return
    if not isinstance(error, FunderError):
        log.error("a sync stopped with an unexpected %s", type(error).__name__)
    await _record_failures(course, [(item, error)])


async def _note_success(course: _Course) -> None:
    """Somebody got through: those before failed for themselves, and an outage is over."""
    if course.outage.is_probing:
        course.outage.is_probing = False
        await course.worker.database.insist(ledger.note_recovery, course.run.pk)
    await _record_failures(course, course.outage.acquit())


async def _record_failures(course: _Course, failed: Sequence[tuple[ClaimedItem, Exception]]) -> None:
    if failed:
        worker, failures = course.worker, [ledger.failure_of(item, error) for item, error in failed]
        await worker.database.insist(ledger.record_failures, worker.holder, failures)
        course.unsettled.difference_update(item for item, _ in failed)


async def _keep_preview(course: _Course, item: ClaimedItem, answer: Fetched) -> None:
    worker = course.worker
    try:
        await worker.database.insist(record_preview, worker.holder, item, answer)
    except LeaseLost:
        log.info("a preview was taken over by another process")
    except DATABASE_TROUBLE:
        raise
    except Exception as error:  # noqa: BLE001 told in the ledger
        log.error("a preview could not be made: %s", type(error).__name__)
        await _record_failures(course, [(item, error)])
    course.unsettled.discard(item)


async def _settle(course: _Course) -> None:
    """At the end of this process's part: pause the run if the funder is down, else the last suspects have failed."""
    worker, outage = course.worker, course.outage
    suspects = list(outage.suspects.items())
    if not suspects:
        return
    if not outage.is_certain and not worker.stopping.is_set():
        await _record_failures(course, outage.acquit())
        return
    await worker.database.insist(ledger.hand_back, worker.holder, [item for item, _ in suspects])
    if outage.is_certain:
        await worker.database.insist(pause_for_funder, course.run.pk, suspects[-1][1])


# --- Writing in groups ----------------------------------------------------------------------------------------------


async def _write_groups(course: _Course, fetched: "asyncio.Queue[tuple[ClaimedItem, Fetched] | None]") -> None:
    """Write whatever has arrived, up to a group at a time; a lone person is written at once."""
    worker, ended = course.worker, False
    while not ended:
        group: list[tuple[ClaimedItem, Fetched]] = []
        entry = await fetched.get()
        while entry is not None:
            group.append(entry)
            if len(group) >= worker.group or fetched.empty():
                break
            entry = fetched.get_nowait()
        ended = entry is None
        if group:
            await worker.database.insist(write_group, worker.holder, group)
            course.unsettled.difference_update(item for item, _ in group)
