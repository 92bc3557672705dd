"""The same money in the same words on every page: who drew, what was given back, and columns that add up."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.records.models import BudgetUsage, Change, Client, InvoiceLineItem, PlanBudget, ServiceProvider
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]
ELSEWHERE = "2209999999"
# Who drew, by the draw's own provider id and whether a line of ours is known; and the word for it.
DRAWS = (
    ("Ours with a line", world.BRANCH, True, "us"),
    ("Ours without a line", world.BRANCH, False, "us, without a line"),
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
    found = re.findall(r'<dt>(?:<span[^>]*></span>)?([^<]+)</dt><dd><span class="money[^"]*">([^<]+)</span>', card)
    return {label: read_money(text) for label, text in found}


def read_money(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-"))


@pytest.mark.parametrize(("text", "provider_id", "with_line", "word"), DRAWS)
def test_who_drew_is_called_the_same_everywhere(
    browse: Browse, ada: User, budget: PlanBudget, text: str, provider_id: str, with_line: bool, word: str
) -> None:
    draw(budget, text, provider_id, "-96.00", with_line=with_line)
    browser, client = browse(ada), budget.client_id
    for page in ("client", "plan"):
        shown = read(browser, page, client)
        assert f">{word.capitalize()}</span>" in row_of(shown, text)
        assert f'By {word}</th><td class="amount"><span class="money negative">−96.00</span>' in shown
        assert (f"96.00 drawn by {word}" in shown.partition("Usage of ")[0]) is (word != "us")
    for page, args in (("home", ()), ("client", (client,)), ("client-changes", (client,)), ("changes", ())):
        assert f"96.00 drawn by {word} for {text} on " in read(browser, page, *args)
    orphans = read(browser, "orphan-usage")
    assert (text in orphans) is (word == "us, without a line")
    assert "Drawn by us, without a line" in orphans


def test_a_new_adopter_owns_the_whole_history_under_its_own_id(browse: Browse, ada: User, budget: PlanBudget) -> None:
    """Nothing was brought in but clients; the id is known from their budgets alone."""
    InvoiceLineItem.objects.all().delete()
    ServiceProvider.objects.all().delete()
    for number in range(3):
        draw(budget, f"Service {number}", world.BRANCH, "-10.00")
    page = read(browse(ada), "plan", budget.client_id)
    assert "nother provider" not in page
    assert 'By us, without a line</th><td class="amount"><span class="money negative">−30.00' in page
    assert "30.00 drawn in 3 lines by us, without a line" not in page  # the plan tells no changes


def test_several_draws_in_one_sentence_say_whose_they_are(browse: Browse, ada: User, budget: PlanBudget) -> None:
    log(budget, "budgets", action="changed", field="available", before="1000.00", after="742.00")
    for text, provider_id, with_line, _ in DRAWS:
        draw(budget, text, provider_id, "-96.00", with_line=with_line)
    draw(budget, "Taken back", ELSEWHERE, "30.00")
    Change.objects.update(fetched_at=timezone.now())
    assert (
        "258.00 drawn in 4 lines, 1 of them by us, 1 of them by us, without a line, 2 of them by another provider; "
        "742.00 left." in read(browse(ada), "home")
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
        assert "20.00 given back by another provider" in shown
    in_table = shown.partition(f'href="#budget-{budget.pk}"')[2].partition("</tr>")[0]
    assert 'class="money">+20.00</span>' in in_table
    bar = re.findall(r'aria-label="([^"]*)"', shown.partition(f'id="budget-{budget.pk}"')[2])[0]
    assert bar == "Left to spend 1,015.00, Rollover deduction 5.00"


@pytest.mark.parametrize(
    ("before", "after", "figures_now", "sentence"),
    [
        ("-50.00", "20.00", ("1020.00", "20.00"), "used fell from 50.00 to −20.00."),
        ("-50.00", "-70.00", ("930.00", "-70.00"), "used rose from 50.00 to 70.00."),
        ("50.00", "70.00", ("930.00", "70.00"), "used rose from 50.00 to 70.00."),
        ("-50.00", "0.00", ("1000.00", "0.00"), "used fell from 50.00 to 0.00."),
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
    assert "20.00 given back by another provider for Taken back on " in read(browse(ada), "home")
