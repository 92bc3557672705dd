"""The same money in the same words on every page: who drew, what was given back, and columns that add up."""

import csv
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.records.models import (
    BudgetUsage,
    Change,
    ClaimBatch,
    Client,
    Invoice,
    InvoiceLineItem,
    PaymentRequest,
    PlanBudget,
    ServiceProvider,
)
from carefund.sync.care_recipient.history import find_funding_as_of, find_funding_now
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]
ELSEWHERE = "2209999999"
# Who drew, by the draw's own provider id and whether a line of ours is known; and the word for it.
DRAWS = (
    ("Ours with a line", world.BRANCH, True, "us"),
    ("Ours without a line", world.BRANCH, False, "us, no matching line"),
    ("Spent elsewhere", ELSEWHERE, False, "another provider"),
)


@pytest.fixture
def ada(db: None) -> User:
    return world.make_cast().ada


@pytest.fixture
def margaret(db: None) -> Client:
    client = world.make_clients(1)[0]
    world.make_funding(client, quarters=1)
    BudgetUsage.objects.all().delete()
    return client


@pytest.fixture
def budget(margaret: Client) -> PlanBudget:
    """This quarter's budget of 1,000.00, with nothing in it yet."""
    budget = PlanBudget.objects.get(client=margaret, budget_type_code="ON")
    put(budget, total="1000.00", available="1000.00", used="0.00", write_off="0.00", rollover_deduction="0.00")
    budget.entitlements.all().delete()
    return budget


def put(budget: PlanBudget, **amounts: str) -> None:
    for name, amount in amounts.items():
        setattr(budget, name, Decimal(amount))
    budget.save()


def draw(budget: PlanBudget, text: str, provider_id: str, amount: str, *, with_line: bool = False) -> BudgetUsage:
    """A draw on the budget, and the change log's entry about it."""
    line = InvoiceLineItem.objects.order_by("id").first() if with_line else None
    usage = BudgetUsage.objects.create(
        client=budget.client, plan_budget=budget, changed_at=timezone.now(), invoice_line_item=line,
        service_provider_id=provider_id, description=text, invoice_id=f"77{BudgetUsage.objects.count():05}",
        item_id="1", amount=Decimal(amount), delivery_date=timezone.localdate() - timedelta(days=1),
    )  # fmt: skip
    log(budget, "budget_usage", action="new", key=[budget.budget_id, usage.invoice_id, "1"])
    return usage


def log(budget: PlanBudget, kind: str, **values: object) -> None:
    given = {"client": budget.client, "kind": kind, "key": [budget.budget_id], "fetched_at": timezone.now()}
    Change.objects.create(**(given | values))


def read(browser: Browser, page: str, *args: object) -> str:
    return browser.get(reverse(f"console:{page}", args=args)).content.decode()


def row_of(page: str, text: str) -> str:
    """The row of a table that has a text."""
    return next(
        row for row in re.findall(r"<tr.*?</tr>", page) if f">{text}<" in row.replace("> ", ">").replace(" <", "<")
    )


def figures(page: str, budget: PlanBudget) -> dict[str, Decimal]:
    """The ledger on a budget's card: each label with its amount."""
    card = page.partition(f'id="budget-{budget.pk}"')[2].partition("</dl>")[0]
    found = re.findall(
        r'<dt>\s*(?:<span[^>]*></span>)?([^<]+?)\s*</dt>\s*<dd>\s*(?:<a[^>]*>)?<span class="money[^"]*">([^<]+)</span>',
        card,
    )
    return {label: read_money(text) for label, text in found}


