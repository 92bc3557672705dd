"""Finance on Monday: what is unclaimed goes into a batch, what was refused is claimed again or closed unpaid. And a
quarter is closed."""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.claims.test_claim_journeys import HEADING, import_file, look, submit, turned  # noqa: F401 a fixture
from tests.journeys.conftest import Demo, OpenPage, add_client

pytestmark = pytest.mark.browser

BRANCH, PERSON = "4049000002", "400000037"
FIRST_DAY_AGO, LINES = 45, 5
CLAIM_WINDOW_DAYS = 60


def a_file(demo: Demo) -> bytes:
    """Five services of one person, on days of which the demo has no open line."""
    told = demo.control("GET", f"/provider-file?from={int(PERSON) - 400_000_000}&limit=1")
    items = [item for invoice in told["invoices"] for item in invoice["items"]]
    service = next(item["serviceId"] for item in items if item["fundingSource"] == "ON")
    today = date.fromisoformat(demo.control("GET", "/clock")["today"])
    days = [today - timedelta(days=FIRST_DAY_AGO + number) for number in range(LINES)]
    lines = [f"MON;MON-{n};{PERSON};{service};{day:%d/%m/%Y};1;{60 + n}.00" for n, day in enumerate(days, 1)]
    return "\n".join([HEADING, *lines]).encode()


def open_stage(page: Page, stage: str) -> None:
    """Money, of the branch alone, and the list behind one of its tiles."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Money").click()
    page.get_by_label("Branch").select_option(BRANCH)
    page.get_by_role("button", name="Show", exact=True).click()
    page.locator(".tile", has_text=stage).click()
    expect(page.get_by_role("heading", name=stage, level=1)).to_be_visible()


def make_batch(page: Page, step: str, number: int) -> None:
    """The next step of a stage: a batch of the journey's own lines, submitted."""
    page.get_by_role("link", name=step, exact=True).click()
    expect(page.get_by_role("heading", name="Preview", exact=True)).to_be_visible()
    last = date.fromisoformat(page.get_by_label("Delivered to").input_value())
    page.get_by_label("Delivered from").fill((last - timedelta(days=FIRST_DAY_AGO + LINES)).isoformat())
    page.get_by_label("Delivered to").fill((last - timedelta(days=FIRST_DAY_AGO)).isoformat())
    page.get_by_role("button", name="Show lines").click()
    page.get_by_role("button", name=re.compile(rf"^Create a batch of {number} line")).click()
    submit(page)


def refuse_all_but_the_first(demo: Demo) -> None:
    [invoice] = [listed for listed in demo.control("GET", "/invoices") if listed["externalReferenceId"] == "MON"]
    [claim] = [c for c in demo.control("GET", "/claims") if invoice["invoiceId"] in c["invoiceIds"]]
    refused = [f"{invoice['invoiceId']}/{item['itemId']}" for item in invoice["items"][1:]]
    demo.control("POST", f"/claims/{claim['claimId']}", {"refuse": refused})


