"""The engine beside SQLite: one process that looks at the ledger and works. No queue, no second server.

Waiting work is noticed within moments, since SQLite tells cheaply whether another connection has written
(`PRAGMA data_version`). A lock file sees to it that there is one such process per database.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Case, IntegerField, Q, Value, When

from carefund.funders.errors import FunderError, NotConfigured
from carefund.runs import housekeeping, ledger
from carefund.runs.care_management import save_when_due
from carefund.runs.claims import tend_when_due
from carefund.runs.database import DatabaseThreads
from carefund.runs.engines.carrying import AFTER_TROUBLE_SECONDS, carry_out, collect_seldom, rest
from carefund.runs.engines.searching import search_when_asked
from carefund.runs.engines.stopping import stop_on_signals
from carefund.runs.execution import Worker
from carefund.runs.models import Run
from carefund.runs.pace import compare_when_due
from carefund.runs.service_providers import fail_search, find_waiting_search
from carefund.runs.sources import open_source

log = logging.getLogger(__name__)
HOLDER = "embedded"
_PROMPT = (Run.Trigger.ON_DEMAND, Run.Trigger.CLAIM_APPROVED)
_LOOK_SECONDS = 0.05
_HOUSEKEEPING_SECONDS = 5
_GROUP = 20  # small transactions, so that a page that writes waits little
# How many runs a lane carries at a time: nobody at a page waits for another one's slow answer.
_PROMPT_RUNS, _BULK_RUNS = 8, 1


class AlreadyRunning(Exception):
    """Another process already does the background work for this database."""


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold the lock file for as long as this process works. Raises AlreadyRunning."""
    folder = Path(settings.DATA_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "worker.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunning from error
        yield


async def work(*, until_idle: bool = False) -> None:
    """Carry out runs until asked to stop by a signal, or (for tests and demos) until nothing is left to do.

    Raises AlreadyRunning, and NotConfigured with `until_idle`; otherwise a run that is asked for says what is missing.
    """
    collect_seldom()
    stopping = asyncio.Event()
    with only_one(), stop_on_signals(stopping):
        database = DatabaseThreads()
        try:
            # What an earlier process held is free: there is no other one.
            await database.insist(ledger.hand_back_abandoned, holder_prefix=HOLDER)
            async with open_source() as source:
                worker = Worker(
                    source,
                    database,
                    f"{HOLDER}:{os.getpid()}",
                    at_once=settings.SERVICES_AUSTRALIA.timing.calls_at_once,
                    group=_GROUP,
                    stopping=stopping,
                )
                await _work(worker, until_idle)
        except NotConfigured as error:
            if until_idle:
                raise
            await _hold_everything(database, stopping, error)
        finally:
            await database.close()


async def _work(worker: Worker, until_idle: bool) -> None:
    """Two lanes, so that a person waiting at a page never waits for a bulk run; and the housekeeping."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_lane(worker, Q(trigger__in=_PROMPT), _PROMPT_RUNS))
        tasks.create_task(_lane(worker, ~Q(trigger__in=_PROMPT), _BULK_RUNS))
        tasks.create_task(_keep_house(worker))
        tasks.create_task(search_when_asked(worker.source, worker.stopping))
        if until_idle:
            while await worker.database.do(_anything_left) and not worker.stopping.is_set():
                await rest(worker.stopping, _LOOK_SECONDS)
            worker.stopping.set()


def _anything_left() -> bool:
    return Run.objects.filter(status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).exists()


async def _hold_everything(database: DatabaseThreads, stopping: asyncio.Event, error: FunderError) -> None:
    """Without a configured funder nothing can be done but say so, until this process is started anew."""
    log.error("no run can be carried out: %s", error.message)
    while not stopping.is_set():
        with contextlib.suppress(DatabaseError):
            await database.do(housekeeping.tidy)
            while (run_id := await database.do(_next_run, Q(), [])) is not None:
                await database.do(housekeeping.hold, run_id, f"{error.message} {error.advice}")
            while (search_id := await database.do(find_waiting_search)) is not None:
                await database.do(fail_search, search_id, error.message, error.advice)
        await rest(stopping, AFTER_TROUBLE_SECONDS)


# --- A lane -----------------------------------------------------------------------------------------------------------


async def _lane(worker: Worker, which: Q, at_a_time: int) -> None:
    """Carry these runs, so many at a time, until asked to stop."""
    under_way: dict[int, asyncio.Task[None]] = {}
    seen = -1
    async with asyncio.TaskGroup() as runs:
        while not worker.stopping.is_set():
            under_way = {run_id: task for run_id, task in under_way.items() if not task.done()}
            run_id = None
            if len(under_way) < at_a_time:
                run_id = await _find_next(worker, which, list(under_way))
            if run_id is None:
                seen = await _until_written(worker, seen, list(under_way.values()))
            else:
                under_way[run_id] = runs.create_task(carry_out(worker, run_id))


async def _find_next(worker: Worker, which: Q, besides: list[int]) -> int | None:
    try:
        return await worker.database.do(_next_run, which, besides)
    except DatabaseError as error:
        log.error("the database refused to say what is to do: %s", type(error).__name__)
        await rest(worker.stopping, AFTER_TROUBLE_SECONDS)
        return None


def _next_run(which: Q, besides: list[int]) -> int | None:
    """The run to work on: people who wait first, then in order of asking."""
    by_haste = Case(When(trigger=Run.Trigger.ON_DEMAND, then=Value(0)), default=Value(1), output_field=IntegerField())
    waiting = Run.objects.filter(which, status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).filter(
        items__status="queued", items__joined__isnull=True
    )
    return waiting.exclude(id__in=besides).order_by(by_haste, "id").values_list("id", flat=True).first()


async def _until_written(worker: Worker, seen: int, under_way: list["asyncio.Task[None]"]) -> int:
    """Wait until another connection wrote or a run has ended, at most a second; looks at a counter, not at tables."""
    for _ in range(int(1 / _LOOK_SECONDS)):
        if worker.stopping.is_set() or any(task.done() for task in under_way):
            return seen
        with contextlib.suppress(DatabaseError):
            version = await worker.database.do(_data_version)
            if version != seen:
                return version
        await asyncio.sleep(_LOOK_SECONDS)
    return seen


def _data_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


# --- Housekeeping -----------------------------------------------------------------------------------------------------


async def _keep_house(worker: Worker) -> None:
    while not worker.stopping.is_set():
        try:
            await worker.database.do(housekeeping.tidy)
            await save_when_due(worker.database)
            await compare_when_due(worker.database)
            await tend_when_due(worker.source, worker.database)
        except DatabaseError as error:
            log.error("the database refused the housekeeping: %s", type(error).__name__)
        await rest(worker.stopping, _HOUSEKEEPING_SECONDS)
