"""Budgets as they come from the funder are explained to the cent. Source: rule SAH-16."""

import json
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from carefund.cli.main import main
from carefund.domain.care_recipient.explaining import BudgetExplanation
from carefund.records.care_recipient.funding import find_funding
from carefund.records.models import BudgetUsage, Client, Entitlement, PlanBudget
from carefund.sync.care_recipient.explanations import explain_funding
from tests.browsing import Browser
from tests.conftest import Sandbox
from tests.console import world as people

EXPLAINED = (
    "transitioned-hcp", "level-changed", "interim-funding", "rollover-mid-quarter", "closed-with-write-off",
    "end-of-life", "restorative", "came-back", "moved-here", "same-line-twice", "reissued-budget", "supplements",
    "all-ended", "at-hm-only",
)  # fmt: skip


def explain_all(client: Client) -> list[BudgetExplanation]:
    funding = find_funding(
        Client.objects.get(pk=client.pk),
        timezone.localdate(),
        open_days=django_settings.OPEN_BUDGET_DAYS,
        with_all_usage=True,
    )
    return list(explain_funding(funding, funding.budgets).values())


def test_every_budget_is_explained_to_the_cent(
    world: Sandbox, add_client: Any, synchronise: Callable[..., Any], settings: Settings
):
    """Levels that change, interim funding, rollover and money written off, pathways, tiers, another provider's use."""
    settings.OPEN_BUDGET_DAYS = 500  # so that one sync reads the details of all
    unexplained = []
    for scenario in EXPLAINED:
        client = add_client(world.scenario(scenario)[0])
        synchronise(client)
        for explanation in explain_all(client):
            unexplained += [
                (scenario, figure.name, figure.rest, figure.cause, [term.label for term in figure.terms])
                for figure in explanation.figures
                if not figure.is_explained
            ]
            if explanation.is_explained and not explanation.is_worked_out:
                unexplained.append((scenario, "rates", explanation.total.terms, ""))
    assert unexplained == []


@pytest.mark.django_db
def test_what_is_missing_is_named_on_the_page_and_by_the_command(monkeypatch: Any, capsys: Any):
    people.make_branches()
    cast, client = people.make_cast(), people.make_clients(1)[0]
    people.make_funding(client)
    first = PlanBudget.objects.filter(client=client, budget_type_code="ON").earliest("start_date")
    address = reverse("console:budget-explained", args=[client.pk, first.pk])
    browser = Browser()
    browser.force_login(cast.ben)
    plan = browser.get(reverse("console:plan", args=[client.pk])).content.decode()
    assert plan.count(f'href="{address}"') == 2, "the total leads there, in the table and on the card"
    page = browser.get(address).content.decode()
    assert "Every figure adds up to the cent" in page
    assert "$131.82 × 90% × " in page
    assert browser.get(reverse("console:budget-explained", args=[client.pk, 999_999])).status_code == 404

    Entitlement.objects.filter(plan_budget=first, item_code="OXY_NORM").delete()
    gone = BudgetUsage.objects.filter(plan_budget=first).latest("delivery_date")
    BudgetUsage.objects.filter(pk=gone.pk).update(no_longer_returned_date=timezone.localdate())
    page = browser.get(address).content.decode()
    assert "The entitlements do not include Oxygen supplement ($14.66 × " in page
    assert "is no longer returned." in page

    monkeypatch.setattr(sys, "argv", ["carefund", "explain", str(client.care_recipient_id), "--json"])
    with pytest.raises(SystemExit) as ending:
        main()
    assert not ending.value.code
    told = {row["budget_id"]: row for row in json.loads(capsys.readouterr().out)["budgets"]}[first.budget_id]
    assert not told["is_explained"]
    assert [figure["name"] for figure in told["figures"] if Decimal(figure["not_explained"])] == ["total", "used"]

    browser.force_login(cast.cy)
    assert browser.get(address).status_code == 404, "a client of another branch"
