"""The threads that talk to the database: each its own connection, none waits while another is free."""

import asyncio
import threading

import pytest
from django.db import OperationalError

from carefund.runs.database_threads import DatabaseThreads

pytestmark = pytest.mark.anyio


async def test_two_threads_work_at_the_same_time() -> None:
    database = DatabaseThreads(2)
    meeting = threading.Barrier(2, timeout=10)
    try:
        await asyncio.gather(database.do(meeting.wait), database.do(meeting.wait))
        names = {await database.do(lambda: threading.current_thread().name) for _ in range(5)}
    finally:
        await database.close()
    assert names == {"database-0_0"}  # whoever is free and first


async def test_one_thread_does_one_thing_after_another() -> None:
    database = DatabaseThreads()
    under_way, most = 0, 0

    def step() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        threading.Event().wait(0.01)
        under_way -= 1

    try:
        await asyncio.gather(*(database.do(step) for _ in range(5)))
    finally:
        await database.close()
    assert most == 1


async def test_a_step_is_tried_again_while_the_database_is_in_trouble() -> None:
    database, tries = DatabaseThreads(), []

    def step() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("restarting")
        return len(tries)

    try:
        assert await database.insist(step) == 3
        with pytest.raises(ValueError, match="mine"):
            await database.insist(int, "mine")
    finally:
        await database.close()
