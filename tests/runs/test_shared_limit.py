"""The limiter that all processes share, on PostgreSQL: nobody waits for ever, whenever a share is given back."""

import asyncio
import random

import pytest

from carefund.runs import shared_limit as shared_pace
from carefund.runs.models import CallLimit
from carefund.runs.shared_limit import SharedLimiter

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_a_caller_who_comes_while_the_share_is_given_back_is_let_in(monkeypatch):
    monkeypatch.setattr(shared_pace, "_ROUND_SECONDS", 0.01)

    async def come_and_go():
        limiter = SharedLimiter("a funder", 0, 2)
        for _ in range(150):
            async with asyncio.timeout(5):
                await asyncio.gather(*(limiter.wait() for _ in range(2)))
            limiter.done()
            limiter.done()
            await asyncio.sleep(random.uniform(0.02, 0.06))
        await limiter.close()

    asyncio.run(come_and_go())
    assert CallLimit.objects.get().shares == {}


def test_a_caller_who_gives_up_leaves_the_place_to_the_next():
    async def give_up():
        limiter = SharedLimiter("a funder", 0, 1)
        await limiter.wait()
        impatient = asyncio.create_task(limiter.wait())
        patient = asyncio.create_task(limiter.wait())
        await asyncio.sleep(0.1)
        impatient.cancel()
        limiter.done()
        async with asyncio.timeout(5):
            await patient
        limiter.done()
        await limiter.close()

    asyncio.run(give_up())


def test_two_processes_never_have_more_under_way_than_allowed():
    async def compete():
        most = under_way = 0
        limiters = [SharedLimiter("a funder", 0, 3), SharedLimiter("a funder", 0, 3)]

        async def call(limiter):
            nonlocal most, under_way
            await limiter.wait()
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.02)
            under_way -= 1
            limiter.done()

        async with asyncio.timeout(30):
            await asyncio.gather(*(call(limiter) for _ in range(60) for limiter in limiters))
        for limiter in limiters:
            await limiter.close()
        return most

    assert asyncio.run(compete()) <= 3
