"""Rates are data: an administrator adds, edits, removes and undoes, each act is audited, and budgets follow."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.access.models import AuditEntry
from carefund.domain.care_recipient.rates import RATES, WantedRate, find_problems
from carefund.records.care_recipient.rates import list_rates, list_removed
from carefund.records.models import EnteredRate, Entitlement, PlanBudget
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]
LATER = date(2026, 7, 1)
WANTED = {
    "code": "on_rate_6", "kind": "level", "name": "Level 6", "amount": "135.00", "from_date": LATER.isoformat(),
    "published": "https://www.health.gov.au/rates-2026",
}  # fmt: skip


@pytest.fixture
def cast(db: None) -> world.Cast:
    return world.make_cast()


def amounts(key: str) -> dict[date, Decimal]:
    return {rate.from_date: rate.amount for rate in list_rates() if rate.key == key}


def test_a_rate_is_added_edited_undone_removed_and_restored(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.ada)
    first = date(2025, 11, 1)
    assert amounts("6") == {first: Decimal("131.82")}
    assert "Rate added." in browser.post(reverse("console:rates"), WANTED, follow=True).content.decode()
    assert amounts("6") == {first: Decimal("131.82"), LATER: Decimal("135.00")}
    row = EnteredRate.objects.get()
    browser.post(reverse("console:rate", args=[row.pk]), WANTED | {"amount": "136.50"})
    assert amounts("6")[LATER] == Decimal("136.50")
    edited = EnteredRate.objects.get(ended_at__isnull=True)
    page = browser.get(reverse("console:rates")).content.decode()
    assert "Undo the edit" in page
    assert 'href="https://www.health.gov.au/rates-2026"' in page
    browser.post(reverse("console:rate-steer", args=[edited.pk, "undo"]))
    assert amounts("6")[LATER] == Decimal("135.00")
    assert list_removed() == [], "what was undone is in nobody's way"
    browser.post(reverse("console:rate-steer", args=[row.pk, "remove"]))
    assert LATER not in amounts("6")
    assert "Restore" in browser.get(reverse("console:rates")).content.decode()
    browser.post(reverse("console:rate-steer", args=[row.pk, "restore"]))
    assert amounts("6")[LATER] == Decimal("135.00")
    noted = [
        (entry.act, entry.before.get("amount"), entry.after.get("amount"))
        for entry in AuditEntry.objects.order_by("id")
    ]
    assert noted == [
        ("Rate added", None, "135.00"), ("Rate changed", "135.00", "136.50"),
        ("Edit of a rate undone", "136.50", "135.00"), ("Rate removed", "135.00", None),
        ("Rate restored", None, "135.00"),
    ]  # fmt: skip


def test_one_from_the_same_day_takes_the_place_of_one_that_came_with_carefund(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.ada)
    browser.post(reverse("console:rates"), WANTED | {"from_date": "2025-11-01"})
    assert amounts("6") == {date(2025, 11, 1): Decimal("135.00")}
    assert len(list_rates()) == len(RATES)
    assert "In place of the rate that" in browser.get(reverse("console:rates")).content.decode()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"amount": "0"}, "greater than or equal to 0.01"),
        ({"amount": "100000.01"}, "from $0.01 to $100,000"),
        ({"from_date": "2025-10-31"}, "Enter a day from 1 November 2025"),
        ({"from_date": "2100-01-01"}, "Enter a day from 1 November 2025"),
        ({"kind": "supplement"}, "6 is known as: level."),
        ({"code": "6; DROP"}, "Use a level, such as 5 or HCP2"),
        ({"published": " "}, "This field is required"),
    ],
)
def test_what_cannot_be_a_rate_is_refused_beside_its_field(
    browse: Browse, cast: world.Cast, wrong: dict[str, str], sentence: str
) -> None:
    page = browse(cast.ada).post(reverse("console:rates"), WANTED | wrong).content.decode()
    assert sentence in page
    assert not EnteredRate.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_day_has_one_rate_and_administrators_alone_enter_it(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.ada)
    browser.post(reverse("console:rates"), WANTED)
    assert "has been entered. Edit that one." in browser.post(reverse("console:rates"), WANTED).content.decode()
    row = EnteredRate.objects.get()
    browser.post(reverse("console:rate-steer", args=[row.pk, "remove"]))
    browser.post(reverse("console:rates"), WANTED)
    refused = browser.post(reverse("console:rate-steer", args=[row.pk, "restore"]), follow=True)
    assert "has been entered. Edit that one." in refused.content.decode()
    assert browser.post(reverse("console:rate-steer", args=[row.pk, "burn"])).status_code == 404
    assert browse(cast.fay).get(reverse("console:rates")).status_code == 403


def test_an_entered_rate_explains_what_no_published_one_does(browse: Browse, cast: world.Cast) -> None:
    client = world.make_clients(1)[0]
    world.make_funding(client, quarters=1)
    budget = PlanBudget.objects.get(client=client, budget_type_code="ON")
    assert budget.start_date is not None
    assert budget.end_date is not None
    days = (budget.end_date - budget.start_date).days + 1
    amount = (Decimal("135.00") * Decimal("0.9") * days).quantize(Decimal("0.01"))
    Entitlement.objects.filter(plan_budget=budget, item_code="ON_RATE_6").update(amount=amount)
    browser = browse(cast.ada)
    address = reverse("console:budget-explained", args=[client.pk, budget.pk])
    before = browser.get(address).content.decode()
    assert "This amount does not match a known rate. It equals $135.0000 × 90%" in before
    browser.post(reverse("console:rates"), WANTED | {"from_date": budget.start_date.isoformat()})
    after = browser.get(address).content.decode()
    assert f"$135.00 × 90% × {days} days" in after
    assert "This amount does not match a known rate" not in after


def test_two_years_ahead_are_counted_on_a_leap_day_too() -> None:
    wanted = WantedRate("6", "Level 6", "level", Decimal(1), date(2030, 2, 28), "https://example.test")
    assert find_problems(wanted, [], date(2028, 2, 29)) == {}
    assert list(find_problems(wanted._replace(from_date=date(2030, 3, 1)), [], date(2028, 2, 29))) == ["from_date"]


def test_what_was_removed_comes_back_only_as_the_kind_that_its_code_has_since(browse: Browse, cast: world.Cast) -> None:
    browser, other = browse(cast.ada), WANTED | {"code": "NEW", "name": "New"}
    browser.post(reverse("console:rates"), other | {"kind": "supplement"})
    row = EnteredRate.objects.get()
    browser.post(reverse("console:rate-steer", args=[row.pk, "remove"]))
    browser.post(reverse("console:rates"), other | {"kind": "pathway", "from_date": "2026-08-01"})
    page = browser.post(reverse("console:rate-steer", args=[row.pk, "restore"]), follow=True).content.decode()
    assert "NEW is known as: pathway." in page
    assert [rate.kind for rate in list_rates() if rate.key == "NEW"] == ["pathway"]


def test_a_budget_is_not_said_to_be_explained_by_a_rate_that_is_still_to_come(browse: Browse, cast: world.Cast) -> None:
    client = world.make_clients(1)[0]
    world.make_funding(client, quarters=1)
    budget = PlanBudget.objects.get(client=client, budget_type_code="ON")
    address, browser = reverse("console:budget-explained", args=[client.pk, budget.pk]), browse(cast.ada)
    latest = "the latest from 1 November 2025"
    assert latest in " ".join(browser.get(address).content.decode().split())
    to_come = (timezone.localdate() + timedelta(days=40)).isoformat()
    browser.post(reverse("console:rates"), WANTED | {"from_date": to_come})
    assert latest in " ".join(browser.get(address).content.decode().split())
