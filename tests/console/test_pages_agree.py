"""The demo's world, looked at from every side: the same figure, draw and status is the same wherever it is shown.

Each page is read as a person would, into facts of the form (what, about whom) → what the page says; where two pages
speak of the same thing they must say the same.
"""

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import typer
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from typer.testing import CliRunner

from carefund.access.tokens import create_token
from carefund.cli.demo_world import change_funding, deliver_services
from carefund.cli.show import show
from carefund.domain.claims.checks import amount_of
from carefund.records.models import Client, Invoice, InvoiceLineItem, PlanBudget
from carefund.records.own_service_provider_ids import list_own_service_provider_ids
from carefund.records.provider_file import read_provider_file, store_provider_file
from tests.browsing import Browser
from tests.conftest import Sandbox
from tests.console.world import make_cast

# Whoever the demo changes, and one of each scenario that bends figures, draws or states.
WATCHED = (3, 4, 5, 6, 8, 10, 12, 16, 18, 22, 24, 32, 33, 34, 36, 42, 44, 46, 47, 52)
FIGURES = ("Total", "Used", "Rollover deduction", "Write off", "Available")
CELLS = re.compile(r"<t[dh][ >].*?</t[dh]>")
LEFT = re.compile(r"(Home support ongoing, \w+ to \w+ \d+): [^:;]*; ([\d,.]+) left\.")
SENTENCE = re.compile(
    r"([\d,.]+) (drawn|given back) by (us, no matching line|us|another provider),? for (.*?) on (\d+ \w+ \d+)"
)


