"""The engine beside SQLite: one process that looks at the ledger and works. No queue, no second server.

Waiting work is noticed within moments, since SQLite tells cheaply whether another connection has written
(`PRAGMA data_version`). A lock file sees to it that there is one such process per database.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Case, IntegerField, Q, Value, When
from django.utils import timezone

from carefund.funders.errors import FunderError
from carefund.runs import ledger, schedule
from carefund.runs.execution import DatabaseThread, Worker, work_on_run
from carefund.runs.models import Run
from carefund.runs.requests import CannotChangeRun, pause_run, resume_run
from carefund.runs.sources import open_source

log = logging.getLogger(__name__)
HOLDER = "embedded"
_PROMPT = (Run.Trigger.ON_DEMAND, Run.Trigger.CLAIM_APPROVED)
_LOOK_SECONDS = 0.05
_HOUSEKEEPING_SECONDS = 15
_GROUP = 20  # small transactions, so that a page that writes waits little


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
    """Carry out runs until asked to stop by a signal, or (for tests and demos) until nothing is left to do."""
    with only_one():
        database = DatabaseThread()
        try:
            await database.do(ledger.hand_back_abandoned, holder_prefix=HOLDER)
            async with _worker(database) as worker:
                await _work(worker, until_idle)
        finally:
            await database.close()


@asynccontextmanager
async def _worker(database: DatabaseThread) -> AsyncIterator[Worker]:
    async with open_source() as source:
        worker = Worker(
            source,
            database,
            f"{HOLDER}:{os.getpid()}",
            at_once=settings.SERVICES_AUSTRALIA.timing.calls_at_once,
            group=_GROUP,
        )
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(name, worker.stopping.set)
        yield worker


async def _work(worker: Worker, until_idle: bool) -> None:
    """Two lanes, so that a person waiting at a page never waits for a bulk run; and the housekeeping."""
    lanes = [
        asyncio.create_task(_lane(worker, Q(trigger__in=_PROMPT))),
        asyncio.create_task(_lane(worker, ~Q(trigger__in=_PROMPT))),
        asyncio.create_task(_housekeeping(worker)),
    ]
    if until_idle:
        while await worker.database.do(_anything_left):
            await asyncio.sleep(_LOOK_SECONDS)
            for lane in lanes:
                if lane.done():
                    lane.result()
        worker.stopping.set()
    await asyncio.gather(*lanes)


def _anything_left() -> bool:
    return Run.objects.filter(status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).exists()


async def _lane(worker: Worker, which: Q) -> None:
    seen = -1
    while not worker.stopping.is_set():
        run_id = await worker.database.do(_next_run, which)
        if run_id is not None:
            try:
                await work_on_run(worker, run_id)
            except FunderError as error:
                log.error("a run stopped: %s", error)
                await worker.database.do(_hold, run_id, error)
            continue
        seen = await _until_written(worker, seen)


async def _until_written(worker: Worker, seen: int) -> int:
    """Wait until another connection has written; looks at a counter, not at tables. At most a second."""
    for _ in range(int(1 / _LOOK_SECONDS)):
        if worker.stopping.is_set():
            return seen
        version = await worker.database.do(_data_version)
        if version != seen:
            return version
        await asyncio.sleep(_LOOK_SECONDS)
    return seen


def _data_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


def _next_run(which: Q) -> int | None:
    """The run to work on: people who wait first, then in order of asking."""
    by_haste = Case(
        When(trigger=Run.Trigger.ON_DEMAND, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    waiting = Run.objects.filter(which, status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).filter(
        items__status="queued", items__joined__isnull=True
    )
    return waiting.order_by(by_haste, "id").values_list("id", flat=True).first()


def _hold(run_id: int, error: FunderError) -> None:
    with contextlib.suppress(CannotChangeRun):
        pause_run(Run.objects.get(pk=run_id), f"{error.message} {error.advice}")


async def _housekeeping(worker: Worker) -> None:
    """Now and then: take over from the dead, resume what resumes by itself, ask for what the schedule says."""
    while not worker.stopping.is_set():
        await worker.database.do(tidy)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(worker.stopping.wait(), _HOUSEKEEPING_SECONDS)


def tidy() -> None:
    """One round of housekeeping; harmless to repeat, on any number of machines."""
    ledger.hand_back_abandoned()
    for run in Run.objects.filter(status=Run.Status.PAUSED, resumes_at__lte=timezone.now()):
        with contextlib.suppress(CannotChangeRun):
            resume_run(run)
    for run_id in Run.objects.filter(status=Run.Status.RUNNING).values_list("id", flat=True):
        ledger.finish_run_if_done(run_id)
    schedule.request_due_runs(timezone.now())
