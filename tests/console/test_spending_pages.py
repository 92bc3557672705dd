"""What a client may still spend: the parts on every page, the question, planned services, unspent funds."""

import csv
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.access.models import AuditEntry
from carefund.domain.quarters import previous_quarter, quarter_of
from carefund.records.care_recipient.commitments import find_spending
from carefund.records.care_recipient.quarter_close import list_closing_rows
from carefund.records.care_recipient.spending import find_trend
from carefund.records.models import (
    BudgetUsage,
    Change,
    Client,
    Entitlement,
    Invoice,
    InvoiceLineItem,
    Plan,
    PlanBudget,
    PlannedService,
    UnspentBalance,
)
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]


@pytest.fixture
def cast(db: None) -> world.Cast:
    return world.make_cast()


@pytest.fixture
def client(db: None) -> Client:
    client = world.make_clients(1)[0]
    world.make_funding(client, quarters=1)
    InvoiceLineItem.objects.all().delete()
    return client


@pytest.fixture
def budget(client: Client) -> PlanBudget:
    """A budget with 500.00 available that covers the next twenty days, and nothing else."""
    PlanBudget.objects.exclude(budget_type_code="ON").delete()
    budget = PlanBudget.objects.get(client=client)
    today = timezone.localdate()
    budget.start_date, budget.end_date = today - timedelta(days=20), today + timedelta(days=20)
    budget.total, budget.available, budget.used = Decimal("500.00"), Decimal("500.00"), Decimal("0.00")
    budget.save()
    return budget


def add_planned(client: Client, price: str = "80.00", *, days: int = 1, **more: object) -> PlannedService:
    given = {"service_id": "SERV-0012", "funding_source": "ON", "frequency": "weekly", "entered_by": "ben"}
    start = timezone.localdate() + timedelta(days=days)
    return PlannedService.objects.create(client=client, price=Decimal(price), from_date=start, **(given | more))


def deliver(client: Client, price: str, *, days_ago: int = 1) -> InvoiceLineItem:
    number = InvoiceLineItem.objects.count()
    invoice = Invoice.objects.create(external_reference_id=f"I-{number}", service_provider_id=world.BRANCH)
    return InvoiceLineItem.objects.create(
        invoice=invoice, client=client, external_reference_id=f"I-{number}-1", service_id="SERV-0012",
        delivery_date=timezone.localdate() - timedelta(days=days_ago), quantity=Decimal(1),
        price_per_unit=Decimal(price), funding_source="ON",
    )  # fmt: skip


def read(browser: Browser, name: str, *args: object, **query: object) -> str:
    return browser.get(reverse(f"console:{name}", args=args), query).content.decode()


def cells(page: str, name: str) -> list[str]:
    """The amounts in the row of a source of money."""
    row = next(row for row in re.findall(r"<tr>.*?</tr>", page) if name in row)
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]


def test_the_same_estimate_stands_on_every_page(
    browse: Browse, cast: world.Cast, client: Client, budget: PlanBudget
) -> None:
    deliver(client, "70.00")
    add_planned(client, days=-13)  # two visits before that line came in, and three to come within the budget's days
    browser = browse(cast.ada)
    assert cells(read(browser, "spending", client.pk), "estimate</span>")[2] == "−$240.00"
    assert cells(read(browser, "spending", client.pk), "From Services Australia") == [
        "$500.00", "$0.00", "−$70.00", "−$240.00", "$190.00"
    ]  # fmt: skip
    card = read(browser, "client", client.pk)
    assert '<b><span class="money">$190.00</span></b><span>safe to spend of' in card
    assert "Carefund’s estimate" in card
    assert "$190.00" in re.sub(r"<[^>]+>", " ", read(browser, "clients"))
    [told] = csv.DictReader(
        b"".join(browser.get(reverse("console:clients-csv")).streaming_content).decode("utf-8-sig").splitlines()
    )
    assert (told["committed"], told["planned"], told["safe_to_spend"]) == ("70.00", "240.00", "190.00")


