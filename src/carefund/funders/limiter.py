"""How fast calls may start: one gate that all callers of a funder pass. No network."""

import asyncio
import time
from typing import Protocol

from pyrate_limiter import InMemoryBucket, Limiter, Rate, SingleBucketFactory


class CallLimiter(Protocol):
    """A gate before each call; several processes may share one through a database."""

    async def wait(self) -> None:
        """Return when the next call may start."""

    def done(self) -> None:
        """A call that `wait` let start has ended."""

    async def slow_down(self, seconds: float) -> None:
        """Let nobody through for a while: the funder asked for it."""


class InMemoryLimiter:
    """At most so many calls per second from this process, in any one second; a rate of 0 never holds anybody up."""

    def __init__(self, calls_per_second: float) -> None:
        self._closed_until = 0.0
        self._bucket: InMemoryBucket | None = None
        self._limiter: Limiter | None = None
        if calls_per_second > 0:
            whole = max(1, int(calls_per_second))
            self._bucket = InMemoryBucket([Rate(whole, round(1000 * whole / calls_per_second))])
            # No leaker: it is a thread of its own, and this bucket is emptied below.
            self._limiter = Limiter(SingleBucketFactory(self._bucket, schedule_leak=False), buffer_ms=5)

    async def wait(self) -> None:
        """Return when the next call may start."""
        while (left := self._closed_until - time.monotonic()) > 0:  # noqa: ASYNC110  (it may be closed for longer)
            await asyncio.sleep(left)
        if self._limiter is not None and self._bucket is not None:
            await self._limiter.try_acquire_async("call")
            self._bucket.leak(time.monotonic_ns() // 1_000_000)

    def done(self) -> None:
        """Nothing to do: this pace does not count calls under way."""

    async def slow_down(self, seconds: float) -> None:
        """Let nobody through for so many seconds from now."""
        self._closed_until = max(self._closed_until, time.monotonic() + seconds)
