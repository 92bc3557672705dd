"""Trigger 3: import invoices, build a batch, submit, turn the funder's clock, Check Status, see what came of it."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import DESKTOP, PHONE, Demo, OpenPage

pytestmark = pytest.mark.browser

HEADING = "Invoice reference;Line reference;Care recipient ID;Service;Date;Quantity;Price"
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
DAYS = 3
LONG_AGO = 40


@pytest.fixture
def turned(demo: Demo) -> Iterator[Demo]:
    """The demo, whose funder's clock is put back afterwards, since all journeys share it."""
    before = demo.control("GET", "/clock")["now"]
    yield demo
    demo.control("POST", "/clock", {"now": before})


def look(page: Page, name: str) -> None:
    """Nothing is cut off, axe-core has no objection; a picture is kept where somebody asked for pictures."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    found = Axe().run(page, options=RULES).response["violations"]
    assert not found, [(violation["id"], [node["target"] for node in violation["nodes"][:3]]) for violation in found]
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def a_file(demo: Demo, care_recipient_id: str, mark: str) -> bytes:
    """Two lines of a service that the person is approved for, delivered on days of which the demo has no open line."""
    number = int(care_recipient_id) - 400_000_000
    told = demo.control("GET", f"/provider-file?from={number}&limit=1")
    service = next(
        item["serviceId"] for invoice in told["invoices"] for item in invoice["items"] if item["fundingSource"] == "ON"
    )
    today = date.fromisoformat(demo.control("GET", "/clock")["today"])
    lines = [
        f"{mark};{mark}-{n};{care_recipient_id};{service};{today - timedelta(days=LONG_AGO + n):%d/%m/%Y};2;80.00"
        for n in (1, 2)
    ]
    return "\r\n".join([HEADING, *lines]).encode("utf-16")


def import_file(page: Page, content: bytes, name: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Claims").click()
    page.get_by_role("link", name="Import invoices").first.click()
    page.get_by_label("CSV file").set_input_files([{"name": name, "mimeType": "text/csv", "buffer": content}])
    page.get_by_role("button", name="Preview import").click()


def submit(page: Page) -> None:
    """Submit the batch on the page: first what would be sent is shown, then it is confirmed."""
    page.get_by_role("link", name="Submit and claim…").click()
    asking = page.get_by_role("dialog")
    expect(asking.get_by_text("Carefund cannot take a claim back.")).to_be_visible()
    assert not Axe().run(page, options=RULES).response["violations"]
    asking.get_by_role("button", name="Submit and claim").click()


def build_batch(page: Page, provider_id: str) -> None:
    page.get_by_label("Branch").select_option(provider_id)
    today = date.fromisoformat(page.get_by_label("Delivered to").input_value())
    page.get_by_label("Delivered from").fill((today - timedelta(days=LONG_AGO + 3)).isoformat())
    page.get_by_label("Delivered to").fill((today - timedelta(days=LONG_AGO - 1)).isoformat())
    page.get_by_role("button", name="Show lines").click()
    expect(page.get_by_role("heading", name="Preview", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("person", "size", "dark"),
    [("400000015", DESKTOP, False), ("400000017", PHONE, True)],
    ids=["desktop", "phone in the dark"],
)  # fmt: skip
def test_from_invoice_to_paid_and_the_budget_updated(
    turned: Demo, open_page: OpenPage, person: str, size: tuple[int, int], dark: bool
) -> None:
    told = turned.control("GET", f"/care-recipients/{person}")
    label = "phone" if size == PHONE else "desktop"
    page = open_page("fay", size, dark=dark)
    # Import with a preview.
    import_file(page, a_file(turned, person, f"WG{person[-2:]}"), "july.csv")
    expect(page.get_by_role("button", name="Import 2 lines")).to_be_visible()
    look(page, f"{label}-import-preview")
    page.get_by_role("button", name="Import 2 lines").click()
    expect(page.get_by_text("2 lines imported.")).to_be_visible()
    # A batch, with what would be refused shown before.
    build_batch(page, told["serviceProviderId"])
    expect(page.get_by_text("320.00").first).to_be_visible()
    look(page, f"{label}-batch-preview")
    page.get_by_role("button", name="Create a batch of 2 lines").click()
    expect(page.get_by_text("Prepared", exact=True)).to_be_visible()
    look(page, f"{label}-batch")
    submit(page)
    expect(page.get_by_text("Claim submitted.")).to_be_visible(timeout=40_000)
    look(page, f"{label}-batch-claimed")
    page.get_by_role("link", name="Claim 1").click()
    expect(page.get_by_text("Being calculated").first).to_be_visible()
    # The funder takes its time.
    turned.control("POST", "/clock", {"advanceDays": DAYS})
    page.get_by_role("button", name="Check Status").click()
    expect(page.locator("h1").get_by_text("Completed")).to_be_visible(timeout=40_000)
    statement = page.get_by_role("region", name="Payment statement")
    expect(statement.get_by_text("$320.00").first).to_be_visible()
    # The sync that followed has brought the usage in.
    for _ in range(40):
        page.reload()
        if page.get_by_text("Paid and drawn", exact=True).count() == 2:
            break
        page.wait_for_timeout(250)
    expect(page.get_by_text("Paid and drawn", exact=True)).to_have_count(2)
    look(page, f"{label}-claim")
    # Every answer behind it is kept, and can be taken away.
    page.get_by_role("region", name="Responses behind this claim").get_by_role("link", name="All").click()
    look(page, f"{label}-answers")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download response payment statement").click()
    assert "payment_statement-sha256-" in download.value.suggested_filename
    page.go_back()
    page.get_by_role("region", name="Lines", exact=True).get_by_role("link").first.click()
    expect(page.get_by_text("drawn in").first).to_be_visible()
    expect(page.get_by_text("claim approved").first).to_be_visible()
    look(page, f"{label}-client")
    page.goto("/claims")
    look(page, f"{label}-claims")
    page.goto("/claims/exceptions")
    look(page, f"{label}-exceptions")


def test_evidence_goes_with_a_late_line(turned: Demo, open_page: OpenPage) -> None:
    turned.control("POST", "/claim-rules", {"lateNeedsEvidence": True})
    person = "400000021"
    told = turned.control("GET", f"/care-recipients/{person}")
    day = date.fromisoformat(turned.control("GET", "/clock")["today"]) - timedelta(days=200)
    line = a_file(turned, person, "LATE").decode("utf-16").splitlines()[1].split(";")
    line[4] = f"{day:%d/%m/%Y}"
    content = f"{HEADING};Late reason code\r\n{';'.join(line)};OTHER"
    page = open_page("fay", PHONE)
    import_file(page, content.encode(), "late.csv")
    page.get_by_role("button", name="Import 1 line").click()
    page.get_by_label("Branch").select_option(told["serviceProviderId"])
    page.get_by_label("Delivered from").fill(day.isoformat())
    page.get_by_label("Delivered to").fill(day.isoformat())
    page.get_by_role("button", name="Show lines").click()
    page.get_by_role("button", name="Create a batch of 1 line").click()
    page.get_by_role("link", name="No evidence attached").click()
    look(page, "phone-evidence-none")
    pdf = {"name": "letter.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 why it is late"}
    page.get_by_label("Evidence (PDF)").set_input_files([pdf])
    page.get_by_role("button", name="Attach").click()
    expect(page.get_by_text("Not sent yet")).to_be_visible()
    look(page, "phone-evidence")
    page.get_by_role("link", name="Batch").click()
    submit(page)
    expect(page.get_by_role("link", name="Evidence sent")).to_be_visible()
    expect(page.get_by_role("definition").get_by_text("Held")).to_be_visible()
    look(page, "phone-evidence-sent")
    [invoice] = [listed for listed in turned.control("GET", "/invoices") if listed["externalReferenceId"] == "LATE"]
    assert [attachment["type"] for attachment in invoice["items"][0]["attachments"]] == ["LATE_SUBMISSION_EVIDENCE"]


def test_a_bad_file_says_where_and_loads_nothing(demo: Demo, open_page: OpenPage) -> None:
    page = open_page("ada")
    bad = f"{HEADING}\nX-1;X-1-1;400000015;SERV-0001;31/02/2026;1.5;80.00\nX-1;X-1-2;999;SERV-0001;01/08/2026;x;80.00\n"
    import_file(page, bad.encode(), "bad.csv")
    expect(page.get_by_role("alert").get_by_text("Nothing can be imported.")).to_be_visible()
    expect(page.get_by_role("row", name="2 Delivery date")).to_be_visible()
    expect(page.get_by_role("button", name="Import", exact=False)).to_have_count(0)
    look(page, "import-bad")


def test_a_coordinator_has_no_claims(open_page: OpenPage) -> None:
    page = open_page("ben")
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Claims")).to_have_count(0)