def read_money(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-").replace("$", ""))


@pytest.mark.parametrize(("text", "provider_id", "with_line", "word"), DRAWS)
def test_who_drew_is_called_the_same_everywhere(
    browse: Browse, ada: User, budget: PlanBudget, text: str, provider_id: str, with_line: bool, word: str
) -> None:
    draw(budget, text, provider_id, "-96.00", with_line=with_line)
    browser, client = browse(ada), budget.client_id
    for page in ("client", "plan"):
        shown = read(browser, page, client)
        assert f">{word.capitalize()}</span>" in row_of(shown, text)
        assert f'Drawn by {word}</th><td class="amount"><span class="money negative">−$96.00</span>' in shown
        assert (f"$96.00 drawn by {word}" in shown.partition("Usage of ")[0]) is (word != "us")
    for page, args in (("home", ()), ("client", (client,)), ("client-changes", (client,)), ("changes", ())):
        assert f"$96.00 drawn by {word}{',' if ',' in word else ''} for {text} on " in read(browser, page, *args)
    orphans = read(browser, "draws-without-line")
    assert (text in orphans) is (word == "us, no matching line")
    assert "Drawn by us, no matching line" in orphans


def test_a_new_adopter_owns_the_whole_history_under_its_own_id(browse: Browse, ada: User, budget: PlanBudget) -> None:
    """Nothing was brought in but clients; the id is known from their budgets alone."""
    InvoiceLineItem.objects.all().delete()
    ServiceProvider.objects.all().delete()
    for number in range(3):
        draw(budget, f"Service {number}", world.BRANCH, "-10.00")
    page = read(browse(ada), "plan", budget.client_id)
    assert "nother provider" not in page
    assert 'Drawn by us, no matching line</th><td class="amount"><span class="money negative">−$30.00' in page
    assert "$30.00 drawn in 3 lines by us, no matching line" not in page  # the plan tells no changes


def test_several_draws_in_one_sentence_say_whose_they_are(browse: Browse, ada: User, budget: PlanBudget) -> None:
    log(budget, "budgets", action="changed", field="available", before="1000.00", after="742.00")
    for text, provider_id, with_line, _ in DRAWS:
        draw(budget, text, provider_id, "-96.00", with_line=with_line)
    draw(budget, "Taken back", ELSEWHERE, "30.00")
    Change.objects.update(fetched_at=timezone.now())
    assert (
        "$258.00 drawn in 4 lines, 1 of them by us, 1 of them by us, no matching line, 2 of them by another provider; "
        "$742.00 left." in read(browse(ada), "home")
    )


def test_a_net_reversal_adds_to_the_column(browse: Browse, ada: User, budget: PlanBudget) -> None:
    put(budget, used="20.00", rollover_deduction="-5.00", available="1015.00")
    draw(budget, "Taken back", ELSEWHERE, "20.00")
    InvoiceLineItem.objects.all().delete()
    browser = browse(ada)
    for page in ("client", "plan"):
        shown = read(browser, page, budget.client_id)
        ledger = figures(shown, budget)
        assert ledger["Used"] == Decimal("20.00")
        assert ledger["Total"] + ledger["Used"] + ledger["Rollover deduction"] + ledger["Write off"] == Decimal(
            "1015.00"
        )
        assert ledger["Available"] == Decimal("1015.00")
        assert "$20.00 given back by another provider" in shown
    in_table = shown.partition(f'href="#budget-{budget.pk}"')[2].partition("</tr>")[0]
    assert 'class="money">+$20.00</span>' in in_table
    bar = re.findall(r'aria-label="([^"]*)"', shown.partition(f'id="budget-{budget.pk}"')[2])[0]
    assert bar == "Safe to spend $1,015.00, Rollover deduction $5.00"


@pytest.mark.parametrize(
    ("before", "after", "figures_now", "sentence"),
    [
        ("-50.00", "20.00", ("1020.00", "20.00"), "used fell from $50.00 to −$20.00."),
        ("-50.00", "-70.00", ("930.00", "-70.00"), "used rose from $50.00 to $70.00."),
        ("50.00", "70.00", ("930.00", "70.00"), "used rose from $50.00 to $70.00."),
        ("-50.00", "0.00", ("1000.00", "0.00"), "used fell from $50.00 to $0.00."),
    ],
)
def test_a_change_of_what_was_used_is_told_as_the_page_shows_it(
    browse: Browse, ada: User, budget: PlanBudget, before: str, after: str, figures_now: tuple[str, str], sentence: str
) -> None:
    put(budget, available=figures_now[0], used=figures_now[1])
    log(budget, "budgets", action="changed", field="used", before=before, after=after)
    assert sentence in read(browse(ada), "client", budget.client_id)


def test_a_reversal_is_given_back_and_not_drawn(browse: Browse, ada: User, budget: PlanBudget) -> None:
    draw(budget, "Taken back", ELSEWHERE, "20.00")
    assert "$20.00 given back by another provider for Taken back on " in read(browse(ada), "home")


def deliver(budget: PlanBudget, day: date, price: str, *, source: str = "AT", status: str = "") -> InvoiceLineItem:
    """An own line that nothing was drawn for."""
    number = Invoice.objects.count()
    invoice = Invoice.objects.create(
        external_reference_id=f"OPEN-{number}", service_provider_id=world.BRANCH, status=status
    )
    return InvoiceLineItem.objects.create(
        invoice=invoice, client=budget.client, external_reference_id=f"OPEN-{number}-1", service_id="SERV-0041",
        delivery_date=day, quantity=Decimal("2.00"), price_per_unit=Decimal(price) / 2, funding_source=source,
    )  # fmt: skip


def add_budget(like: PlanBudget, budget_id: str, start: date, end: date, total: str, **more: object) -> PlanBudget:
    given = {
        "budget_id": budget_id, "budget_type_code": "AT", "budget_type": "Assistive technology", "start_date": start,
        "end_date": end, "total": Decimal(total), "available": Decimal(total), "used": Decimal(0),
        "write_off": Decimal(0), "rollover_deduction": Decimal(0), "status": "OPEN",
    }  # fmt: skip
    return PlanBudget.objects.create(client=like.client, plan=like.plan, changed_at=timezone.now(), **(given | more))


@pytest.fixture
def nothing_open(budget: PlanBudget) -> PlanBudget:
    InvoiceLineItem.objects.all().delete()
    PlanBudget.objects.filter(budget_type_code="AT").delete()
    return budget


def committed_on(page: str, budgets: list[PlanBudget]) -> list[Decimal]:
    return [-figures(page, plan_budget)["Committed"] for plan_budget in budgets]


def test_a_line_is_committed_once_among_budgets_of_the_same_dates(
    browse: Browse, ada: User, nothing_open: PlanBudget
) -> None:
    today = timezone.localdate()
    dates = today - timedelta(days=90), today + timedelta(days=270)
    alike = [add_budget(nothing_open, f"9{n}", *dates, "2000.00" if n == 2 else "0.00") for n in range(4)]
    deliver(nothing_open, today - timedelta(days=3), "300.00")
    for page in ("client", "plan"):
        shown = read(browse(ada), page, nothing_open.client_id)
        assert committed_on(shown, alike) == [0, 0, 300, 0]
        assert "overspent" not in shown
        assert figures(shown, alike[2])["Safe to spend"] == Decimal("1700.00")


def test_a_line_of_the_day_when_one_budget_ends_and_the_next_begins_is_in_one(
    browse: Browse, ada: User, nothing_open: PlanBudget
) -> None:
    day = timezone.localdate() - timedelta(days=5)
    old = add_budget(nothing_open, "91", day - timedelta(days=90), day, "500.00")
    new = add_budget(nothing_open, "92", day, day + timedelta(days=90), "500.00")
    gone = add_budget(nothing_open, "93", day, day, "900.00", no_longer_returned_date=day)
    deliver(nothing_open, day, "300.00")
    shown = read(browse(ada), "plan", nothing_open.client_id)
    assert committed_on(shown, [old, new, gone]) == [0, 300, 0]


def test_a_line_is_open_again_when_its_draw_is_no_longer_returned(
    browse: Browse, ada: User, nothing_open: PlanBudget
) -> None:
    deliver(nothing_open, timezone.localdate(), "80.00", source="ON")
    usage = draw(nothing_open, "Drawn", world.BRANCH, "-80.00", with_line=True)
    browser, client = browse(ada), nothing_open.client_id
    assert committed_on(read(browser, "client", client), [nothing_open]) == [0]
    usage.no_longer_returned_date = timezone.localdate()
    usage.save()
    assert committed_on(read(browser, "client", client), [nothing_open]) == [80]


@pytest.mark.parametrize(
    ("state", "committed"), [("ready", 80), ("claimed", 80), ("paid", 80), ("refused", 0), ("withdrawn", 0)]
)
def test_what_is_paid_and_not_yet_drawn_stays_committed(
    browse: Browse, ada: User, nothing_open: PlanBudget, state: str, committed: int
) -> None:
    today = timezone.localdate()
    line = deliver(nothing_open, today, "80.00", source="ON", status="COMPLETED")
    batch = ClaimBatch.objects.create(
        service_provider_id=world.BRANCH, from_date=today, to_date=today, created_at=timezone.now()
    )
    PaymentRequest.objects.create(batch=batch, line_item=line, state=state, amount=Decimal("80.00"))
    shown = read(browse(ada), "client", nothing_open.client_id)
    assert committed_on(shown, [nothing_open]) == [committed]


def test_committed_beyond_what_is_available_is_not_called_overspent(
    browse: Browse, ada: User, nothing_open: PlanBudget
) -> None:
    deliver(nothing_open, timezone.localdate(), "1030.00", source="ON")
    shown = read(browse(ada), "client", nothing_open.client_id)
    assert "−$30.00" in shown
    assert "committed beyond what is available of" in shown
    listed = browse(ada).get(reverse("console:clients"), {"budget": "overspent"}).content.decode()
    assert "Margaret" not in listed
    put(nothing_open, available="-10.00", used="-1010.00")
    assert "overspent of" in read(browse(ada), "client", nothing_open.client_id)
    listed = browse(ada).get(reverse("console:clients"), {"budget": "overspent"}).content.decode()
    assert "Margaret" in listed


def test_the_list_of_clients_and_its_csv_have_the_figures_of_the_clients_page(
    browse: Browse, ada: User, nothing_open: PlanBudget
) -> None:
    deliver(nothing_open, timezone.localdate(), "30.02", source="ON")
    add_budget(
        nothing_open, "94", nothing_open.start_date, timezone.localdate(), "7.00", budget_type_code="ON",
        no_longer_returned_date=timezone.localdate(),
    )  # fmt: skip
    browser = browse(ada)
    ledger = figures(read(browser, "client", nothing_open.client_id), nothing_open)
    assert ledger["Safe to spend"] == Decimal("969.98")
    row = read(browser, "clients")
    for label in ("Available", "Safe to spend"):
        data_label = "Available this quarter" if label == "Available" else label
        cell = re.search(rf'data-label="{data_label}" class="amount"\s*>\s*<span class="money[^"]*">([^<]+)<', row)[1]
        assert read_money(cell) == ledger[label]
    lines = b"".join(browser.get(reverse("console:clients-csv")).streaming_content).decode("utf-8-sig")
    [told] = csv.DictReader(lines.splitlines())
    assert [Decimal(told[name]) for name in ("total", "available", "committed", "safe_to_spend")] == [
        ledger["Total"], ledger["Available"], -ledger["Committed"], ledger["Safe to spend"]
    ]  # fmt: skip


def test_of_an_earlier_day_nobody_knows_what_was_committed(nothing_open: PlanBudget) -> None:
    funding = find_funding_now(nothing_open.client)
    assert funding.commitments is not None
    assert find_funding_as_of(nothing_open.client, timezone.now()).commitments is None