def test_what_unspent_funds_pay_for_is_the_same_in_the_list(
    browse: Browse, cast: world.Cast, client: Client, budget: PlanBudget
) -> None:
    UnspentBalance.objects.create(
        client=client, source="CU", amount=Decimal("450.00"), balance_date=timezone.localdate(), entered_by="ben"
    )
    deliver(client, "480.00", days_ago=3)
    deliver(client, "400.00", days_ago=2)
    browser = browse(cast.ada)
    page = read(browser, "spending", client.pk)
    assert cells(page, "From Services Australia")[-1] == "$20.00"
    assert cells(page, "Entered by ben")[-1] == "$50.00"
    assert 'data-label="Safe to spend" class="amount"><span class="money">$20.00' in read(browser, "clients")


def test_why_it_fell_is_said_line_by_line(browse: Browse, cast: world.Cast, client: Client, budget: PlanBudget) -> None:
    deliver(client, "70.00")
    add_planned(client, days=-13)
    drawn = {"client": client, "fetched_at": timezone.now(), "key": [budget.budget_id]}
    Change.objects.create(**drawn, kind="budgets", action="changed", field="available", before="623.45", after="500.00")
    Change.objects.create(**(drawn | {"key": ["other"]}), kind="budgets", action="new")
    browser = browse(cast.ada)
    assert f"budgets/{budget.pk}#why" in read(browser, "client", client.pk)
    assert f"budgets/{budget.pk}#safe-to-spend" in read(browser, "spending", client.pk)
    page = read(browser, "budget-explained", client.pk, budget.pk)
    spoken_for = page[page.index('id="safe-to-spend"') :]
    amounts = re.findall(r'data-label="Amount" class="amount">\s*<span class="money[^"]*">([^<]+)<', spoken_for)
    assert amounts == ["$500.00", "−$70.00", "−$240.00"]
    assert "<b>$190.00</b>" in spoken_for
    for words in ("Delivered, not claimed", "Imported on", "3 visits", "Entered by ben on", "$123.45 less"):
        assert words in spoken_for
    assert spoken_for.count('<span class="dot') == 1, "what another budget did is left out"


@pytest.mark.parametrize(
    ("price", "frequency", "expected"),
    [
        ("80", "fortnightly", "2 visits, $160.00. $340.00 would still be safe to spend"),
        ("400", "weekly", "1 visit, $400.00. The visit on"),
        ("501", "weekly", "Does not fit: only $500.00 is safe to spend on"),
        ("-1", "weekly", "greater than or equal to 0.01"),
    ],
)
def test_whether_one_more_service_fits(
    browse: Browse, cast: world.Cast, client: Client, budget: PlanBudget, price: str, frequency: str, expected: str
) -> None:
    today = timezone.localdate()
    page = read(
        browse(cast.rex), "spending", client.pk,
        price=price, frequency=frequency, from_date=f"{today:%Y-%m-%d}", funding_source="ON",
    )  # fmt: skip
    assert expected in page


def test_a_coordinator_plans_a_service_and_removes_it(
    browse: Browse, cast: world.Cast, client: Client, budget: PlanBudget
) -> None:
    browser = browse(cast.ben)
    given = {
        "planned-service_id": "SERV-0012", "planned-price": "95.50", "planned-frequency": "weekly",
        "planned-from_date": timezone.localdate() + timedelta(days=2), "planned-to_date": "",
        "planned-funding_source": "ON",
    }  # fmt: skip
    address = reverse("console:plan-service", args=[client.pk])
    wrong = browser.post(address, given | {"planned-to_date": "2025-11-02"})
    assert "The last day is before the first visit." in wrong.content.decode()
    assert "from 1 November 2025" in browser.post(address, given | {"planned-from_date": "1999-01-01"}).content.decode()
    assert not PlannedService.objects.exists()
    assert browser.post(address, given).status_code == 302
    planned = PlannedService.objects.get()
    assert (planned.price, planned.service_text, planned.entered_by) == (Decimal("95.50"), "Personal care", "ben")
    assert "−$286.50" in read(browser, "spending", client.pk)
    browser.post(reverse("console:remove-planned-service", args=[client.pk, planned.pk]))
    assert not PlannedService.objects.exists()
    acts = AuditEntry.objects.values_list("act", flat=True)
    assert {"Planned service added", "Planned service removed"} <= set(acts)


