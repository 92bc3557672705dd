"""Carry out what a run asks for, whatever its kind: work on many items at once, store them in groups, tell the ledger.

1. Look the kind up, and open its funder.
2. Take a share of the waiting items from the ledger (a lease on each).
3. Work on them, so many at once, with no transaction open; what comes back waits in a queue.
4. Store what has arrived, a group in one transaction together with the ledger's entries.
5. Go on with 2 until nothing is left, or the run is paused, cancelled or postponed, or the funder is down.

Two shares are under way at a time, so that one begins while the last items of the other are still worked on. What was
taken and neither stored nor failed at the end of its share, for whatever reason, is handed back.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from django.db import DatabaseError

from carefund.funders.correlation import correlated
from carefund.funders.errors.root import FunderError
from carefund.funders.registry import find_funder
from carefund.funders.tracing import span
from carefund.runs import leases, ledger
from carefund.runs.database_threads import DATABASE_TROUBLE, DatabaseThreads
from carefund.runs.funder_sessions import configuration_of
from carefund.runs.kinds import find_kind
from carefund.runs.leases import ClaimedItem, LeaseLost
from carefund.runs.models import Run
from carefund.runs.outages import Outage, pause_for_funder
from carefund.runs.requests import hold_run
from carefund.runs.sessions import Session, Worker
from carefund.runs.storing_results import write_group
from carefund.runs.work_kind import Interrupted, ItemFailed, Postponed, WorkKind
from carefund.unexpected_errors import note

__all__ = ["Worker", "work_on_run"]
log = logging.getLogger(__name__)

_SHARES_AT_ONCE = 2
_GROUPS_AT_ONCE = 4  # taken from the ledger at once: the fewer times, the less the last of each keep others waiting
_POLL_SECONDS = 1.0
# Calls under way may end within this after a polite stop; a service manager waits 30 seconds before it kills.
_GRACE_SECONDS = 15.0


async def work_on_run(worker: Worker, run_id: int, *, items: int | None = None) -> None:
    """Carry a run as far as it goes: to its end, until it is paused, cancelled or this process is asked to stop, or for
    so many items. Raises FunderError when the funder cannot be asked at all, and DatabaseError when the database stays
    in trouble."""
    run = await worker.database.do(Run.objects.get, pk=run_id)
    with correlated(run.correlation_id):
        await _work_on(worker, run, items)


async def _work_on(worker: Worker, run: Run, items: int | None) -> None:
    async with _session_for(worker, run, items) as session:
        with _plain_errors():
            async with _watched(session), asyncio.TaskGroup() as shares:
                if session.outage.is_probing:
                    await _work_on_share(session)
                for _ in range(_SHARES_AT_ONCE if session.left is None else 1):
                    shares.create_task(_work_on_shares(session))
        await _settle(session)
    await worker.database.insist(ledger.finish_run_if_done, run.pk)


@asynccontextmanager
async def _session_for(worker: Worker, run: Run, items: int | None) -> AsyncIterator[Session]:
    kind = find_kind(run.kind)
    source = await worker.sources.find(kind.funder) if kind.funder else None
    # Someone who waits for one thing is told at once what is wrong; only a run of many is paused.
    outage = Outage(kind.funder, is_probing=run.paused_at is not None, applies=run.total > 1)
    database = DatabaseThreads() if kind.stores_much else worker.database
    left = 1 if run.total == 1 else items
    try:
        yield Session(worker, run, kind, source, database, _at_once(worker, kind), left, outage)
    finally:
        if database is not worker.database:
            await database.close()


def _at_once(worker: Worker, kind: WorkKind) -> int:
    calls = configuration_of(find_funder(kind.funder)).timing.calls_at_once if kind.funder else 1
    wanted = worker.at_once or calls
    return min(wanted, kind.at_once) if kind.at_once else wanted


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


async def _work_on_shares(session: Session) -> None:
    while await _work_on_share(session):
        pass


async def _work_on_share(session: Session) -> bool:
    """Take some items and work on them. Return whether there were any."""
    worker = session.worker
    wanted = session.take(max(session.at_once, _GROUPS_AT_ONCE * worker.group))
    if not wanted:
        return False
    items = await worker.database.insist(ledger.claim_items, session.run.pk, worker.holder, wanted)
    session.untake(wanted - len(items))
    if not items:
        return False
    session.unsettled.update(items)
    try:
        await _work_and_store(session, items)
    finally:
        left = session.unsettled.intersection(items)
        session.settled(left)
        if to_release := left.difference(session.outage.suspects):
            with suppress(DatabaseError):  # then the leases end by themselves
                await worker.database.do(leases.release, worker.holder, list(to_release))
    return True


async def _work_and_store(session: Session, items: Sequence[ClaimedItem]) -> None:
    done: asyncio.Queue[tuple[ClaimedItem, Any] | None] = asyncio.Queue(maxsize=session.worker.group * 4)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_store_groups(session, done))
        await _work_on_items(session, items, done)
        await done.put(None)


@asynccontextmanager
async def _watched(session: Session) -> AsyncIterator[None]:
    """Meanwhile keep the leases, notice a pause or cancellation, and see to it that a polite stop ends in time."""
    watch = asyncio.create_task(_watch(session))
    try:
        yield
    finally:
        watch.cancel()


async def _watch(session: Session) -> None:
    worker, polls = session.worker, 0
    while not worker.stopping.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(worker.stopping.wait(), _POLL_SECONDS)
        polls += 1
        try:
            if not session.halted and not await worker.database.do(_may_go_on, session.run.pk):
                session.halt()
            if polls * _POLL_SECONDS >= leases.LEASE.total_seconds() / 4:
                polls = 0
                await worker.database.do(leases.renew_all, worker.holder)
        except DatabaseError as error:
            log.warning("the database refused to check a run: %s", type(error).__name__)
    if not session.kind.may_be_cut:
        await asyncio.sleep(_GRACE_SECONDS)
    session.give_up()


def _may_go_on(run_id: int) -> bool:
    return Run.objects.filter(id=run_id, status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).exists()


async def _work_on_items(
    session: Session, items: Sequence[ClaimedItem], done: "asyncio.Queue[tuple[ClaimedItem, Any] | None]"
) -> None:
    """Work on these, `at_once` at a time, until there is a reason to begin no other."""
    waiting = iter(items)
    work = session.kind.work
    if session.kind.prepare:
        await session.kind.prepare(session, items)

    async def work_in_turn() -> None:
        for item in waiting:
            if not session.may_begin:
                return
            try:
                with span(f"work {session.run.kind}"):
                    answer = await work(session, item)
            except DATABASE_TROUBLE:
                raise
            except Exception as error:  # noqa: BLE001 one item's failure never stops the run
                await _note_failure(session, item, error)
                continue
            await _note_success(session)
            await done.put((item, answer))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(session.at_once, len(items))):
            task = tasks.create_task(work_in_turn())
            session.tasks.add(task)
            task.add_done_callback(session.tasks.discard)


async def _note_failure(session: Session, item: ClaimedItem, error: Exception) -> None:
    if isinstance(error, Interrupted | LeaseLost):  # the item is handed back, or another process's by now
        return
    if isinstance(error, Postponed):
        session.postponed = error
        return
    if isinstance(error, FunderError) and session.outage.suspect(item, error):
        if session.outage.is_certain:
            session.give_up()
        return
    if not isinstance(error, FunderError | ItemFailed):
        note(f"work of kind {session.kind.name}", error, ledger.reference_of(item))
    await _record_failures(session, [(item, error)])


async def _note_success(session: Session) -> None:
    """Something got through: those before failed for themselves, and an outage is over."""
    if session.outage.is_probing:
        session.outage.is_probing = False
        await session.worker.database.insist(ledger.note_recovery, session.run.pk)
    await _record_failures(session, session.outage.acquit())


async def _record_failures(session: Session, failed: Sequence[tuple[ClaimedItem, Exception]]) -> None:
    if failed:
        worker, failures = session.worker, [ledger.failure_of(item, error) for item, error in failed]
        await worker.database.insist(ledger.record_failures, worker.holder, failures, session.kind.failed)
        session.settled(item for item, _ in failed)


async def _settle(session: Session) -> None:
    """At the end of this process's part: pause the run if it has to wait, else the last suspects have failed."""
    worker, outage = session.worker, session.outage
    suspects = list(outage.suspects.items())
    if suspects and not outage.is_certain and not worker.stopping.is_set():
        await _record_failures(session, outage.acquit())
    elif suspects:
        await worker.database.insist(leases.release, worker.holder, [item for item, _ in suspects])
        if outage.is_certain:
            await worker.database.insist(pause_for_funder, session.run.pk, suspects[-1][1], outage.funder)
    if session.postponed:
        why = session.postponed
        await worker.database.insist(hold_run, session.run.pk, why.reason, why.resumes_at)


async def _store_groups(session: Session, done: "asyncio.Queue[tuple[ClaimedItem, Any] | None]") -> None:
    """Store whatever has arrived, up to a group at a time; a lone item is stored at once."""
    worker, ended = session.worker, False
    while not ended:
        group: list[tuple[ClaimedItem, Any]] = []
        entry = await done.get()
        while entry is not None:
            group.append(entry)
            if len(group) >= worker.group or done.empty():
                break
            entry = done.get_nowait()
        ended = entry is None
        if group:
            await session.database.insist(write_group, session, group)
            session.settled(item for item, _ in group)
