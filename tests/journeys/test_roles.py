"""What each role sees and may do, from signing in on: finance works with everybody, who may only read changes nothing.

A coordinator's journeys are those of test_synchronise.py; what belongs to administrators is in the others.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import DESKTOP, PHONE, Demo, OpenPage

pytestmark = pytest.mark.browser

ELSEWHERE = "4049000003"  # neither the coordinator's branch nor that of who may only read
SYNCHRONISE = "Synchronise Budget Information"


def menu_of(page: Page) -> list[str]:
    """The words of the main menu, narrow or wide."""
    links = page.get_by_role("navigation", name="Main").get_by_role("link", include_hidden=True)
    return [text.strip() for text in links.all_text_contents()]


def refuses(page: Page, address: str) -> bool:
    """Whether an address that was typed by hand is refused, with a page that says so."""
    answer = page.goto(address)
    assert answer is not None
    return answer.status == 403


def own_client(page: Page) -> str:
    """Open the first client in the list that has a Care Recipient ID; gives the address."""
    page.goto("/clients?search=4000000")
    page.locator("tbody th a").first.click()
    expect(page.get_by_role("navigation", name="Client")).to_be_visible()
    return page.url


def client_elsewhere(open_page: OpenPage) -> str:
    """The address of a client of another branch, as finance sees it."""
    page = open_page("fay")
    page.goto(f"/clients?provider={ELSEWHERE}")
    page.locator("tbody th a").first.click()
    expect(page.get_by_role("navigation", name="Client")).to_be_visible()
    return page.url


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_who_may_only_read_sees_their_branches_and_changes_nothing(open_page: OpenPage, size: tuple[int, int]) -> None:
    page = open_page("rex", size)
    assert menu_of(page) == ["Home", "Alerts", "Clients", "NDIS contracts"]
    address = own_client(page)
    expect(page.get_by_role("heading", name="Budgets").first).to_be_visible()
    expect(page.get_by_text(SYNCHRONISE)).to_have_count(0)
    for tab in ("Plan", "Changes", "Syncs", "As at a date", "NDIS"):
        page.get_by_role("navigation", name="Client").get_by_role("link", name=tab, exact=True).click()
        expect(page.get_by_role("link", name=tab, exact=True, include_hidden=True).first).to_have_attribute(
            "aria-current", "page"
        )
        expect(page.get_by_text(SYNCHRONISE)).to_have_count(0)
    assert refuses(page, f"{address}/synchronise")
    for door in ("/clients.csv", "/runs", "/runs/new", "/claims", "/administration", "/settings/support-at-home"):
        assert refuses(page, door), door


def test_finance_synchronises_many_takes_the_list_away_and_administers_nothing(demo: Demo, open_page: OpenPage) -> None:
    page = open_page("fay")
    assert {"Runs", "Claims"} <= set(menu_of(page))
    assert not {"Admin console", "Users and roles", "Access log", "Funder connections"} & set(menu_of(page))
    demo.control("POST", "/care-recipients/400000031/add-usage", {"amount": "-44.00"})
    page.goto("/clients?search=400000031")
    page.get_by_label("Select all on this page").check()
    page.get_by_role("button", name="Synchronise selected").click()
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#progress").get_by_text("Finished")).to_be_visible()
    expect(page.get_by_role("cell", name="400000031")).to_be_visible()
    page.goto("/clients?search=400000031")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "400000031" in Path(download.value.path()).read_text(encoding="utf-8-sig")
    page.locator("tbody th a").click()
    expect(page.locator("#funding").get_by_text("44.00 drawn").first).to_be_visible()
    for door in (f"/administration/{name}" for name in ("people", "access-log", "connections", "schedules")):
        assert refuses(page, door), door
    assert refuses(page, "/settings/support-at-home")


def test_finance_synchronises_one_client_of_any_branch(open_page: OpenPage) -> None:
    page = open_page("fay")
    page.goto(f"/clients?provider={ELSEWHERE}")
    page.locator("tbody th a").first.click()
    page.get_by_role("link", name=SYNCHRONISE).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Sync", exact=True).click()
    expect(dialog.get_by_text("The sync is finished.")).to_be_visible()


@pytest.mark.parametrize("name", ["ben", "rex"])
def test_a_client_of_another_branch_does_not_exist(open_page: OpenPage, name: str) -> None:
    address = client_elsewhere(open_page)
    page = open_page(name)
    page.goto(f"/clients?provider={ELSEWHERE}")
    expect(page.locator("tbody th a")).to_have_count(0)
    for where in (address, f"{address}/plan", f"{address}/synchronise"):
        answer = page.goto(where)
        assert answer is not None
        assert answer.status == 404


def test_a_coordinator_has_neither_runs_nor_claims_nor_settings(open_page: OpenPage) -> None:
    page = open_page("ben")
    assert menu_of(page) == ["Home", "Alerts", "Clients", "NDIS contracts"]
    own_client(page)
    expect(page.get_by_role("link", name=SYNCHRONISE).first).to_be_visible()
    for door in ("/clients.csv", "/runs", "/runs/new", "/claims", "/administration", "/settings/support-at-home"):
        assert refuses(page, door), door
