"""Where asynchronous work meets the database: threads that keep Django's connections, one each. No SQL."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from django.db import InterfaceError, InternalError, OperationalError, close_old_connections, connection

log = logging.getLogger(__name__)
Result = TypeVar("Result")

# The database's own trouble, not that of what is being written: full, read-only, locked, gone, restarting.
DATABASE_TROUBLE = (OperationalError, InterfaceError, InternalError)
_WAITS_FOR_DATABASE = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)


class DatabaseThreads:
    """The threads of a process that talk to the database, so that each of Django's connections stays where it is.

    One is enough beside SQLite, whose writers wait for one another. Beside PostgreSQL a second one prepares its
    group of people while the server still stores the first one's.
    """

    def __init__(self, number: int = 1) -> None:
        self._threads = [ThreadPoolExecutor(1, thread_name_prefix=f"database-{place}") for place in range(number)]
        self._waiting = [0] * number

    async def do(self, work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        """Run a function in the thread that has least to do, with a connection that is alive."""
        place = self._waiting.index(min(self._waiting))
        self._waiting[place] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads[place], partial(copy_context().run, _with_fresh_connection, work, *arguments, **named)
            )
        finally:
            self._waiting[place] -= 1

    async def insist(self, work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        """As `do`, for a step that may be done twice: while the database is in trouble, tried again for a while."""
        for seconds in _WAITS_FOR_DATABASE:
            try:
                return await self.do(work, *arguments, **named)
            except DATABASE_TROUBLE as error:
                log.warning("the database refused (%s); trying again", type(error).__name__)
            await asyncio.sleep(seconds)
        return await self.do(work, *arguments, **named)

    async def close(self) -> None:
        """End the threads, their connections first."""
        for thread in self._threads:
            await asyncio.get_running_loop().run_in_executor(thread, close_connection)
            thread.shutdown()


def close_connection() -> None:
    """End this thread's connection."""
    connection.close()  # this thread's, so looked up in this thread


def _with_fresh_connection(work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    close_old_connections()
    return work(*arguments, **named)