@dataclass
class Facts:
    """What each place says of each thing."""

    said: dict[tuple[str, ...], dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    def note(self, place: str, text: str, *about: str) -> None:
        self.said[about][place] = text

    @property
    def contradictions(self) -> list[str]:
        return [f"{about}: {places}" for about, places in self.said.items() if len(set(places.values())) > 1]

    def compared(self, what: str, *places: str) -> int:
        """Of how many things of a kind all these places speak."""
        return sum(about[0] == what and set(places) <= set(said) for about, said in self.said.items())


@pytest.fixture
def demo(world: Sandbox, synchronise: Callable[..., object]) -> list[Client]:
    """The demo's people after two nights, with what was delivered, drawn and taken back in between."""
    ids = {f"4{number:08}" for number in WATCHED}
    store_provider_file(read_provider_file(json.dumps(world.ask("GET", "/provider-file?limit=60")).encode()))
    Client.objects.exclude(care_recipient_id__in=ids).update(is_active=False)
    clients = list(Client.objects.filter(is_active=True).order_by("care_recipient_id"))
    for client in clients:
        synchronise(client)
    deliver_services()
    deliver(Client.objects.get(care_recipient_id="400000008"), "AT")
    change_funding(lambda path, body: world.ask("POST", path.removeprefix("/sandbox"), body), ids)
    world.change("400000016", "add-usage", budgetTypeCode="AT", amount="5000.00", serviceProviderId="9900000045")
    for client in clients:
        synchronise(client)
    return clients


def deliver(client: Client, source: str) -> None:
    """An open line whose price has half a cent."""
    invoice = Invoice.objects.create(external_reference_id="WG-AT", service_provider_id=client.service_provider_id)
    InvoiceLineItem.objects.create(
        invoice=invoice, client=client, external_reference_id="WG-AT-1", service_id="AT-0001",
        delivery_date=timezone.localdate() - timedelta(days=2), quantity=Decimal("0.25"),
        price_per_unit=Decimal("1200.10"), funding_source=source,
    )  # fmt: skip


@pytest.fixture
def browser(demo: list[Client]) -> Browser:
    browser = Browser()
    browser.force_login(make_cast().ada)
    return browser


def get(browser: Browser, name: str, *args: object, **query: str) -> str:
    return browser.get(reverse(f"console:{name}", args=args), query).content.decode()


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def money(text: str) -> str:
    return str(Decimal(text.replace(",", "").replace("−", "-").replace("$", "")))


def facts_in(html: str) -> dict[str, str]:
    """The labels and texts of a list of facts."""
    return {plain(label): plain(text) for label, text in re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", html)}


def rows_in(html: str) -> list[list[str]]:
    """The cells of each row of a table's body, as text."""
    body = html.partition("<tbody>")[2].partition("</tbody>")[0]
    return [[plain(cell) for cell in CELLS.findall(row)] for row in re.findall(r"<tr.*?</tr>", body)]


def cards(page: str) -> Iterator[tuple[str, str, str]]:
    """Each budget's card on a page: its number on the page, its name, and its HTML."""
    for card in page.split('<article class="card budget"')[1:]:
        body = card.partition("</article>")[0]
        number = re.search(r'id="budget-(\d+)"', body)
        assert number
        yield number[1], plain(body.partition("<h3>")[2].partition("</h3>")[0]), body


class Reader:
    """Reads the pages about one client, in the order in which their budgets get names that tell them apart."""

    def __init__(self, facts: Facts, client: Client) -> None:
        self.facts, self.client, self.who = facts, client, client.care_recipient_id or ""
        self.names: dict[str, str] = {}
        self.ongoing_now: dict[str, Decimal] = defaultdict(Decimal)

    def read_plan(self, page: str) -> None:
        seen: Counter[str] = Counter()
        for number, title, card in cards(page):
            name = f"{title}, gone" if "No longer returned since" in plain(card) else title
            self.names[number] = f"{name} {seen[name]}"
            seen[name] += 1
            self.read_card("plan", self.names[number], card)
        table = page.partition('aria-label="Table of budgets"')[2].partition("</table>")[0]
        heads = [plain(head) for head in re.findall(r"<th scope=\"col\".*?</th>", table)]
        for number, row in zip(self.names, rows_in(table), strict=True):
            for head, text in zip(heads, row, strict=True):
                if head in FIGURES:
                    self.facts.note("plan table", money(text), "figure", self.who, self.names[number], head)

    def read_client(self, page: str) -> None:
        for number, _, card in cards(page):
            self.read_card("client", self.names[number], card)
        now = page.partition('id="now"')[2].partition("</section>")[0]
        for number, _, card in cards(now):
            if PlanBudget.objects.get(pk=number).budget_type_code == "ON":
                for label, text in facts_in(card.partition("</dl>")[0]).items():
                    self.ongoing_now[label] += Decimal(money(text))
        self.note_level("client", page)

    def read_as_of(self, page: str) -> None:
        seen: Counter[str] = Counter()
        for _, name, card in cards(page):
            self.read_card("as of today", f"{name} {seen[name]}", card)
            seen[name] += 1
        self.note_level("as of today", page)

    def note_level(self, place: str, page: str) -> None:
        told = facts_in(page).get("Level", "Not known")
        self.facts.note(place, "" if told == "Not known" or told.startswith("Ended") else told, "level", self.who)

    def read_card(self, place: str, budget: str, card: str) -> None:
        for label, text in facts_in(card.partition("</dl>")[0]).items():
            self.facts.note(place, money(text), "figure", self.who, budget, label)
        self.facts.note(place, plain(card.partition("</h3>")[2].partition("</div>")[0]), "status", self.who, budget)
        usage = card.partition('aria-label="Usage of ')[2]
        for day, service, by, invoice, amount in rows_in(usage):
            if "No longer returned" not in service:
                self.note_draw(place, by, budget, day, service, invoice, amount)
        for label, amount in re.findall(r"<th[^>]*>Drawn by ([^<]*)</th><td[^>]*>(.*?)</td>", usage):
            self.facts.note(place, money(plain(amount)), "drawn in all", self.who, budget, label)

    def note_draw(self, place: str, by: str, budget: str, day: str, service: str, invoice: str, amount: str) -> None:
        self.facts.note(place, by.lower(), "draw", self.who, budget, day, service, invoice, money(amount))

    def read_command(self) -> None:
        app = typer.Typer()
        app.command()(show)
        done = CliRunner().invoke(app, [self.who, "--json"])
        assert done.exit_code == 0, done.output
        if not self.names:
            return
        duplicates: Counter[str] = Counter()
        for row in json.loads(done.output)["budgets"]:
            stored = PlanBudget.objects.get(
                client=self.client, budget_id=row["budget_id"], ordinal=duplicates[row["budget_id"]]
            )
            duplicates[row["budget_id"]] += 1
            budget = self.names[str(stored.pk)]
            for name, label in (("total", "Total"), ("available", "Available"), ("safe_to_spend", "Safe to spend")):
                self.facts.note("command", money(row[name]), "figure", self.who, budget, label)
            sums: dict[str, Decimal] = defaultdict(Decimal)
            for line in row["usage"] or ():
                sums[line["drawn_by"]] += Decimal(line["amount"])
            for drawer, amount in sums.items():
                self.facts.note("command", str(amount), "drawn in all", self.who, budget, drawer)

    def read_sentences(self, place: str, page: str) -> None:
        """Single draws of the change log, against those of the plan."""
        drawn = {
            (day, service, amount): about
            for about in self.facts.said
            if about[0] == "draw" and about[1] == self.who
            for _, _, _, day, service, _, amount in [about]
        }
        for amount, verb, by, service, day in SENTENCE.findall(page):
            about = drawn.get((day, service, money(amount if verb == "given back" else f"-{amount}")))
            assert about, f"{self.who}: {place} tells of a draw that the plan does not show"
            self.facts.note(place, by, *about)
        for name, amount in LEFT.findall(plain(page)):
            self.facts.note(place, money(amount), "figure", self.who, f"{name} 0", "Available")


def read_clients(facts: Facts, readers: list[Reader], browser: Browser) -> None:
    """The list of clients and its CSV, against what each client's page adds up to."""
    lines = b"".join(browser.get(reverse("console:clients-csv")).streaming_content).decode("utf-8-sig")
    told = {row["care_recipient_id"]: row for row in csv.DictReader(lines.splitlines())}
    page = get(browser, "clients")
    listed = {row[2]: row for row in rows_in(page)}
    columns = {"available": "Available", "safe_to_spend": "Safe to spend", "committed": "Committed", "total": "Total"}
    for reader in readers:
        row = told[reader.who]
        facts.note("CSV", row["level"], "level", reader.who)
        for column, label in columns.items():
            here = reader.ongoing_now[label] if reader.ongoing_now else ""
            shown = -here if here and label == "Committed" else here
            facts.note("client", str(shown), "this quarter", reader.who, label)
            facts.note("CSV", row[column], "this quarter", reader.who, label)
        for place, label in ((5, "Available"), (6, "Safe to spend")):
            text = listed[reader.who][place]
            facts.note("list", money(text) if text[-1:].isdigit() else "", "this quarter", reader.who, label)


def read_unlined(facts: Facts, readers: list[Reader], browser: Browser) -> None:
    """What the exceptions list as drawn by us, no matching line: each is that on its plan, and none is left out."""
    listed = Counter((row[1], row[2], row[3], money(row[6])) for row in rows_in(get(browser, "draws-without-line")))
    shown: Counter[tuple[str, ...]] = Counter()
    names = {reader.who: reader.client.full_name for reader in readers}
    for about, said in facts.said.items():
        if about[0] == "draw" and said["plan"] == "us, no matching line":
            shown[names[about[1]], about[4], about[3], about[6]] += 1
    facts.note("exceptions", str(sorted(listed.items())), "drawn by us, no matching line")
    facts.note("plan", str(sorted(shown.items())), "drawn by us, no matching line")


def read_tiles(facts: Facts, readers: list[Reader], browser: Browser) -> None:
    """The numbers on Home and Claims, against the lists that they lead to."""
    home = get(browser, "home")
    for state, words in (("failed", "Last sync failed"), ("consent", "Consent not given"), ("stale", "Not checked in")):
        tile = re.search(rf"<b>(\d+)</b><span>(?:(?!</a>).)*{words}", home)
        assert tile
        facts.note("home", tile[1], "number", state)
        facts.note("list", str(len(rows_in(get(browser, "clients", state=state)))), "number", state)
    tile = re.search(r"lines? to claim, \$([\d,.]+)", get(browser, "claims"))
    assert tile
    committed = [-Decimal(said["plan"]) for about, said in facts.said.items() if about[::3] == ("figure", "Committed")]
    today = timezone.localdate()
    days = {"from_date": (today - timedelta(days=60)).isoformat(), "to_date": today.isoformat()}
    previews = [
        row
        for provider_id in list_own_service_provider_ids()
        for row in rows_in(get(browser, "batch-new", service_provider_id=provider_id, **days))
    ]
    homeless = [Decimal(money(row[5])) for row in previews if "budget covers that date" in row[4]]
    facts.note("claims", money(tile[1]), "open lines")
    facts.note("new batch", str(sum(Decimal(money(row[5])) for row in previews)), "open lines")
    facts.note("plan, and no budget", str(sum(committed) + sum(homeless)), "open lines")


def read_interface(facts: Facts) -> None:
    """What the API gives of each invoice that was not sent, against the lines that Claims has to claim."""
    _, token = create_token(User.objects.get(username="ada"), "agreement")
    total = Decimal(0)
    for reference in Invoice.objects.values_list("external_reference_id", flat=True):
        answer = Browser().get(f"/api/v1/invoices/{reference}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, reference
        if not answer.json()["invoice_id"]:
            lines = answer.json()["line_items"]
            total += sum(amount_of(Decimal(line["quantity"]), Decimal(line["price_per_unit"])) for line in lines)
    facts.note("API", str(total), "open lines")


def test_any_two_pages_agree(demo: list[Client], browser: Browser, settings: Any) -> None:
    settings.API_CALLS_PER_MINUTE = 0
    facts = Facts()
    readers = [Reader(facts, client) for client in demo]
    for reader in readers:
        key = reader.client.pk
        reader.read_plan(get(browser, "plan", key))
        reader.read_client(page := get(browser, "client", key))
        reader.read_as_of(get(browser, "as-of", key, day=timezone.localdate().isoformat()))
        reader.read_command()
        reader.read_sentences("client's changes", page)
        reader.read_sentences("all changes", get(browser, "client-changes", key))
    home = get(browser, "home")
    for reader in readers:
        told = home.partition(f'href="{reverse("console:client", args=[reader.client.pk])}"')[2]
        reader.read_sentences("home", told.partition('href="/clients/')[0])
    read_clients(facts, readers, browser)
    read_unlined(facts, readers, browser)
    read_tiles(facts, readers, browser)
    read_interface(facts)
    assert facts.contradictions == []
    # Nothing of this is true because nothing was found.
    assert facts.compared("figure", "plan", "plan table", "client", "as of today", "command") > 60
    assert facts.compared("draw", "plan", "client", "as of today") > 100
    assert facts.compared("draw", "plan", "home", "client's changes", "all changes") >= 5
    assert facts.compared("drawn in all", "plan", "command") > 20
    assert facts.compared("this quarter", "client", "list", "CSV") > 10
    assert facts.compared("open lines", "claims", "new batch", "API") == 1
    words = {text for about, said in facts.said.items() if about[0] == "draw" for text in said.values()}
    assert words == {"us", "us, no matching line", "another provider"}
    assert any(
        about[3:] == ("Used",) and Decimal(said["plan"]) > 0
        for about, said in facts.said.items()
        if about[0] == "figure"
    )
