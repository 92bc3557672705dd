"""Requirement 004 from the first step to the last, in a real browser; and what comes after a plan review."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from carefund.domain.ndis.adjustments import NOTE
from carefund.records.models import Client, DeliveredService
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run
from tests.console.world import BRANCH, Cast
from tests.journeys.ndis.conftest import sign_in
from tests.pace_world import NdiaSandbox

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PICTURES = os.environ.get("CAREFUND_JOURNEY_PICTURES", "")


@pytest.fixture
def person(ndia: NdiaSandbox, cast: Cast) -> tuple[Client, dict[str, Any]]:
    """A client of Ben's branch of whom the NDIA knows, and nobody here has entered anything."""
    told = ndia.find("take-over")
    client = Client.objects.create(
        first_name=told["firstName"],
        last_name=told["surname"],
        birth_date=date.fromisoformat(told["birthDate"]),
        service_provider_id=BRANCH,
    )
    return client, told


def picture(page: Page, name: str) -> None:
    """Photograph the page, wide, narrow and dark, when somebody asked for pictures."""
    if not PICTURES:
        return
    for theme, width in (("light", 1280), ("dark", 1280), ("light", 360)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=Path(PICTURES) / f"{name}-{theme}-{width}.png", full_page="dialog" not in name)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def accessible(page: Page) -> None:
    """No barrier that axe knows, wide and narrow, and nothing wider than the screen."""
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})


def carry_out(page: Page) -> None:
    """What an engine does meanwhile: the work that the page has just asked for. In a thread, since the browser's driver
    runs an event loop in this one."""
    expect(page.get_by_text("This continues in the background")).to_be_visible()
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: finish_now(Run.objects.latest("id"))).result()


def set_both_ticks(page: Page, number: str) -> None:
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.get_by_label("API access")).to_be_hidden()
    page.get_by_label("NDIS number").fill(number)
    page.get_by_label("NDIS PACE participant").check()
    expect(page.get_by_label("API access")).to_be_visible()
    page.get_by_label("API access").check()
    picture(page, "edit")
    accessible(page)
    page.get_by_role("button", name="Save").click()


def delivered(page: Page) -> dict[str, dict[str, str]]:
    """The delivered services on a contract's page, field by field, by category."""
    rows = page.locator("[data-service]")
    found = {}
    for place in range(rows.count()):
        row = rows.nth(place)
        fields = row.locator("[data-field]")
        found[row.get_attribute("data-service")] = {
            fields.nth(n).get_attribute("data-field"): fields.nth(n).inner_text() for n in range(fields.count())
        }
    return found


def test_an_existing_client_gets_a_service_contract_from_pace(
    ndia: NdiaSandbox, person: tuple[Client, dict[str, Any]], page: Page
) -> None:
    client, told = person
    # Step 1: search for the client. Ben coordinates care at this branch.
    sign_in(page, "ben")
    page.goto("/clients")
    page.get_by_role("searchbox").fill(client.last_name)
    page.get_by_role("link", name=client.last_name).first.click()
    page.get_by_role("navigation", name="Client").get_by_role("link", name="NDIS").click()
    expect(page.get_by_role("link", name="NDIS PACE")).to_have_count(0)
    picture(page, "client-before")
    # Step 2: Edit; API access shows only once NDIS PACE participant is ticked. Step 3: after Save the option is there.
    set_both_ticks(page, told["ndisNumber"])
    option = page.get_by_role("link", name="NDIS PACE")
    expect(option).to_be_visible()
    picture(page, "client-enabled")
    accessible(page)
    # Step 4: + NDIS PACE opens a dialog and retrieval starts. Step 5: plan and budgets are shown.
    option.click()
    carry_out(page)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="NDIS PACE plan")).to_be_visible()
    boxes = dialog.get_by_role("checkbox")
    expect(boxes).to_have_count(6)
    # Step 6: all are ticked; untick one; Create.
    assert all(boxes.nth(n).is_checked() for n in range(6))
    picture(page, "dialog")
    accessible(page)
    dialog.get_by_label("Assistive Technology").uncheck()
    dialog.get_by_role("button", name="Create").click()
    # Step 7: plan budgets and delivered services are in the new contract.
    page.wait_for_url("**/ndis/contracts/*")
    expect(page.get_by_role("rowheader", name="Choice and Control")).to_be_visible()
    expect(page.get_by_role("rowheader", name="Assistive Technology")).to_have_count(0)
    expect(page.get_by_text("Funding component:")).to_have_count(5)
    common = {
        "support_item_number": "Blank",
        "support_item_description": "NDIS PACE API Budget Adjustment Record",
        "note": " ".join(NOTE.split()),
        "is_claimable": "Never",
    }
    rows = delivered(page)
    for row in rows.values():
        row["note"] = " ".join(row["note"].split())
        row.pop("delivered_date")
    assert rows == {
        name: {**common, "amount": amount, "service_provider_name": provider}
        for name, amount, provider in (
            ("Assistance with Daily Life", "$9,120.40", "NDIA refer to PACE"),
            ("Consumables", "$310.15", "NDIA refer to PACE"),
            ("Improved Daily Living Skills", "$1,455.00", "NDIA refer to PACE"),
            ("Choice and Control", "$420.00", "Previous Plan Manager"),
        )
    }
    assert set(DeliveredService.objects.values_list("support_item_number", flat=True)) == {""}
    assert set(DeliveredService.objects.values_list("note", flat=True)) == {NOTE}
    picture(page, "contract")
    accessible(page)


