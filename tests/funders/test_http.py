"""Calls: writes are sent once, limits hold, and nothing about a person reaches a log."""

import asyncio
import logging
import time
from dataclasses import replace
from itertools import islice
from uuid import RFC_4122, UUID

import pytest
from aiohttp import web

from carefund.funders.configuration import SANDBOX_TIMING, configure
from carefund.funders.errors.access import NotAuthenticated
from carefund.funders.errors.configuring import WrongAddress
from carefund.funders.errors.outages import Unavailable
from carefund.funders.errors.requests import Conflict
from carefund.funders.errors.root import FunderError
from carefund.funders.http import Caller, back_off, message_ids, open_session, proxy_for
from carefund.funders.limiter import InMemoryLimiter
from carefund.funders.sessions import open_caller
from tests.funders.conftest import serving

pytestmark = pytest.mark.anyio


class TwoTokens:
    """Tokens for servers that do not look at them: one, and once it was refused another."""

    def __init__(self):
        self.token = "token"

    def current(self):
        return self.token

    async def fetch_token(self, refused=""):
        self.token = "another"
        return self.token


async def ask(handler, work, **timing):
    """Run `work(caller)` against a server of one function."""
    async with serving(handler) as url:
        configuration = configure("services-australia", base_url=url, timing={"back_off_seconds": 0.01, **timing})
        async with open_session(configuration.timing) as session:
            return await work(Caller(session, configuration, TwoTokens(), InMemoryLimiter(0)))


@pytest.mark.parametrize("status", [500, 429, 503])
async def test_a_write_is_never_tried_again(status):
    seen = []

    async def handler(request):
        seen.append(request.method)
        return web.Response(status=status)

    with pytest.raises(Unavailable):
        await ask(handler, lambda caller: caller.send("submit_claim", "POST", "/claim/v1", body=b"{}"))
    assert seen == ["POST"]


async def test_a_write_refused_with_401_is_not_repeated_but_the_next_call_has_a_new_token():
    seen = []

    async def handler(request):
        seen.append(request.headers["Authorization"])
        return web.Response(status=401 if len(seen) == 1 else 201, headers={"ETag": '"7"'}, body=b"{}")

    async def twice(caller):
        with pytest.raises(NotAuthenticated):
            await caller.send("create_invoice", "POST", "/invoice/v1", body=b"{}")
        return await caller.send("create_invoice", "POST", "/invoice/v1", body=b"{}")

    answer = await ask(handler, twice)
    assert seen == ["Bearer token", "Bearer another"]
    assert (answer.status, answer.etag, answer.body) == (201, '"7"', b"{}")


async def test_a_write_carries_the_version_it_was_made_from():
    seen = {}

    async def handler(request):
        seen.update({name.lower(): value for name, value in request.headers.items()}, body=await request.read())
        return web.Response(status=409)

    with pytest.raises(Conflict):
        await ask(handler, lambda caller: caller.send("update_item", "PUT", "/x", body=b'{"a":1}', if_match='"7"'))
    assert (seen["if-match"], seen["body"]) == ('"7"', b'{"a":1}')
    assert seen["x-requested-with"]


async def test_a_redirect_is_not_followed():
    async def handler(request):
        return web.Response(status=302, headers={"Location": "https://elsewhere.example/"})

    with pytest.raises(WrongAddress):
        await ask(handler, lambda caller: caller.read("x", "/x"))


async def test_the_number_of_calls_under_way_is_limited():
    under_way = most = 0

    async def handler(request):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return web.Response(body=b"[]")

    async def work(caller):
        await asyncio.gather(*(caller.read("x", "/x") for _ in range(30)))

    await ask(handler, work, calls_at_once=4)
    assert most == 4


async def test_waiting_for_a_place_is_no_time_out():
    async def handler(request):
        await asyncio.sleep(0.05)
        return web.Response(body=b"[]")

    async def work(caller):
        await asyncio.gather(*(caller.read("x", "/x") for _ in range(12)))

    await ask(handler, work, calls_at_once=1, timeout_seconds=0.3)


async def test_calls_per_second_are_limited():
    limiter = InMemoryLimiter(20)
    begun = time.monotonic()
    await asyncio.gather(*(limiter.wait() for _ in range(50)))
    assert 1.9 < time.monotonic() - begun < 4


async def test_less_than_one_call_per_second_is_possible():
    limiter = InMemoryLimiter(0.5)
    await limiter.wait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limiter.wait(), 0.3)


def test_pauses_grow_and_are_never_alike():
    timing = replace(SANDBOX_TIMING, back_off_seconds=1, longest_wait_seconds=10)
    for attempt, longest in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (50, 10)):
        pauses = [back_off(attempt, timing) for _ in range(50)]
        assert all(longest / 2 <= pause <= longest for pause in pauses)
        assert len(set(pauses)) > 40


async def test_no_id_or_address_reaches_a_log(sandbox, configuration, store, caplog):
    caplog.set_level(logging.DEBUG)
    sandbox.fault(kind="drop", operation="x", times=1)
    async with open_caller(configuration, store) as caller:
        for path in ("/service/support-at-home/care-recipient/v1/400000001/summary", "/nowhere/400000001"):
            try:
                await caller.read("care_recipient_summary", path)
            except FunderError as problem:
                logging.getLogger("carefund").warning("failed: %s", problem, exc_info=problem)
    assert "400000001" not in caplog.text


def test_message_ids_are_random_uuids_of_version_4():
    made = list(islice(message_ids(), 1000))
    assert len(set(made)) == len(made)
    for text in made:
        assert text.startswith("urn:uuid:")
        known = UUID(text)
        assert (known.version, known.variant) == (4, RFC_4122)
        assert f"urn:uuid:{known}" == text


@pytest.fixture
def forget_proxies():
    proxy_for.cache_clear()
    yield
    proxy_for.cache_clear()


async def test_calls_go_through_the_proxy_of_the_environment(monkeypatch, forget_proxies):
    asked = []

    async def through(request):
        asked.append((str(request.url), request.headers.get("Proxy-Authorization", "")))
        return web.json_response([])

    async with serving(through) as proxy:
        monkeypatch.setenv("http_proxy", proxy.replace("//", "//wilma:secret@"))
        monkeypatch.setenv("no_proxy", "inside.example")
        configuration = configure("services-australia", base_url="http://funder.example/acws")
        async with open_session(configuration.timing) as session:
            caller = Caller(session, configuration, TwoTokens(), InMemoryLimiter(0))
            assert (await caller.read("budgets", "/budget/v1/1")).body == b"[]"
    assert asked == [("http://funder.example/acws/budget/v1/1", "Basic d2lsbWE6c2VjcmV0")]
    assert proxy_for("http", "inside.example") is None


def test_this_machine_is_never_asked_through_a_proxy(monkeypatch, forget_proxies):
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert [proxy_for("http", host) for host in ("127.0.0.1", "localhost", "::1")] == [None] * 3
    assert proxy_for("http", "funder.example") == "http://proxy.example:3128"
