"""One limit on calls for all processes of an installation: the funder throttles the caller, not the process.

One row per funder says from when the next call may start, until when nobody may call, and how many calls at once each
process may have under way. Times for several calls are reserved with one statement, so nobody polls and the row is
seldom asked. A process without work gives its places back; those of a dead one return by themselves.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from carefund.funders.configuration import FunderConfiguration
from carefund.runs.database_threads import DatabaseThreads
from carefund.runs.models import CallLimit

log = logging.getLogger(__name__)

_ROUND_SECONDS = 1.0
_EXPIRES_SECONDS = 10.0
_IDLE_ROUNDS = 3
_TURN_SECONDS = 10.0
# Times are reserved for so many seconds ahead at most, so that a process that dies, or someone who waits, costs little.
_RESERVE_SECONDS = 0.2
_AFTER_TROUBLE_SECONDS = 0.5


@asynccontextmanager
async def open_call_limiter(configuration: FunderConfiguration) -> AsyncIterator["SharedLimiter | None"]:
    """The limiter that all processes on this database share; None beside SQLite, where one process does the work."""
    if not settings.ON_POSTGRESQL:
        yield None
        return
    timing = configuration.timing
    limiter = SharedLimiter(configuration.funder, timing.calls_per_second, timing.calls_at_once)
    try:
        yield limiter
    finally:
        await limiter.close()


class SharedLimiter:
    """A gate before each call, shared through the database. Use within one event loop, and close it."""

    def __init__(self, funder: str, calls_per_second: float, calls_at_once: int) -> None:
        """`calls_per_second` of 0: no limit but that on calls at once."""
        self._funder = funder
        self._rate = calls_per_second
        self._total = calls_at_once
        self._process = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._database = DatabaseThreads()
        self._closed_until = 0.0
        self._limit = 0
        self._under_way = 0
        self._for_place: deque[asyncio.Future[None]] = deque()
        self._for_time: deque[asyncio.Future[None]] = deque()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def wait(self) -> None:
        """Return when the next call may start; whoever returned calls `done` afterwards."""
        self._keep_running("share", self._keep_share)
        if self._under_way < self._limit and not self._for_place:
            self._under_way += 1
        else:
            await self._queue(self._for_place, holds_place=True)
        try:
            if self._rate > 0:
                self._keep_running("times", self._give_times)
                await self._queue(self._for_time, holds_place=False)
            while (left := self._closed_until - time.monotonic()) > 0:  # noqa: ASYNC110 (it may be closed for longer)
                await asyncio.sleep(left)
        except BaseException:
            self.done()
            raise

    def done(self) -> None:
        """A call that `wait` let start has ended."""
        self._under_way -= 1
        self._let_in()

    async def slow_down(self, seconds: float) -> None:
        """Let nobody through for so many seconds from now, in no process."""
        self._closed_until = max(self._closed_until, time.monotonic() + seconds)
        with contextlib.suppress(DatabaseError, InterfaceError):
            await self._database.do(_close, self._funder, seconds)

    async def close(self) -> None:
        """Give the places back and end."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        with contextlib.suppress(DatabaseError, InterfaceError):
            await self._database.do(_give_back, self._funder, self._process)
        await self._database.close()

    def _keep_running(self, name: str, work: Any) -> None:
        task = self._tasks.get(name)
        if task is None or task.done():
            self._tasks[name] = asyncio.create_task(work())

    async def _queue(self, queue: "deque[asyncio.Future[None]]", *, holds_place: bool) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if holds_place and future.done() and not future.cancelled():  # let in at the very moment of giving up
                self.done()
            raise

    def _let_in(self) -> None:
        while self._for_place and self._under_way < self._limit:
            future = self._for_place.popleft()
            if not future.done():
                self._under_way += 1
                future.set_result(None)

    async def _keep_share(self) -> None:
        """While there are calls, agree with the other processes on who may have how many under way."""
        idle = 0
        while self._under_way or self._for_place or idle < _IDLE_ROUNDS:
            idle = 0 if self._under_way or self._for_place else idle + 1
            with contextlib.suppress(DatabaseError, InterfaceError):
                share = await self._database.do(_take_share, self._funder, self._process, self._total, self._under_way)
                self._limit, closed_for = share
                self._closed_until = max(self._closed_until, time.monotonic() + closed_for)
                self._let_in()
            await asyncio.sleep(_ROUND_SECONDS)
            if idle == _IDLE_ROUNDS and not (self._under_way or self._for_place):
                self._limit = 0
                with contextlib.suppress(DatabaseError, InterfaceError):
                    await self._database.do(_give_back, self._funder, self._process)

    async def _give_times(self) -> None:
        """While somebody waits, reserve times and let one call start at each."""
        while any(not future.done() for future in self._for_time):
            wanted = min(len(self._for_time), max(1, int(self._rate * _RESERVE_SECONDS)))
            try:
                first = time.monotonic() + await self._database.do(_reserve, self._funder, wanted, self._rate)
            except (DatabaseError, InterfaceError) as error:
                log.warning("the database refused the limit on calls: %s", type(error).__name__)
                await asyncio.sleep(_AFTER_TROUBLE_SECONDS)
                continue
            for number in range(wanted):
                await asyncio.sleep(first + number / self._rate - time.monotonic())
                self._let_one_start()

    def _let_one_start(self) -> None:
        while self._for_time:
            future = self._for_time.popleft()
            if not future.done():
                future.set_result(None)
                return