def test_finances_monday(turned: Demo, open_page: OpenPage) -> None:  # noqa: F811 the fixture
    page = open_page("fay")
    import_file(page, a_file(turned), "monday.csv")
    page.get_by_role("button", name=f"Import {LINES} lines").click()
    # What is unclaimed: the list, its file, and a batch.
    open_stage(page, "Delivered, not claimed")
    expect(page.get_by_text("MON-1", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "MON-5" in download.value.path().read_text(encoding="utf-8-sig")
    make_batch(page, "New batch", LINES)
    expect(page.get_by_text("Claim submitted.")).to_be_visible(timeout=40_000)
    # The funder decides: four are refused.
    refuse_all_but_the_first(turned)
    turned.control("POST", "/clock", {"advanceDays": 3})
    open_stage(page, "Claimed, not decided")
    page.get_by_role("link", name="Check Status", exact=True).click()
    page.get_by_role("button", name="Check Status").click()
    for _ in range(60):
        open_stage(page, "Refused, to correct")
        if page.get_by_text(re.compile(r"^MON-\d$")).count() == LINES - 1:
            break
        page.wait_for_timeout(250)
    expect(page.get_by_text(re.compile(r"^MON-\d$"))).to_have_count(LINES - 1)
    # Three are not worth another try.
    page.get_by_role("link", name="Review exceptions").click()
    lines = page.get_by_role("region", name="Lines", exact=True)
    for number in (3, 4, 5):
        lines.get_by_label(f"Select MON-{number}").check()
    lines.get_by_label("State").select_option("closed-unpaid")
    lines.get_by_label("Note").fill("Client was in hospital.")
    lines.get_by_role("button", name="Change selected").click()
    expect(page.get_by_text("3 exceptions changed.")).to_be_visible()
    expect(lines.get_by_label("Select MON-3")).to_have_count(0)
    # The fourth is claimed again.
    open_stage(page, "Refused, to correct")
    expect(page.get_by_text(re.compile(r"^MON-\d$"))).to_have_text(["MON-2"])
    make_batch(page, "Claim again", 1)
    expect(page.get_by_text("Everything is submitted. Carefund makes the claim tomorrow")).to_be_visible(timeout=40_000)
    look(page, "money-claimed-again")
    open_stage(page, "Refused, to correct")
    expect(page.get_by_text("No lines")).to_be_visible()


def find_somebody_to_roll_over(demo: Demo, quarter_end: date) -> str:
    """Somebody new whose budget of the quarter was not rolled over by the funder."""
    for _ in range(20):
        person = demo.control("POST", "/care-recipients", {"scenario": "ordinary"})["careRecipientId"]
        demo.control("POST", f"/care-recipients/{person}/service-provider", {"serviceProviderId": BRANCH})
        for budget in demo.control("GET", f"/care-recipients/{person}")["budgets"]:
            if budget["endDate"] == quarter_end.isoformat() and float(budget["available"]) > 0:
                return str(person)
    pytest.fail("everybody is rolled over")


def test_a_quarter_is_closed(demo: Demo, open_page: OpenPage) -> None:
    today = date.fromisoformat(demo.control("GET", "/clock")["today"])
    quarter_end = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1) - timedelta(days=1)
    page = open_page("fay")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Money").click()
    if (today - quarter_end).days > CLAIM_WINDOW_DAYS:
        page.get_by_role("link", name="Quarter close").click()
        expect(page.get_by_text("The claim window is closed.")).to_be_visible()
        expect(page.get_by_role("button", name="Roll over")).to_have_count(0)
        return
    person = find_somebody_to_roll_over(demo, quarter_end)
    add_client(page, BRANCH, "Quentin", "Closer", person)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Money").click()
    page.get_by_role("link", name="Quarter close").click()
    page.get_by_label("Show").select_option("ready")
    page.get_by_role("button", name="Show", exact=True).click()
    row = page.get_by_role("row", name="Quentin Closer")
    projected = row.locator("[data-label='Rollover'] .money").first.inner_text()
    row.get_by_label("Select Quentin Closer").check()
    page.get_by_role("button", name=re.compile("^Roll over")).click()
    expect(page.get_by_role("heading", name="Roll over 1 budget")).to_be_visible()
    look(page, "rollover-confirm")
    page.get_by_role("button", name="Confirm the rollover").click()
    expect(page.get_by_text("Rollover requested. The client is being synchronised.")).to_be_visible(timeout=40_000)
    for _ in range(60):
        page.goto(f"/money/quarter?quarter={quarter_end}&show=rolled-over")
        if row.get_by_text("Rollover as estimated").count():
            break
        page.wait_for_timeout(250)
    expect(row.get_by_text("Rollover as estimated")).to_be_visible()
    expect(row.locator("[data-label='Rollover'] .money").first).to_have_text(projected)
