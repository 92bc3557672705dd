"""Carry out what a run asks for: fetch many people at once, write them in groups, tell the ledger.

Fetching is asynchronous and holds no transaction. Everything that touches the database goes through one thread, in
order, so that a fetched person waits for nothing but the group before. A funder that is down stops the run early:
people whose fetch failed as "unavailable" are only counted as failed once somebody after them succeeds.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from carefund.funders.errors import FunderError, NotAllowedIn, NotPermitted, Unavailable
from carefund.runs import ledger
from carefund.runs.dates import business_today
from carefund.runs.ledger import ClaimedItem, Failure, LeaseLost
from carefund.runs.models import Run
from carefund.runs.previews import record_preview
from carefund.runs.requests import CannotChangeRun, pause_run
from carefund.sync.applying import apply_fetched
from carefund.sync.fetching import CareRecipientSource, Fetched, OpenBudgets, Parts, fetch_care_recipient

log = logging.getLogger(__name__)
Result = TypeVar("Result")

_UNAVAILABLE_IN_A_ROW = 5
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)


class DatabaseThread:
    """The one thread of a process that talks to the database, so that Django's connection stays where it is."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")

    async def do(self, work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        """Run a function in the thread, with a connection that is alive."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, partial(_with_fresh_connection, work, *arguments, **named)
        )

    async def close(self) -> None:
        """End the thread, its connection first."""
        await self.do(_close_connection)
        self._thread.shutdown()


def _close_connection() -> None:
    connection.close()


def _with_fresh_connection(work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    close_old_connections()
    return work(*arguments, **named)


@dataclass(slots=True)
class Worker:
    """What one process needs to carry out runs. `holder` names it in leases; `group` is people per transaction."""

    source: CareRecipientSource
    database: DatabaseThread
    holder: str
    at_once: int = 64
    group: int = 50
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _Trouble:
    """Failures in a row that look like the funder's, not the person's."""

    suspects: list[tuple[ClaimedItem, FunderError]] = field(default_factory=list)
    stop: bool = False


async def work_on_run(worker: Worker, run_id: int) -> None:
    """Carry a run as far as it goes: to its end, or until it is paused, cancelled or this process is asked to stop."""
    run = await worker.database.do(Run.objects.get, pk=run_id)
    while not worker.stopping.is_set():
        if not await worker.database.do(_may_go_on, run_id):
            return
        items = await worker.database.do(
            ledger.claim_items, run_id, worker.holder, max(worker.at_once * 2, worker.group)
        )
        if not items:
            await worker.database.do(ledger.finish_run_if_done, run_id)
            return
        if not await synchronise(worker, run, items):
            return


def _may_go_on(run_id: int) -> bool:
    return Run.objects.filter(id=run_id, status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).exists()


async def synchronise(worker: Worker, run: Run, items: Sequence[ClaimedItem]) -> bool:
    """Synchronise claimed people; gives whether the run may go on. Leases are kept while this works."""
    lease = asyncio.create_task(_keep_lease(worker))
    trouble = _Trouble()
    fetched: asyncio.Queue[tuple[ClaimedItem, Fetched] | None] = asyncio.Queue(maxsize=worker.group * 4)
    writer = asyncio.create_task(_write_groups(worker, fetched))
    try:
        await _fetch_all(worker, run, items, fetched, trouble)
    finally:
        await fetched.put(None)
        await writer
        lease.cancel()
    return await _settle(worker, run, trouble)


async def _keep_lease(worker: Worker) -> None:
    while True:
        await asyncio.sleep(ledger.LEASE.total_seconds() / 4)
        await worker.database.do(ledger.renew_lease, worker.holder)


async def _fetch_all(
    worker: Worker,
    run: Run,
    items: Sequence[ClaimedItem],
    fetched: "asyncio.Queue[tuple[ClaimedItem, Fetched] | None]",
    trouble: _Trouble,
) -> None:
    """Fetch these people, `at_once` at a time; those not begun when trouble or a stop comes are handed back."""
    waiting = iter(items)
    together = len(items) == 1
    open_budgets = OpenBudgets(business_today(), run.open_budget_days or settings.OPEN_BUDGET_DAYS)
    parts = Parts(run.parts)
    left: list[ClaimedItem] = []

    async def fetch_in_turn() -> None:
        for item in waiting:
            if trouble.stop or worker.stopping.is_set():
                left.append(item)
                continue
            try:
                answer = await fetch_care_recipient(
                    worker.source,
                    item.client_id,
                    item.care_recipient_id,
                    open_budgets,
                    parts=parts,
                    together=together,
                )
            except Exception as error:  # noqa: BLE001 one person's failure never stops the run
                await _note_failure(worker, run, item, error, trouble)
            else:
                await _clear_suspects(worker, trouble)
                if run.is_preview:
                    await worker.database.do(record_preview, worker.holder, item, answer)
                else:
                    await fetched.put((item, answer))

    await asyncio.gather(*(fetch_in_turn() for _ in range(min(worker.at_once, len(items)))))
    if left:
        await worker.database.do(ledger.hand_back, worker.holder, left)


async def _note_failure(
    worker: Worker, run: Run, item: ClaimedItem, error: Exception, trouble: _Trouble
) -> None:
    if not isinstance(error, FunderError):
        log.error("a sync stopped with an unexpected %s", type(error).__name__)
    suspicious = isinstance(error, Unavailable) or (
        isinstance(error, NotAllowedIn) and not isinstance(error, NotPermitted)
    )
    if isinstance(error, FunderError) and suspicious and run.total > 1:
        trouble.suspects.append((item, error))
        trouble.stop = trouble.stop or len(trouble.suspects) >= _UNAVAILABLE_IN_A_ROW
        return
    await worker.database.do(ledger.record_failures, [ledger.failure_of(item, error)])


async def _clear_suspects(worker: Worker, trouble: _Trouble) -> None:
    """Somebody got through: those before failed for themselves."""
    if trouble.suspects and not trouble.stop:
        failures = [ledger.failure_of(item, error) for item, error in trouble.suspects]
        trouble.suspects.clear()
        await worker.database.do(ledger.record_failures, failures)


async def _settle(worker: Worker, run: Run, trouble: _Trouble) -> bool:
    """After a chunk: pause the run if the funder is down, else count the last suspects as failed."""
    if not trouble.suspects:
        return True
    if not trouble.stop and len(trouble.suspects) < _UNAVAILABLE_IN_A_ROW:
        failures = [ledger.failure_of(item, error) for item, error in trouble.suspects]
        await worker.database.do(ledger.record_failures, failures)
        return True
    await worker.database.do(ledger.hand_back, worker.holder, [item for item, _ in trouble.suspects])
    await worker.database.do(_pause_for_funder, run.pk, trouble.suspects[-1][1])
    return False


def _pause_for_funder(run_id: int, error: FunderError) -> None:
    run = Run.objects.get(pk=run_id)
    now = timezone.now()
    since = (run.paused_at or now).astimezone(settings.BUSINESS_TIME_ZONE)
    if isinstance(error, Unavailable):
        wait = _wait_after(run, now)
        reason = f"Services Australia unavailable since {since:%H:%M} ({error.message})"
        resumes_at: datetime | None = now + wait
    else:
        reason, resumes_at = f"{error.message} {error.advice}", None
    try:
        pause_run(run, reason, resumes_at)
    except CannotChangeRun:
        log.info("a run was over before it could be paused")


def _wait_after(run: Run, now: datetime) -> timedelta:
    """Twice as long each time, up to a quarter of an hour."""
    if run.paused_at is None:
        return _FIRST_WAIT
    return min(max(_FIRST_WAIT, now - run.paused_at), _LONGEST_WAIT)


# --- Writing in groups ----------------------------------------------------------------------------------------------


async def _write_groups(
    worker: Worker, fetched: "asyncio.Queue[tuple[ClaimedItem, Fetched] | None]"
) -> None:
    """Write whatever has arrived, up to a group at a time; a lone person is written at once."""
    ended = False
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
            await worker.database.do(write_group, worker.holder, group)


def write_group(holder: str, group: Sequence[tuple[ClaimedItem, Fetched]]) -> None:
    """Apply a group in one transaction with its ledger entries. If it cannot be written, each person stands alone."""
    items = [item for item, _ in group]
    try:
        apply_fetched(
            [answers for _, answers in group],
            business_today(),
            on_applied=lambda results: ledger.record_results(holder, items, results),
        )
    except LeaseLost as lost:
        if left := [entry for entry in group if entry[0].item_id not in lost.item_ids]:
            write_group(holder, left)
    except Exception as error:
        if len(group) > 1:
            for entry in group:
                write_group(holder, [entry])
            return
        log.error("the records of a sync could not be written: %s", type(error).__name__)
        ledger.record_failures([_write_failure(items[0], error)])


def _write_failure(item: ClaimedItem, error: Exception) -> Failure:
    return ledger.failure_of(item, error)
