"""Whoever closes the browser in the middle finds the work on Runs, follows it, and comes back to the result."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.claims.test_claim_journeys import a_file, build_batch, import_file, submit
from tests.journeys.conftest import DESKTOP, PHONE, Demo, OpenPage

pytestmark = pytest.mark.browser

SLOW_MS = 3000
PARTICIPANT = "take-over"


@pytest.fixture
def slow(demo: Demo) -> Iterator[Demo]:
    """The demo, whose funders answer slowly until a test says otherwise."""
    demo.control("POST", "/switches", {"latencyMs": SLOW_MS})
    yield demo
    demo.control("POST", "/switches", {"latencyMs": 0})


def find_on_runs(page: Page, scope: str, size: tuple[int, int]) -> None:
    """Open the newest run of this scope by way of the menu; it is under way."""
    if size == PHONE:
        page.goto("/runs")
    else:
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs").click()
    page.get_by_role("link", name=scope).first.click()
    expect(page.get_by_role("heading", name=scope)).to_be_visible()
    expect(page.locator("#progress").get_by_text("Running")).to_be_visible(timeout=40_000)


def follow_to_the_end(page: Page, demo: Demo) -> None:
    """The page says by itself when the run is over."""
    demo.control("POST", "/switches", {"latencyMs": 0})
    expect(page.locator("#progress").get_by_text("Finished")).to_be_visible(timeout=40_000)
    expect(page.locator("#progress").get_by_text("1 of 1", exact=True)).to_be_visible()


def test_in_the_middle_of_a_claim_batch(slow: Demo, open_page: OpenPage) -> None:
    """Begun on the desktop, found again on the phone. Of a service provider for whom no other journey claims, since
    each may claim once a day."""
    person, mark = "400000019", "CLOSED"
    provider = slow.control("GET", f"/care-recipients/{person}")["serviceProviderId"]
    assert provider not in {claim["serviceProviderId"] for claim in slow.control("GET", "/claims")}
    page = open_page("fay")
    import_file(page, a_file(slow, person, mark), "closed.csv")
    page.get_by_role("button", name="Import 2 lines").click()
    build_batch(page, provider)
    page.get_by_role("button", name="Create a batch of 2 lines").click()
    batch = page.url.rsplit("/", 1)[-1]
    submit(page)
    expect(page.get_by_role("button", name="Sending…")).to_be_visible()
    page.context.close()

    page = open_page("fay", PHONE)
    find_on_runs(page, f"Claim batch {batch}", PHONE)
    follow_to_the_end(page, slow)
    page.get_by_role("region", name="Items in this run").get_by_role("link", name=f"Batch {batch}").click()
    expect(page.get_by_role("heading", level=1).get_by_text("Claimed", exact=True)).to_be_visible()
    sent = [invoice for invoice in slow.control("GET", "/invoices") if invoice["externalReferenceId"] == mark]
    assert [len(invoice["items"]) for invoice in sent] == [2], "sent once"


def test_in_the_middle_of_an_ndis_create(slow: Demo, open_page: OpenPage) -> None:
    person = next(row for row in slow.control("GET", "/ndia/participants") if row["scenario"] == PARTICIPANT)
    page = open_page("ada")
    page.goto(f"/clients?search={person['surname']}")
    page.locator("tbody th a").first.click()
    page.get_by_role("navigation", name="Client").get_by_role("link", name="NDIS").click()
    page.get_by_role("link", name="NDIS PACE").click()
    expect(page.get_by_role("dialog").get_by_text("This continues in the background")).to_be_visible()
    page.context.close()

    page = open_page("ada")
    find_on_runs(page, "PACE plan of one client", DESKTOP)
    follow_to_the_end(page, slow)
    page.get_by_role("region", name="Items in this run").get_by_role("link", name=person["surname"]).click()
    page.get_by_role("link", name="Review it").click()
    expect(page.get_by_role("heading", name="NDIS PACE plan")).to_be_visible()
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/ndis/contracts/*")
    expect(page.get_by_role("rowheader", name="Choice and Control")).to_be_visible()


def test_in_the_middle_of_sync_service_providers(slow: Demo, open_page: OpenPage) -> None:
    page = open_page("ada")
    page.goto("/settings/support-at-home")
    page.get_by_role("button", name="Sync Service Providers").click()
    expect(page.get_by_role("region", name="Sync Service Providers")).to_be_visible()
    page.context.close()

    page = open_page("ada")
    find_on_runs(page, "Service Provider IDs on care recipients' budgets", DESKTOP)
    follow_to_the_end(page, slow)
    page.get_by_role("region", name="Items in this run").get_by_role("link", name="All clients").click()
    expect(page.get_by_text("Service Provider IDs found:")).to_be_visible()


@pytest.mark.parametrize("who", ["ben", "rex"])
def test_who_may_not_see_runs_is_not_led_there(open_page: OpenPage, who: str) -> None:
    page = open_page(who)
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs")).to_have_count(0)
    answer = page.goto("/runs")
    assert answer is not None
    assert answer.status == 403
