"""A bulk sync and its clients, looked at from every side: the same count and the same outcome wherever they are shown.

The pages, the two CSV files and the command speak of one run in which somebody failed and somebody gave no consent.
"""

import asyncio
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.urls import reverse
from typer.testing import CliRunner

from carefund.cli.main import app
from carefund.records.models import Client
from carefund.runs.engines import embedded
from carefund.runs.models import Run
from carefund.runs.requests import request_run
from tests.browsing import Browser
from tests.conftest import Sandbox
from tests.console.world import make_cast

SCENARIOS = ("ordinary", "transitioned-hcp", "nobody", "consent-refused", "all-ended")
TILES = {"changed": "Changed", "unchanged": "Unchanged", "consent_missing": "Consent not given", "failed": "Failed"}
WARNINGS = "Of these, with warnings"


@pytest.fixture
def run(world: Sandbox, add_client: Callable[..., Client]) -> Run:
    """A finished bulk sync of somebody of each scenario, after a first one that found everything new."""
    for name in SCENARIOS:
        add_client(world.scenario(name)[0], last_name=name)
    add_client(world.scenario("ordinary")[1], last_name="changing")
    done = carry_out()
    world.change(Client.objects.get(last_name="changing").care_recipient_id, "add-usage", amount="-12.50")
    done = carry_out()
    assert done.total == len(SCENARIOS) + 1
    return done


def carry_out() -> Run:
    run = request_run(trigger=Run.Trigger.BULK, clients=list(Client.objects.order_by("pk")), scope="active clients")
    asyncio.run(embedded.work(until_idle=True))
    return Run.objects.get(pk=run.pk)


@pytest.fixture
def browser(run: Run) -> Browser:
    browser = Browser()
    browser.force_login(make_cast().ada)
    return browser


def get(browser: Browser, name: str, *args: object, **query: str) -> str:
    return browser.get(reverse(f"console:{name}", args=args), query).content.decode()


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def rows_in(page: str) -> list[str]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return re.findall(r"<tr.*?</tr>", body)


def read_csv(browser: Browser, name: str, *args: object) -> Iterator[dict[str, str]]:
    answer = browser.get(reverse(f"console:{name}", args=args))
    return csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))


def command(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


def tiles_of(page: str) -> dict[str, int]:
    return {plain(words): int(number) for number, words in re.findall(r"<b>(\d+)</b><span>(.*?)</span>", page)}


def test_a_run_counts_the_same_everywhere(run: Run, browser: Browser) -> None:
    told = json.loads(command("runs", "show", str(run.pk), "--json"))
    tiles = tiles_of(get(browser, "run", run.pk))
    assert {name: tiles[words] for name, words in TILES.items()} == {name: told[name] for name in TILES}
    assert tiles[WARNINGS] == told["warnings"]
    assert sum(told[name] for name in TILES) == told["done"] == told["total"] == run.total, "each person counts once"
    assert (told["changed"], told["consent_missing"], told["failed"]) == (1, 1, 1)

    outcomes = Counter(row["outcome"] for row in read_csv(browser, "run-csv", run.pk))
    printed = csv.DictReader(io.StringIO(command("runs", "show", str(run.pk), "--csv")))
    assert outcomes == Counter(row["outcome"] for row in printed)
    assert (outcomes["changed"], outcomes["consent not given"], outcomes["failed"]) == (1, 1, 1)

    done, failed = f"{run.total} of {run.total}", str(told["failed"])
    listed = next(row for row in rows_in(get(browser, "runs")) if f"Run {run.pk}," in plain(row))
    assert plain(listed).endswith(f"{done} {failed}")
    assert f"Run {run.pk}, Synchronise clients" in plain(listed)
    last = plain(get(browser, "home").partition("Last bulk sync</h2>")[2].partition("</section>")[0])
    assert f"Done {done} Failed {failed}" in last
    shown = " ".join(command("runs", "show", str(run.pk)).split())
    assert f"Run {run.pk}, Synchronise clients, bulk" in shown
    assert f"{done} people done: 1 changed" in shown


def test_a_clients_outcome_is_the_same_everywhere(run: Run, browser: Browser) -> None:
    in_run = {row["care_recipient_id"]: row["outcome"] for row in read_csv(browser, "run-csv", run.pk)}
    on_page = {}
    for row in rows_in(get(browser, "run", run.pk, only="")):
        cells = [plain(cell) for cell in re.findall(r"<t[dh][ >].*?</t[dh]>", row)]
        on_page[cells[1]] = cells[2].lower()
    listed = {row["care_recipient_id"]: row for row in read_csv(browser, "clients-csv")}
    rows = {re.search(r"\d{9}", plain(row)).group(): plain(row) for row in rows_in(get(browser, "clients"))}  # type: ignore[union-attr]
    assert on_page == in_run
    assert set(in_run) == set(listed) == set(rows)
    for client in Client.objects.order_by("pk"):
        who = client.care_recipient_id or ""
        page = get(browser, "client", client.pk)
        syncs = plain(get(browser, "client-syncs", client.pk).partition('class="list syncs"')[2])
        failed, refused = in_run[who] == "failed", in_run[who] == "consent not given"
        assert in_run[who] in syncs.lower()[:30], "the newest sync comes first"
        assert listed[who]["outcome"] == in_run[who]
        assert ("Last sync failed" in page) == failed == rows[who].endswith("Last sync failed")
        assert ("Consent was not given" in page) == refused == rows[who].endswith("Consent not given")
        assert ("Consent not given" in command("show", who)) == refused
