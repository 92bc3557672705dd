"""Requirement 003: no valid id yet; then find the ids, open a tab, refresh, save, see the history."""

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import DESKTOP, PHONE, Demo, OpenPage
from tests.journeys.test_every_page import complaints

pytestmark = pytest.mark.browser
ONE, TWO = "4049000001", "4049000002"


def open_settings(page: Page) -> None:
    page.goto("/administration")
    page.locator("main").get_by_role("link", name="Support at Home").click()
    expect(page.get_by_role("heading", name="Care Management Budget")).to_be_visible()


def refresh_and_save(page: Page) -> None:
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_text("These figures are not saved yet")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("These figures are not saved yet")).to_have_count(0)
    expect(page.get_by_text("Last Sync Date:")).to_be_visible()


def objections(page: Page, *addresses: str) -> list[str]:
    """What axe-core objects to on these pages and their histories."""
    found = []
    for address in (page.url, *addresses):
        page.goto(address)
        found += complaints(page)
    return found


@pytest.fixture(autouse=True)
def ordinary_pools(demo: Demo) -> None:
    for provider_id in (ONE, TWO):
        demo.control("DELETE", f"/service-providers/{provider_id}")


def test_no_valid_id_yet(demo: Demo, open_page: OpenPage) -> None:
    with closing(sqlite3.connect(demo.folder / "var" / "demo" / "carefund.sqlite3")) as database, database:
        # Another journey may have found the ids of the same demo.
        database.execute("UPDATE records_serviceprovider SET detected_at = NULL, no_longer_returned_date = NULL")
    page = open_page("ada")
    menu = page.get_by_role("navigation", name="Main")
    expect(menu.get_by_text("Settings", exact=True)).to_be_visible()
    menu.get_by_role("link", name="Support at Home").click()
    expect(page.get_by_role("heading", name="No valid Service Provider ID has been found yet")).to_be_visible()
    expect(page.get_by_role("button", name="Refresh")).to_be_disabled()
    expect(page.get_by_role("navigation", name="Service Provider IDs")).to_have_count(0)


@pytest.mark.parametrize(("size", "script"), [(DESKTOP, True), (PHONE, False)], ids=["desktop", "phone-no-script"])
def test_find_the_ids_open_a_tab_refresh_save_and_see_history(
    demo: Demo, open_page: OpenPage, size: tuple[int, int], script: bool
) -> None:
    page = open_page("ada", size, script=script)
    open_settings(page)
    page.get_by_role("button", name="Sync Service Providers").click()
    tabs = page.get_by_role("navigation", name="Service Provider IDs")
    expect(tabs.get_by_role("link", name="All IDs")).to_be_visible()

    tabs.get_by_role("link", name=TWO).click()
    expect(page.get_by_label("Service Provider ID", exact=True)).to_have_value(TWO)
    demo.control("POST", f"/service-providers/{TWO}/second-budget", {"amount": 1200})
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_text("These figures are not saved yet")).to_be_visible()
    budgets = page.locator("table").first.locator("tbody tr")
    expect(budgets).to_have_count(2)
    page.get_by_text("What the figures mean").click()
    expect(page.get_by_text("rolled over from one quarter to the next")).to_be_visible()
    if size == DESKTOP:
        page.get_by_role("columnheader", name="Total").get_by_role("link").click()
        expect(budgets.first).to_contain_text("$1,200.00")
        expect(page.get_by_text("These figures are not saved yet")).to_be_visible()
    expect(page.get_by_role("heading", name="Who uses the pool")).to_be_visible()
    expect(page.get_by_text("Estimate", exact=True)).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("by ada")).to_be_visible()

    demo.control("POST", f"/service-providers/{TWO}/use", {"amount": 300, "careRecipientId": "400000004"})
    refresh_and_save(page)
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="Care management history")).to_be_visible()
    expect(page.locator("svg.history rect").first).to_be_visible()
    change = page.get_by_role("region", name="Compare two saves")
    expect(change.get_by_text("−$300.00").first).to_be_visible()
    page.get_by_role("link", name="Financial years").click()
    expect(page.get_by_role("heading", name="By financial year")).to_be_visible()
    if script:
        assert not objections(page, f"/settings/support-at-home/{TWO}", "/settings/support-at-home/all")
        page.goto(f"/settings/support-at-home/{TWO}/history")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_no_data_says_what_to_check_and_what_came_back(demo: Demo, open_page: OpenPage) -> None:
    page = open_page("ada")
    page.goto("/settings/support-at-home")
    page.get_by_role("button", name="Sync Service Providers").click()
    expect(page.get_by_role("navigation", name="Service Provider IDs")).to_be_visible()
    demo.control("POST", f"/service-providers/{ONE}/empty")
    page.goto(f"/settings/support-at-home/{ONE}")
    page.get_by_role("button", name="Refresh").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Check that the Service Provider ID is correct, then try again.")
    expect(alert).to_contain_text(ONE)
    expect(alert).to_contain_text("No budgets of any type")


@pytest.mark.parametrize("who", ["ben", "rex", "fay"])
def test_others_find_no_trace_and_get_a_clear_refusal(open_page: OpenPage, who: str) -> None:
    page = open_page(who)
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    expect(page.get_by_role("link", name="Support at Home")).to_have_count(0)
    expect(page.get_by_text("Settings", exact=True)).to_have_count(0)
