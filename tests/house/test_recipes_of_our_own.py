"""CONTRIBUTING's recipes for our own things work as they are written: work, funder, page, command, setting."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.house.recipes import Recipe, written_recipes
from tests.runs.installation import Installation
from tests.set_up import copy_tables

pytestmark = pytest.mark.slow
FOLLOWED = {
    "Add a field that the funder sends", "Add a kind of record", "Add a kind of work", "Add a funder", "Add a page",
    "Add a command", "Add a setting",
}  # fmt: skip
BY_OTHER_TESTS = {"Add an error"}  # tests/funders/test_errors.py and tests/house/test_docs.py name what is missing
PASSWORD = "wattle-grove-demo"
KINDS, SETTINGS = "src/carefund/runs/kinds.py", "src/carefund/settings.py"
RUN_ITEMS = "src/carefund/console/run_items.py"


def test_every_recipe_is_followed_by_a_test() -> None:
    assert set(written_recipes()) == FOLLOWED | BY_OTHER_TESTS


@pytest.fixture
def installation(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation of the copied sources, not set up yet: the recipe comes first."""
    monkeypatch.setenv("PYTHONPATH", str(tree))
    return Installation(tmp_path / "data", "http://127.0.0.1:9")


def set_up(installation: Installation) -> None:
    """Tables, secrets, and an administrator."""
    copy_tables(installation.folder)
    installation.carefund("setup", "--environment-file", str(installation.folder / "carefund.env"))
    installation.carefund("users", "add", "ada", "--role", "Administrator", "--password", PASSWORD)


def say(installation: Installation, *lines: str) -> str:
    """Return what Python lines print inside the installation."""
    return installation.carefund("manage", "shell", "--verbosity", "0", "-c", "\n".join(lines))


def open_page(installation: Installation, address: str) -> str:
    """Return a page as the administrator sees it."""
    return say(
        installation,
        "from django.contrib.auth.models import User",
        "from django.test import Client",
        "browser = Client(headers={'host': 'localhost'})",
        "browser.force_login(User.objects.get())",
        f"print(browser.get({address!r}).content.decode())",
    )


COUNTING = '''"""Count the clients, as work."""

from carefund.access.roles import may_administer
from carefund.records.models import Client
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, request_once
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemResult, WorkKind


def request_count() -> Run:
    """Ask for the number of clients."""
    return request_once("client-count", NewRunItem("client-count"), trigger=Run.Trigger.ON_DEMAND, scope="all clients")


async def _count(session: Session, item: ClaimedItem) -> ItemResult:
    number = await session.database.do(Client.objects.count)
    return ItemResult(RunItem.Outcome.UNCHANGED, f"Counted {number} clients.")


CLIENT_COUNT = WorkKind("client-count", "Count clients", "counts", _count, may_ask=may_administer)
'''


def test_a_kind_of_work_added_by_the_recipe_is_carried_out_and_listed(tree: Path, installation: Installation) -> None:
    with Recipe("Add a kind of work", tree) as recipe:
        recipe.create("src/carefund/runs/", "counting.py", COUNTING)
        recipe.insert(KINDS, "from carefund.runs.connections", "from carefund.runs.counting import CLIENT_COUNT")
        recipe.insert(KINDS, "    CONNECTION_TEST,", "    CLIENT_COUNT,")
        recipe.insert(RUN_ITEMS, '    "retention": ', '    "client-count": ("Everybody counted", "console:clients"),')
    set_up(installation)
    carried_out = say(
        installation,
        "from carefund.runs.counting import request_count",
        "from carefund.runs.foreground import finish_now",
        "print(finish_now(request_count()).pk)",
    )
    number = carried_out.split()[-1]
    (listed,) = json.loads(installation.carefund("runs", "list", "--kind", "client-count", "--json"))
    assert listed["status"] == "finished"
    assert "Counted 0 clients." in installation.carefund("runs", "show", number, "--csv")
    assert "Everybody counted" in open_page(installation, f"/runs/{number}?only=")


@pytest.fixture
def funder_url() -> Iterator[str]:
    """A funder that knows of everybody that their card is gold."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"card": "Gold"}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()


VETERANS = '''"""Veterans' Affairs: one question. No database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from yarl import URL

from carefund.funders.configuration import FunderConfiguration
from carefund.funders.http import exchange, open_session
from carefund.funders.refusals import refusal


class Card(msgspec.Struct):
    """A veteran's card."""

    card: str


class Veterans:
    """The client."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session, self._base_url = session, base_url

    async def fetch_card(self, number: str) -> str:
        """Return the colour of a veteran's card. Raise FunderError."""
        answer = await exchange(self._session, "veteran_card", "GET", URL(f"{self._base_url}/veterans/{number}"), {})
        if answer.status != 200:
            raise refusal("veteran_card", answer.status, answer.headers, answer.body)
        return msgspec.json.decode(answer.body, type=Card).card


@asynccontextmanager
async def open_veterans(configuration: FunderConfiguration) -> AsyncIterator[Veterans]:
    """Open the client."""
    async with open_session(configuration.timing) as session:
        yield Veterans(session, configuration.base_url)
'''
ENTRY = """

@asynccontextmanager
async def _open_veterans(opening: Opening) -> AsyncIterator[Veterans]:
    async with open_veterans(opening.configuration) as client:
        yield client


register(Funder("veterans", "Veterans' Affairs", "VETERANS", _open_veterans, list_missing=lambda _: []))
"""
CARDS = '''"""Look up veterans' cards, as work."""