def test_after_a_plan_review_the_contract_is_brought_into_step(
    ndia: NdiaSandbox, person: tuple[Client, dict[str, Any]], page: Page
) -> None:
    client, told = person
    sign_in(page, "ben")
    page.goto(f"/clients/{client.pk}/ndis")
    set_both_ticks(page, told["ndisNumber"])
    page.get_by_role("link", name="NDIS PACE").click()
    carry_out(page)
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    page.wait_for_url("**/ndis/contracts/*")
    contract = page.url
    adjustments = delivered(page)
    # The NDIA reviews the plan: new dates, new money, one category in other hands, one gone.
    end = timezone.localdate() + timedelta(days=300)
    change = f"/ndia/participants/{told['ndisNumber']}"
    ndia.control("POST", f"{change}/review", endDate=end.isoformat(), approved={"Consumables": "4000.00"})
    ndia.control("POST", f"{change}/set-category", category="Improved Daily Living Skills", management="Self-managed")
    ndia.control("POST", f"{change}/remove-category", category="Assistive Technology")
    page.get_by_role("button", name="Sync PACE plan and budgets").click()
    carry_out(page)
    expect(page.get_by_role("heading", name="The contract differs from PACE")).to_be_visible()
    for text in ("Start date", "End date", "Management", "No longer in PACE (values kept and flagged)"):
        expect(page.get_by_text(text, exact=True).first).to_be_visible()
    expect(page.get_by_text("4,000.00").first).to_be_visible()
    picture(page, "differences")
    accessible(page)
    # Many ticks are set or unset at once, and counted; Back keeps them.
    ticks = page.locator("td.pick").get_by_role("checkbox")
    in_all = ticks.count()
    page.get_by_role("link", name="Select none").click()
    expect(page.get_by_text(f"0 of {in_all} selected.")).to_be_visible()
    page.get_by_role("link", name="Select all").click()
    ticks.first.uncheck()
    expect(page.get_by_text(f"{in_all - 1} of {in_all} selected.")).to_be_visible()
    page.get_by_role("button", name="Update selected values").click()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_text(f"{in_all - 1} of {in_all} selected.")).to_be_visible()
    expect(ticks.first).not_to_be_checked()
    ticks.first.check()
    page.get_by_role("button", name="Update selected values").click()
    expect(page.get_by_text("This cannot be undone.")).to_be_visible()
    picture(page, "confirm")
    accessible(page)
    page.get_by_role("button", name="Yes, update").click()
    page.wait_for_url(contract)
    expect(page.get_by_text("No longer in PACE since")).to_be_visible()
    expect(page.get_by_text("values updated from PACE")).to_be_visible()
    assert delivered(page) == adjustments
    picture(page, "contract-after")
    # Again: nothing differs.
    page.get_by_role("button", name="Sync PACE plan and budgets").click()
    carry_out(page)
    expect(page.get_by_role("heading", name="The contract matches PACE")).to_be_visible()
    accessible(page)
    # The list of contracts says so too.
    page.goto("/ndis/comparisons")
    page.get_by_label(f"Compare the contract of {client.full_name}").check()
    page.get_by_role("button", name="Compare selected").click()
    carry_out(page)
    expect(page.get_by_text("All contracts compared")).to_be_visible()
    expect(page.get_by_role("table").get_by_text("Matches PACE")).to_be_visible()
    picture(page, "comparisons")
    accessible(page)


def test_a_refusal_says_what_to_check(ndia: NdiaSandbox, cast: Cast, page: Page) -> None:
    told = ndia.find("no-consent")
    client = Client.objects.create(
        first_name=told["firstName"],
        last_name=told["surname"],
        birth_date=date.fromisoformat(told["birthDate"]),
        service_provider_id=BRANCH,
    )
    sign_in(page, "ada")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="NDIS SyncPro").click()
    expect(page.get_by_role("heading", name="NDIS SyncPro settings")).to_be_visible()
    expect(page.get_by_role("checkbox", name="PACE API")).to_be_checked()
    picture(page, "settings")
    accessible(page)
    page.goto(f"/clients/{client.pk}/ndis")
    set_both_ticks(page, told["ndisNumber"])
    page.get_by_role("link", name="NDIS PACE").click()
    carry_out(page)
    expect(page.get_by_role("dialog").get_by_text("an active endorsement as plan manager")).to_be_visible()
    picture(page, "dialog-refused")
    accessible(page)
