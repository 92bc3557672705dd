"""First contact: a fresh installation, a funder in a dialect that nobody wrote, and an administrator with a browser."""

import os
import socket
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from playwright.sync_api import Browser, Page, expect

from carefund.funders.dialect import Interfaces
from carefund.funders.interfaces.file import as_text
from sandbox.services_australia.budgets import kept_budgets
from sandbox.services_australia.rows import budget_row
from sandbox.world import World
from tests.cli.one_person.test_interfaces import Dice, differs_in_all
from tests.conftest import DEVICE, Sandbox
from tests.funders.dialects import TODAY, ask, make_dialect, save_descriptions, speaking
from tests.installation import Installation
from tests.journeys.conftest import DESKTOP, PASSWORD, PATIENCE, wait_for
from tests.set_up import copy_tables

pytestmark = pytest.mark.browser
PERSON = "400000003"
FIGURES = ("total", "available", "used", "writeOff", "rolloverDeduction")
WAYS = ("same", "snake", "pascal", "dressed", "other")


@pytest.fixture(scope="module")
def theirs() -> Interfaces:
    """The dialect of a generator that nobody looked at, in which much is called otherwise."""
    generated = (make_dialect(Dice(seed).choose, WAYS) for seed in count(31))
    return next(dialect for dialect in generated if differs_in_all(dialect))


@pytest.fixture
def url(theirs: Interfaces, tmp_path: Path) -> Iterator[str]:
    """A funder that speaks it."""
    file = tmp_path / "theirs.toml"
    file.write_text(as_text({"services-australia": theirs}))
    with speaking(file) as address:
        yield address


@pytest.fixture
def installation(tmp_path: Path, url: str) -> Installation:
    """Carefund with a device, an administrator and a client, as an installer leaves it."""
    environment = {
        "CAREFUND_ENVIRONMENT_FILE": os.devnull,
        "CAREFUND_DATA_FOLDER": str(tmp_path / "data"),
        "CAREFUND_SECRET_KEY": "only-for-this-test",
        "CAREFUND_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "CAREFUND_SANDBOX_URL": url,
        "CAREFUND_LOG_LEVEL": "WARNING",
    }
    copy_tables(tmp_path / "data")
    made = Installation(tmp_path, Sandbox(url), environment)
    code = ask(url, "/proda/devices", {"deviceName": DEVICE})["activationCode"]
    for words in (
        ("device", "activate", code),
        ("users", "add", "ada", "--password", PASSWORD),
        ("clients", "add", PERSON, "Wilma", "Example"),
    ):
        done = made.type(*words)
        assert done.status == 0, done.err
    return made


@contextmanager
def running(installation: Installation, port: int, *, with_worker: bool) -> Iterator[None]:
    """Carefund, started and stopped. Its worker is a process beside the server, which would have it give way to all
    others."""
    processes = [installation.begin("serve", "--port", str(port), "--web-only")]
    processes += [installation.begin("worker")] if with_worker else []
    try:
        wait_for(f"http://127.0.0.1:{port}")
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.communicate(timeout=40)


@pytest.fixture
def port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.fixture
def page(chromium: Browser, port: int) -> Iterator[Page]:
    expect.set_options(timeout=PATIENCE)
    context = chromium.new_context(
        viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, base_url=f"http://127.0.0.1:{port}"
    )
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def sign_in(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def compare(page: Page, descriptions: list[Path]) -> None:
    """Upload the descriptions, by way of the page of connections."""
    page.goto("/administration/connections")
    page.get_by_role("link", name="Compare, try and share").click()
    page.get_by_label("Descriptions", exact=True).set_input_files(descriptions)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible()
    expect(page.locator("summary").filter(has_text="budget_details: BudgetDetails1Get")).to_be_visible()


def answer_questions(page: Page, theirs: Interfaces) -> int:
    """Tick what is so, as somebody who knows the funder; gives how many questions there were."""
    asked = page.get_by_role("checkbox").all()
    for box in asked:
        box.set_checked(is_so(theirs, *(box.get_attribute("value") or "").split("|")))
    return len(asked)


def is_so(theirs: Interfaces, interface: str, table: str, ours: str, name: str) -> bool:
    """Whether the funder of aged care calls ours so; the NDIA speaks as it is known to."""
    dialect, (operation, _, parameter) = theirs.dialect, ours.partition(".")
    said: dict[str, object] = {
        "members": dict(dialect.members).get(ours),
        "signs": "opposite" if ours in dialect.turned else "usual",
        "dates": dialect.date_format if ours == "format" else dialect.sent_date_format,
        "envelopes": dict(dialect.envelopes).get(ours),
        "paths": theirs.paths.get(ours, "").partition("?")[0],
        "parameters": theirs.parameters_of(operation).get(parameter),
    }
    return interface == "services-australia" and said[table] == name.partition("?")[0]


def use_the_file(page: Page) -> None:
    page.get_by_role("button", name="Show the file").click()
    expect(page.locator("pre").filter(has_text="[services-australia.members.Budget]")).to_be_visible()
    page.get_by_role("button", name="Use this file").click()
    expect(page.get_by_text("A newer file was accepted.")).to_be_visible()


def try_and_synchronise(page: Page) -> None:
    page.goto("/administration/connections/interfaces")
    page.get_by_label("Care Recipient ID or NDIS number").fill(PERSON)
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.get_by_role("rowheader", name="budget_details", exact=True)).to_be_visible(timeout=4 * PATIENCE)
    page.get_by_role("link", name="Synchronise this client").click()
    page.get_by_role("button", name="Sync", exact=True).click()
    expect(page.get_by_text("The sync is finished.")).to_be_visible(timeout=4 * PATIENCE)


def read_figures(installation: Installation) -> dict[str, list[Decimal]]:
    """What is stored of each budget."""
    columns = "total, available, used, write_off, rollover_deduction"
    rows = Installation(installation.folder / "data", installation.sandbox).rows(
        f"SELECT budget_id, {columns} FROM records_planbudget"
    )
    return {row[0]: [Decimal(str(amount)) for amount in row[1:]] for row in rows}


def plain_figures() -> dict[str, list[Decimal]]:
    """What a funder who speaks plainly says of each budget."""
    entry = World(60, "carefund", date.fromisoformat(TODAY)).entry(int(PERSON) - 400_000_000)
    rows = [budget_row(entry.person, budget) for budget in kept_budgets(entry)]
    return {row["budgetId"]: [Decimal(str(row[name])) for name in FIGURES] for row in rows}


def test_the_page_alone_leads_to_a_synchronised_client_with_right_figures(
    installation: Installation, theirs: Interfaces, url: str, page: Page, port: int, tmp_path: Path
) -> None:
    descriptions = save_descriptions(url, tmp_path)
    with running(installation, port, with_worker=False):
        sign_in(page)
        compare(page, descriptions)
        assert answer_questions(page, theirs)
        use_the_file(page)
    with running(installation, port, with_worker=True):
        try_and_synchronise(page)
        page.goto("/clients/1/plan")
        shown = page.locator("main").inner_text()
        plain = plain_figures()
        assert len(plain) > 2
        assert read_figures(installation) == plain
        assert [key for key, (_, available, *_) in plain.items() if f"${available:,.2f}" not in shown] == []
        page.goto("/administration/connections/interfaces")
        with page.expect_download() as given:
            page.get_by_role("link", name="Download").click()
    seen = given.value.path().read_text()
    assert tomllib.loads(seen)["seen"]["Budget"]["members"]
    assert PERSON not in seen