from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, request_work
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemResult, WorkKind


def request_cards(numbers: list[str]) -> Run:
    """Ask for the cards of these veterans."""
    items = [NewRunItem(f"veteran:{number}") for number in numbers]
    return request_work("veteran-cards", items, trigger=Run.Trigger.BULK, scope="veterans' cards")


async def _look_up(session: Session, item: ClaimedItem) -> ItemResult:
    return ItemResult(RunItem.Outcome.CHANGED, f"The card is {await session.source.fetch_card(item.held_id)}.")


VETERAN_CARDS = WorkKind("veteran-cards", "Look up veterans' cards", "veterans", _look_up, funder="veterans")
'''


def test_a_funder_added_by_the_recipe_is_asked_by_its_kind_of_work(
    tree: Path, installation: Installation, funder_url: str
) -> None:
    registry = "src/carefund/funders/registry.py"
    with Recipe("Add a funder", tree) as recipe:
        recipe.create("src/carefund/funders/", "veterans.py", VETERANS)
        imported = "from carefund.funders.veterans import Veterans, open_veterans"
        recipe.insert(registry, "from carefund.funders.services_australia.client", imported)
        recipe.append(registry, ENTRY)
        imported = "from carefund.funders.configuration import FunderConfiguration"
        recipe.insert(SETTINGS, "from carefund.environment", imported)
        address = 'env.str("CAREFUND_VETERANS_URL", default="")'
        recipe.insert(SETTINGS, "CLIENT_ID = ", f'VETERANS = FunderConfiguration("veterans", "vendor", {address})')
        recipe.create("src/carefund/runs/", "veterans.py", CARDS)
        recipe.insert(KINDS, "from carefund.runs.service_providers", "from carefund.runs.veterans import VETERAN_CARDS")
        recipe.insert(KINDS, "    RETENTION,", "    VETERAN_CARDS,")
    installation.settings["CAREFUND_VETERANS_URL"] = funder_url
    set_up(installation)
    said = say(
        installation,
        "from carefund.runs.veterans import request_cards",
        "from carefund.runs.foreground import finish_now",
        "run = finish_now(request_cards(['1', '2']))",
        "print(run.status, [item.message for item in run.items.all()])",
    )
    assert "finished ['The card is Gold.', 'The card is Gold.']" in said


VIEW = '''"""Greet whoever comes in."""

from django.http import HttpResponse
from django.shortcuts import render

from carefund.console.page_access import Request, page


@page()
def show(request: Request) -> HttpResponse:
    """Show the greeting."""
    return render(request, "console/greeting.html", {"name": request.user.get_username()})
'''
TEMPLATE = """{% extends "console/base.html" %}
{% block title %}Greeting{% endblock %}
{% block content %}
    <h1>Good day, {{ name }}</h1>
{% endblock %}
"""


def test_a_page_added_by_the_recipe_is_shown_and_refuses_strangers(tree: Path, installation: Installation) -> None:
    urls = "src/carefund/console/urls.py"
    with Recipe("Add a page", tree) as recipe:
        recipe.create("src/carefund/console/views/", "greeting.py", VIEW)
        recipe.create("src/carefund/console/templates/console/", "greeting.html", TEMPLATE)
        imported = "from carefund.console.views import greeting"
        recipe.insert(urls, "from carefund.console.ndis", imported)
        recipe.insert(urls, '    path("", home', '    path("greeting", greeting.show, name="greeting"),')
    set_up(installation)
    assert "Good day, ada" in open_page(installation, "/greeting")
    stranger = say(
        installation,
        "from django.test import Client",
        "print(Client(headers={'host': 'localhost'}).get('/greeting').headers['Location'])",
    )
    assert stranger.strip().endswith("/sign-in?next=/greeting")


GREET = '''"""`carefund greet`: say good day."""

import json
from typing import Annotated

import typer


def greet(name: str, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Greet somebody."""
    print(json.dumps({"greeted": name}) if as_json else f"Good day, {name}")
'''


def test_a_command_added_by_the_recipe_runs_and_explains_itself(tree: Path, installation: Installation) -> None:
    main = "src/carefund/cli/main.py"
    with Recipe("Add a command", tree) as recipe:
        recipe.create("src/carefund/cli/", "greet.py", GREET)
        recipe.insert(main, "    device,", "    greet,")
        recipe.insert(main, 'app.command("sync")', 'app.command("greet")(greet.greet)')
    set_up(installation)
    assert installation.carefund("greet", "Iris") == "Good day, Iris\n"
    assert json.loads(installation.carefund("greet", "Iris", "--json")) == {"greeted": "Iris"}
    assert "Greet somebody." in installation.carefund("greet", "--help")


def test_a_setting_added_by_the_recipe_is_read_and_refused_when_wrong(tree: Path, installation: Installation) -> None:
    with Recipe("Add a setting", tree) as recipe:
        line = 'GREETINGS = env.int("CAREFUND_GREETINGS", default=3)'
        recipe.insert(SETTINGS, "PROVIDER_NAME = ", line)
    installation.folder.mkdir()
    lines = ("from django.conf import settings", "print(settings.GREETINGS)")
    assert say(installation, *lines) == "3\n"
    installation.settings["CAREFUND_GREETINGS"] = "5"
    assert say(installation, *lines) == "5\n"
    installation.settings["CAREFUND_GREETINGS"] = "many"
    refused = installation.carefund("check", status=1)
    assert "CAREFUND_GREETINGS" in refused
    assert "Traceback" not in refused
