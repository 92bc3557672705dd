"""Preview before apply, what was known on a day, and the evidence for it."""

import hashlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Demo, OpenPage

pytestmark = pytest.mark.browser


def preview(page: Page, care_recipient_id: str) -> None:
    page.goto(f"/clients?search={care_recipient_id}")
    page.locator("tbody th a").click()
    page.get_by_role("link", name="Synchronise Budget Information").first.click()
    page.get_by_role("button", name="Preview changes").click()
    expect(page.get_by_role("heading", name="Preview of changes")).to_be_visible()


def test_what_was_previewed_is_what_is_applied(demo: Demo, open_page: OpenPage) -> None:
    page = open_page("ada")
    demo.control("POST", "/care-recipients/400000030/add-usage", {"amount": "-44.00"})
    preview(page, "400000030")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Nothing has been changed yet")).to_be_visible()
    expect(dialog.get_by_role("rowheader", name="Budget usage", exact=True)).to_be_visible()
    expect(page.locator("#funding").get_by_text("44.00 drawn")).not_to_be_visible()
    demo.control("POST", "/care-recipients/400000030/add-usage", {"amount": "-55.00"})
    dialog.get_by_role("button", name="Apply these changes").click()
    expect(dialog.get_by_text("The sync is finished.")).to_be_visible()
    expect(page.locator("#funding").get_by_text("44.00 drawn").first).to_be_visible()
    expect(page.locator("#funding").get_by_text("55.00")).not_to_be_visible()


def test_a_preview_of_nothing_offers_nothing_to_apply(open_page: OpenPage) -> None:
    page = open_page("ada")
    preview(page, "400000031")
    expect(page.get_by_text("No changes.")).to_be_visible()
    expect(page.get_by_role("button", name="Apply these changes")).not_to_be_visible()


def test_a_preview_is_refused_once_the_data_moved(demo: Demo, open_page: OpenPage) -> None:
    demo.control("POST", "/care-recipients/400000032/add-usage", {"amount": "-61.00"})
    first, second = open_page("ada"), open_page("fay")
    preview(first, "400000032")
    preview(second, "400000032")
    second.get_by_role("button", name="Apply these changes").click()
    expect(second.get_by_text("The sync is finished.")).to_be_visible()
    first.get_by_role("button", name="Apply these changes").click()
    expect(first.get_by_role("alert").get_by_text("The records have changed")).to_be_visible()
    expect(first.get_by_role("button", name="Preview again")).to_be_visible()


def test_a_stored_answer_can_be_taken_away_as_evidence(open_page: OpenPage) -> None:
    page = open_page("ada")
    page.goto("/clients/1")
    page.get_by_role("link", name="As at a date").click()
    today = page.get_by_label("Show funding as at the end of").get_attribute("max")
    page.get_by_label("Show funding as at the end of").fill(today or "")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Budgets on that day")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("Download response Care recipient summary")).click()
    digest = hashlib.sha256(Path(download.value.path()).read_bytes()).hexdigest()
    assert digest in download.value.suggested_filename


def test_before_the_first_sync_nothing_was_known(open_page: OpenPage) -> None:
    page = open_page("ada")
    page.goto("/clients/1/as-of?day=2020-01-01")
    expect(page.get_by_text("No funding information as at 1 January 2020")).to_be_visible()
    page.goto("/clients/1/as-of?day=yesterday")
    expect(page.get_by_role("alert").get_by_text("is not a date")).to_be_visible()