def test_unspent_funds_are_entered_with_their_day_and_the_audit_log_says_by_whom(
    browse: Browse, cast: world.Cast, client: Client, budget: PlanBudget
) -> None:
    browser, today = browse(cast.ben), timezone.localdate()
    address = reverse("console:enter-balance", args=[client.pk])
    given = {"balance-source": "HC", "balance-amount": "1200", "balance-balance_date": today}
    tomorrow = browser.post(address, given | {"balance-balance_date": today + timedelta(days=1)})
    assert "That date is in the future." in tomorrow.content.decode()
    browser.post(address, given)
    browser.post(address, given | {"balance-amount": "900", "balance-balance_date": today - timedelta(days=9)})
    assert cells(read(browser, "spending", client.pk), "Entered by ben")[0] == "$1,200.00"  # the latest day counts
    entry = AuditEntry.objects.order_by("id").first()
    assert (entry.user_name, entry.act, entry.after["amount"]) == ("ben", "Unspent funds entered", "1200")


@pytest.mark.parametrize("name", ["plan-service", "enter-balance"])
def test_who_only_reads_enters_nothing(browse: Browse, cast: world.Cast, client: Client, name: str) -> None:
    assert browse(cast.rex).post(reverse(f"console:{name}", args=[client.pk])).status_code == 403
    assert browse(cast.cy).post(reverse(f"console:{name}", args=[client.pk])).status_code == 404
    assert "Add a planned service" not in read(browse(cast.rex), "spending", client.pk)


def test_the_planned_service_of_another_client_is_not_removed(browse: Browse, cast: world.Cast, client: Client) -> None:
    other = world.make_clients(1, branch=world.OTHER_BRANCH, first_id=400000900)[0]
    planned = add_planned(other)
    for client_id, status in ((client.pk, 404), (other.pk, 404)):
        address = reverse("console:remove-planned-service", args=[client_id, planned.pk])
        assert browse(cast.ben).post(address).status_code == status
    assert PlannedService.objects.exists()


def test_a_client_with_equipment_alone_is_shown(browse: Browse, cast: world.Cast, client: Client) -> None:
    PlanBudget.objects.filter(budget_type_code="ON").delete()
    PlanBudget.objects.update(end_date=date(2028, 2, 29))
    page = read(
        browse(cast.ada), "spending", client.pk,
        price="10", frequency="monthly", from_date="2028-01-31", funding_source="AT",
    )  # fmt: skip
    assert "Fits until 29 February 2028: 2 visits, $20.00." in page
    assert "No budget is known yet for the visit on 31 March 2028." in page


def test_quarter_by_quarter_rests_on_plans_or_says_that_it_does_not(
    browse: Browse, cast: world.Cast, client: Client, budget: PlanBudget
) -> None:
    BudgetUsage.objects.all().delete()
    browser = browse(cast.ada)
    assert "nothing was delivered in the last 8 weeks" in read(browser, "spending", client.pk)
    for week in range(5):
        deliver(client, "30.00", days_ago=7 * week)
    page = read(browser, "spending", client.pk)
    assert "estimated from the last 8 weeks: $36.21 a week" in page  # 150.00 in 29 days
    assert "is likely to remain at the end of the quarter and rolls over." in page
    planned = add_planned(client, "200.00")
    assert "To come is estimated from planned services." in read(browser, "spending", client.pk)
    runs_out = planned.from_date + timedelta(days=14)
    assert f"Money runs out on {runs_out.day} {runs_out:%B %Y}, " in read(browser, "spending", client.pk)


def test_the_rollover_of_an_ended_quarter_is_that_of_quarter_close(client: Client) -> None:
    """10% of the entitlements, not of a total that holds what was rolled in."""
    today = timezone.localdate()
    last = previous_quarter(quarter_of(today))
    PlanBudget.objects.all().delete()
    common = {"client": client, "changed_at": timezone.now(), "start_date": last.start_date, "end_date": last.end_date}
    budget = PlanBudget.objects.create(
        **common, plan=Plan.objects.get(client=client), budget_id="B-1", budget_type_code="ON", status="OPEN",
        total=Decimal("12000.00"), available=Decimal("3000.00"), used=Decimal("-9000.00"),
    )  # fmt: skip
    Entitlement.objects.create(**common, plan_budget=budget, amount=Decimal("10444.45"))
    [closing] = list_closing_rows(last, today)
    quarter = find_trend(find_spending(client, today)).quarters[0]
    assert closing.projection is not None
    assert quarter.rollover == closing.projection.rollover == Decimal("1044.45")
    assert quarter.lost == closing.projection.loss == Decimal("1955.55")
