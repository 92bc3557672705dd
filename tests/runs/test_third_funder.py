"""A third funder, made of public seams alone: an entry in the table of funders, a kind of work, and nothing else.

Veterans' Affairs is a name only: what answers here is a few lines over loopback HTTP, with fictitious cards.
"""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
import pytest
from django.utils import timezone
from yarl import URL

from carefund.funders import registry
from carefund.funders.configuration import FunderConfiguration, Timing
from carefund.funders.http import exchange, open_session
from carefund.funders.limiter import CallLimiter
from carefund.funders.refusals import refusal
from carefund.funders.registry import Funder, Opening
from carefund.runs import housekeeping, kinds
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, pause_run, request_work, resume_run, retry_failures
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemResult, WorkKind

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "veterans-affairs"
PEOPLE = 24


@dataclass
class Server:
    """What the pretend funder holds, and how it behaves at the moment."""

    url: str = ""
    is_down: bool = False
    unknown: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    seconds: float = 0.0


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    waiting = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = self.path.rsplit("/", 1)[1]
            state.asked.append(number)
            waiting.wait(state.seconds)
            status = 503 if state.is_down else 404 if number in state.unknown else 200
            body = json.dumps({"card": "Gold" if int(number) % 2 else "White"}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{listening.server_port}"
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield state
    listening.shutdown()


@dataclass
class Veterans:
    """The client: one question."""

    session: aiohttp.ClientSession
    configuration: FunderConfiguration
    limiter: CallLimiter | None

    async def fetch_card(self, number: str) -> str:
        """The colour of a veteran's card. Raises FunderError."""
        if self.limiter:
            await self.limiter.wait()
        try:
            url = URL(f"{self.configuration.base_url}/veterans/{number}")
            answer = await exchange(self.session, "veteran_card", "GET", url, {})
        finally:
            if self.limiter:
                self.limiter.done()
        if answer.status != 200:
            raise refusal("veteran_card", answer.status, answer.headers, answer.body)
        return str(json.loads(answer.body)["card"])


@asynccontextmanager
async def open_veterans(opening: Opening) -> AsyncIterator[Veterans]:
    async with open_session(opening.configuration.timing) as session:
        yield Veterans(session, opening.configuration, opening.limiter)


async def find_card(session: Session, item: ClaimedItem) -> ItemResult:
    card = await session.source.fetch_card(item.held_id)
    return ItemResult(RunItem.Outcome.CHANGED, f"Card: {card}.", result={"card": card})


@pytest.fixture
def veterans(server: Server, settings: object) -> Iterator[Server]:
    """An installation that knows the third funder."""
    timing = Timing(calls_at_once=4, calls_per_second=0, attempts=1, back_off_seconds=0.01)
    settings.VETERANS = FunderConfiguration(NAME, "sandbox", server.url, timing=timing)  # type: ignore[attr-defined]
    registry.register(Funder(NAME, "Veterans' Affairs", "VETERANS", open_veterans, list_missing=lambda *_: []))
    kinds.register(WorkKind("veteran-cards", "Look up veterans' cards", "veterans", find_card, funder=NAME))
    yield server
    kinds.unregister("veteran-cards")
    registry.unregister(NAME)


def ask(number: int = PEOPLE) -> Run:
    items = [NewRunItem(f"veteran:{veteran_number}") for veteran_number in range(number)]
    return request_work("veteran-cards", items, trigger=Run.Trigger.BULK, scope="all veterans")


CarryOut = Callable[..., Run]


def test_a_bulk_run_asks_about_each_once(veterans: Server, carry_out: CarryOut) -> None:
    run = carry_out(ask())
    assert run.status == Run.Status.FINISHED
    assert sorted(veterans.asked, key=int) == [str(number) for number in range(PEOPLE)]
    assert {item.result["card"] for item in run.items.all()} == {"Gold", "White"}


def test_an_outage_pauses_the_run_and_it_resumes_when_the_funder_answers(veterans: Server, carry_out: CarryOut) -> None:
    veterans.is_down = True
    run = carry_out(ask())
    assert run.status == Run.Status.PAUSED
    assert re.match(r"Veterans' Affairs unavailable since \d\d:\d\d", run.paused_reason)
    assert run.resumes_at is not None
    assert run.items.filter(status="queued").count() == PEOPLE, "nobody was burnt"
    veterans.is_down = False
    veterans.asked.clear()
    Run.objects.update(resumes_at=timezone.now() - timedelta(seconds=1))
    housekeeping.tidy()
    run = carry_out(run)
    assert (run.status, run.paused_reason) == (Run.Status.FINISHED, "")
    assert sorted(veterans.asked, key=int) == [str(number) for number in range(PEOPLE)]


def test_a_person_pauses_and_resumes_it(veterans: Server, carry_out: CarryOut) -> None:
    veterans.seconds = 0.4
    run = ask()

    async def pause(worker: object) -> None:
        await asyncio.sleep(0.5)
        await worker.database.do(pause_run, run)  # type: ignore[attr-defined]

    run = carry_out(run, pause)
    done = run.items.filter(status="done").count()
    assert run.status == Run.Status.PAUSED
    assert 0 < done < PEOPLE
    assert not run.items.filter(status="running").exists()
    veterans.seconds = 0.0
    assert carry_out(resume_run(run)).status == Run.Status.FINISHED
    assert sorted(veterans.asked, key=int) == [str(number) for number in range(PEOPLE)]


def test_only_what_failed_is_retried(veterans: Server, carry_out: CarryOut) -> None:
    veterans.unknown = {"3", "7"}
    run = carry_out(ask(10))
    failed = run.items.filter(outcome="failed")
    assert {item.holds for item in failed} == {"veteran:3", "veteran:7"}
    assert all(item.message and item.advice for item in failed)
    veterans.unknown.clear()
    again = carry_out(retry_failures(run))
    assert (again.kind, again.total, again.items.filter(outcome="changed").count()) == ("veteran-cards", 2, 2)
