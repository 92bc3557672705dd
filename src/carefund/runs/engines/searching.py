"""The engines' part of Sync Service Providers: beside all other work, take a search that waits, one at a time.

It has a thread to the database of its own, since storing what was found for all clients may take a while.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from django.db import DatabaseError, InterfaceError

from carefund.funders.errors import FunderError
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.runs.database import DatabaseThreads
from carefund.runs.engines.carrying import AFTER_TROUBLE_SECONDS, rest
from carefund.runs.service_providers import failing, find_waiting_search, make_holder, search_providers, take_search

log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0


async def search_when_asked(source: object, stopping: asyncio.Event) -> None:
    """Work on whatever search waits, until asked to stop; one under way then is left for another process."""
    if not isinstance(source, ServicesAustralia):
        return
    holder, database = make_holder(), DatabaseThreads()
    try:
        while not stopping.is_set():
            try:
                search_id = await database.do(find_waiting_search)
                if search_id is not None and await database.do(take_search, search_id, holder):
                    await _until_stopped(stopping, _search(search_id, holder, source, database))
            except (DatabaseError, InterfaceError) as error:
                log.error("the database refused a search for service providers: %s", type(error).__name__)
                await rest(stopping, AFTER_TROUBLE_SECONDS)
            await rest(stopping, _LOOK_SECONDS)
    finally:
        await database.close()


async def _search(search_id: int, holder: str, source: ServicesAustralia, database: DatabaseThreads) -> None:
    """Never raises but for a database in trouble: what goes wrong is told in the search."""
    try:
        async with failing(search_id, holder, database):
            await search_providers(search_id, holder, source, database)
    except FunderError as problem:
        log.warning("a search for service providers stopped: %s", problem)
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 told in the search; the next one may fare better
        log.error("a search for service providers stopped with an unexpected %s", type(error).__name__)


async def _until_stopped(stopping: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Let it work, and break it off at a stop."""
    working, stop = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        for task in (working, stop):
            task.cancel()
        await asyncio.gather(working, stop, return_exceptions=True)
