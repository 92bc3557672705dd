"""Requirement 000: open a client, Synchronise Budget Information, confirm, see counts, follow the link to the plan."""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import DESKTOP, PHONE, Demo, OpenPage

pytestmark = pytest.mark.browser

KINDS = (
    "Budget records", "Approved services", "Classifications", "Individual contributions", "Supplement allocations",
)  # fmt: skip


def find_client(page: Page, care_recipient_id: str) -> None:
    """Search as one types, and open the one found."""
    page.goto("/clients")
    page.get_by_label("Name or ID").press_sequentially(care_recipient_id)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.wait_for_load_state("networkidle")  # a click on a row that is being replaced is nobody's
    page.locator("tbody th a").click()
    expect(page.get_by_role("navigation", name="Client")).to_be_visible()


def start_sync(page: Page) -> None:
    page.get_by_role("link", name="Synchronise Budget Information").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Synchronise Budget Information")).to_be_visible()
    for kind in KINDS:
        expect(dialog.get_by_text(kind)).to_be_visible()
    expect(dialog.get_by_text("consent")).to_be_visible()
    expect(dialog.get_by_role("link", name="Close")).to_be_visible()
    dialog.get_by_role("button", name="Sync", exact=True).click()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_coordinator_synchronises_and_follows_the_budget_link(
    demo: Demo, open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page("ben", size)
    find_client(page, "400000007")
    address = page.url
    demo.control("POST", "/care-recipients/400000007/add-usage", {"amount": "-33.00"})
    start_sync(page)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("The sync is finished.")).to_be_visible()
    assert page.url == address, "the result shows without leaving the page"
    expect(dialog.get_by_text("400000007")).to_be_visible()
    for kind in KINDS:
        expect(dialog.get_by_role("rowheader", name=kind)).to_be_visible()
    usage = dialog.get_by_role("row", name="Budget usage")
    expect(usage.get_by_role("cell").first).not_to_have_text("0")
    expect(page.locator("#funding").get_by_text("33.00 drawn").first).to_be_visible()
    dialog.get_by_role("link", name="View budget").click()
    expect(page.get_by_role("heading", name="Support at Home plan")).to_be_visible()
    expect(page.get_by_role("heading", name="Budgets across quarters")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["dialog", "no-script"])
def test_a_coordinator_is_told_when_the_sync_moves_the_client_to_another_branch(
    demo: Demo, open_page: OpenPage, script: bool
) -> None:
    person = "400000025" if script else "400000028"
    page = open_page("ben", script=script)
    page.goto(f"/clients?search={person}")
    page.locator("tbody th a").click()
    address = page.url
    demo.control("POST", f"/care-recipients/{person}/service-provider", {"serviceProviderId": "4049000003"})
    page.get_by_role("link", name="Synchronise Budget Information").first.click()
    page.get_by_role("button", name="Sync", exact=True).click()
    expect(page.get_by_text("The sync is finished.")).to_be_visible()
    expect(page.get_by_text("You no longer have access to this client.")).to_be_visible()
    expect(page.get_by_role("rowheader", name="Budget records")).to_be_visible()
    if script:
        page.keyboard.press("Escape")
    else:
        page.get_by_role("link", name="Close").click()
    expect(page.get_by_role("heading", name="Clients", exact=True)).to_be_visible()
    assert page.goto(address).status == 404  # type: ignore[union-attr]


def test_a_second_sync_says_that_nothing_changed(open_page: OpenPage) -> None:
    page = open_page("ada")
    find_client(page, "400000008")
    start_sync(page)
    expect(page.get_by_role("dialog").get_by_text("No changes.")).to_be_visible()
    page.get_by_role("dialog").get_by_role("link", name="Close").click()
    expect(page.get_by_role("dialog")).not_to_be_visible()


def test_consent_refused_is_told_apart_from_an_empty_budget(demo: Demo, open_page: OpenPage) -> None:
    page = open_page("ada")
    find_client(page, demo.scenario("consent-refused"))
    start_sync(page)
    expect(page.get_by_role("dialog").get_by_text("consent was not given for budget details")).to_be_visible()
    page.get_by_role("dialog").get_by_role("link", name="Close").click()
    expect(page.get_by_text("may be out of date")).to_be_visible()


def test_a_failure_names_the_step_and_what_to_do(demo: Demo, open_page: OpenPage) -> None:
    page = open_page("ada")
    find_client(page, "400000009")
    demo.control(
        "POST", "/faults", {"kind": "status", "status": 400, "subject": "400000009", "operation": "*", "times": 50}
    )
    try:
        start_sync(page)
        expect(page.get_by_role("alert").get_by_text("Nothing was changed")).to_be_visible()
    finally:
        demo.control("DELETE", "/faults")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("dialog").get_by_text("The sync is finished.")).to_be_visible()


def test_it_all_works_without_a_script(open_page: OpenPage) -> None:
    page = open_page("ada", script=False)
    page.goto("/clients?search=400000011")
    page.locator("tbody th a").click()
    page.get_by_role("link", name="Synchronise Budget Information").first.click()
    page.get_by_role("button", name="Sync", exact=True).click()
    expect(page.get_by_text("The sync is finished.")).to_be_visible()
    page.get_by_role("link", name="View budget").click()
    expect(page.get_by_role("heading", name="Support at Home plan")).to_be_visible()


def test_the_dialog_can_be_used_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page("ada")
    page.goto("/clients?search=400000012")
    page.locator("tbody th a").click()
    page.get_by_role("link", name="Synchronise Budget Information").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Synchronise Budget Information")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("dialog").get_by_role("link", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()