def _reserve(funder: str, number: int, rate: float) -> float:
    """Reserve times for so many calls, one after another at this rate; gives the seconds until the first."""
    span = number / rate
    statement = (
        "UPDATE runs_calllimit SET next_at = GREATEST(next_at, closed_until, clock_timestamp())"
        " + make_interval(secs => %s) WHERE funder = %s"
        " RETURNING EXTRACT(EPOCH FROM next_at - clock_timestamp()) - %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [span, funder, span])
        row = cursor.fetchone()
        if row is None:
            CallLimit.objects.get_or_create(funder=funder)
            cursor.execute(statement, [span, funder, span])
            row = cursor.fetchone()
    return max(0.0, float(row[0]))


def _close(funder: str, seconds: float) -> None:
    CallLimit.objects.get_or_create(funder=funder)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_calllimit SET closed_until = GREATEST(closed_until, clock_timestamp()"
            " + make_interval(secs => %s)) WHERE funder = %s",
            [seconds, funder],
        )


def _take_share(funder: str, process: str, total: int, under_way: int) -> tuple[int, float]:
    """How many calls this process may have under way from now on, and for how many seconds nobody may call."""
    CallLimit.objects.get_or_create(funder=funder)
    with transaction.atomic():
        limit = CallLimit.objects.select_for_update().get(funder=funder)
        now, closed_for = _clock(funder)
        shares = {name: share for name, share in limit.shares.items() if share["until"] > now and name != process}
        names = sorted([*shares, process])
        place = (names.index(process) + int(now // _TURN_SECONDS)) % len(names)
        fair = total // len(names) + (1 if place < total % len(names) else 0)
        # What others still have under way is theirs until they have ended it.
        free = total - sum(share["places"] for share in shares.values())
        granted = max(0, min(fair, free))
        shares[process] = {"places": max(granted, under_way), "until": now + _EXPIRES_SECONDS}
        limit.shares = shares
        limit.save(update_fields=["shares"])
    return granted, closed_for


def _give_back(funder: str, process: str) -> None:
    with transaction.atomic():
        limit = CallLimit.objects.select_for_update().filter(funder=funder).first()
        if limit and limit.shares.pop(process, None):
            limit.save(update_fields=["shares"])


def _clock(funder: str) -> tuple[float, float]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXTRACT(EPOCH FROM clock_timestamp()), EXTRACT(EPOCH FROM closed_until - clock_timestamp())"
            " FROM runs_calllimit WHERE funder = %s",
            [funder],
        )
        now, closed_for = cursor.fetchone()
    return float(now), max(0.0, float(closed_for))
