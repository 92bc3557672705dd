"""The engine beside SQLite: one process that looks at the ledger and works. No queue, no second server.

Waiting work is noticed within moments, since SQLite tells cheaply whether another connection has written
(`PRAGMA data_version`). A lock file beside the database sees to it that there is one such process per database,
whatever settings and folders it was started with.
"""

import asyncio
import contextlib
import fcntl
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Case, IntegerField, Q, Value, When

from carefund.runs import crash_recovery, housekeeping
from carefund.runs.database_threads import DatabaseThreads
from carefund.runs.engines.carry_out import AFTER_TROUBLE_SECONDS, carry_out, collect_seldom, rest
from carefund.runs.engines.stop_signals import stop_on_signals
from carefund.runs.execution import Worker
from carefund.runs.funder_sessions import open_sources
from carefund.runs.leases import name_holder
from carefund.runs.models import Run

log = logging.getLogger(__name__)
HOLDER = "embedded"
_INTERACTIVE = (Run.Trigger.ON_DEMAND, Run.Trigger.CLAIM_APPROVED)
_POLL_SECONDS = 0.05
_HOUSEKEEPING_SECONDS = 5
_GROUP = 20  # small transactions, so that a page that writes waits little
_INTERACTIVE_RUNS = 8  # at a time: nobody at a page waits for another one's slow answer


class AlreadyRunning(Exception):
    """Another process already does the background work for this database."""


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold the lock file for as long as this process works. Raises AlreadyRunning."""
    with _lock_file().open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunning from error
        yield


def _lock_file() -> Path:
    """The file beside the database's own, however that was named; not the database itself, since closing any handle on
    it would drop SQLite's locks."""
    database = Path(str(settings.DATABASES["default"]["NAME"]))
    if not database.is_file():  # in memory, for tests
        database = Path(settings.DATA_FOLDER) / "carefund.sqlite3"
        database.parent.mkdir(parents=True, exist_ok=True)
    real = database.resolve()
    return real.with_name(f"{real.name}-worker.lock")


async def work(*, until_idle: bool = False) -> None:
    """Carry out runs until asked to stop by a signal, or (for tests and demos) until nothing is left to do.

    Raises AlreadyRunning.
    """
    collect_seldom()
    stopping = asyncio.Event()
    with only_one(), stop_on_signals(stopping):
        database = DatabaseThreads()
        try:
            # What an earlier process held is free: there is no other one.
            await database.insist(crash_recovery.release_expired, holder_prefix=HOLDER)
            async with open_sources() as sources:
                worker = Worker(sources, database, name_holder(HOLDER), group=_GROUP, stopping=stopping)
                await _work(worker, until_idle)
        finally:
            await database.close()


async def _work(worker: Worker, until_idle: bool) -> None:
    """Two queues, so that a person waiting at a page never waits for a bulk run; and the housekeeping."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_work_on_queue(worker, is_interactive=True))
        tasks.create_task(_work_on_queue(worker, is_interactive=False))
        tasks.create_task(_keep_house(worker))
        if until_idle:
            while await worker.database.do(_anything_left) and not worker.stopping.is_set():
                await rest(worker.stopping, _POLL_SECONDS)
            worker.stopping.set()


def _anything_left() -> bool:
    return Run.objects.filter(status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).exists()


@dataclass(frozen=True, slots=True)
class _UnderWay:
    run_id: int
    kind: str
    task: "asyncio.Task[None]"


async def _work_on_queue(worker: Worker, *, is_interactive: bool) -> None:
    """Carry out the runs of a queue until asked to stop: several of people who wait, of others one of each kind."""
    under_way: list[_UnderWay] = []
    seen = -1
    async with asyncio.TaskGroup() as runs:
        while not worker.stopping.is_set():
            under_way = [running for running in under_way if not running.task.done()]
            found = None
            if not is_interactive or len(under_way) < _INTERACTIVE_RUNS:
                found = await _find_next(worker, is_interactive, under_way)
            if found is None:
                seen = await _until_written(worker, seen, [running.task for running in under_way])
            else:
                run_id, kind = found
                under_way.append(_UnderWay(run_id, kind, runs.create_task(carry_out(worker, run_id))))


async def _find_next(worker: Worker, is_interactive: bool, under_way: Sequence[_UnderWay]) -> tuple[int, str] | None:
    besides = Q(id__in=[running.run_id for running in under_way])
    if not is_interactive:
        besides |= Q(kind__in=[running.kind for running in under_way])
    interactive = Q(trigger__in=_INTERACTIVE)
    try:
        return await worker.database.do(_next_run, interactive if is_interactive else ~interactive, besides)
    except DatabaseError as error:
        log.error("the database refused to list waiting work: %s", type(error).__name__)
        await rest(worker.stopping, AFTER_TROUBLE_SECONDS)
        return None


def _next_run(which: Q, besides: Q) -> tuple[int, str] | None:
    """The run to work on and its kind: people who wait first, then in order of asking."""
    by_haste = Case(When(trigger=Run.Trigger.ON_DEMAND, then=Value(0)), default=Value(1), output_field=IntegerField())
    waiting = Run.objects.filter(which, status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).filter(
        items__status="queued", items__joined__isnull=True
    )
    return waiting.exclude(besides).order_by(by_haste, "id").values_list("id", "kind").first()


async def _until_written(worker: Worker, seen: int, under_way: list["asyncio.Task[None]"]) -> int:
    """Wait until another connection wrote or a run has ended, at most a second; looks at a counter, not at tables."""
    for _ in range(int(1 / _POLL_SECONDS)):
        if worker.stopping.is_set() or any(task.done() for task in under_way):
            return seen
        with contextlib.suppress(DatabaseError):
            version = await worker.database.do(_data_version)
            if version != seen:
                return version
        await asyncio.sleep(_POLL_SECONDS)
    return seen


def _data_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


async def _keep_house(worker: Worker) -> None:
    while not worker.stopping.is_set():
        try:
            await worker.database.do(housekeeping.tidy)
        except DatabaseError as error:
            log.error("the database refused the housekeeping: %s", type(error).__name__)
        await rest(worker.stopping, _HOUSEKEEPING_SECONDS)
