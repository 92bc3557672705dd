"""Runs of many clients: start, watch, pause, resume, cancel, retry the failures, take the result away."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import DESKTOP, PHONE, Demo, OpenPage

pytestmark = pytest.mark.browser


def start_everybody(page: Page) -> None:
    page.goto("/runs")
    page.get_by_role("link", name="Start a bulk sync").click()
    page.get_by_label("All active clients").check()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="Active clients")).to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_bulk_run_is_watched_paused_resumed_and_finishes(
    demo: Demo, open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page("ada", size)
    demo.control("POST", "/faults", {"kind": "delay", "seconds": 1, "operation": "care_recipient_summary"})
    try:
        start_everybody(page)
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("Run paused.")).to_be_visible()
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("Run resumed.")).to_be_visible()
    finally:
        demo.control("DELETE", "/faults")
    expect(page.locator("#progress").get_by_text("Finished")).to_be_visible()
    # Other journeys may have added clients to the same demo.
    expect(page.locator("#progress b.number")).to_have_text(re.compile(r"^(\d+) of \1$"))


def test_a_cancelled_run_stays_cancelled(demo: Demo, open_page: OpenPage) -> None:
    page = open_page("ada")
    demo.control("POST", "/faults", {"kind": "delay", "seconds": 1, "operation": "care_recipient_summary"})
    try:
        start_everybody(page)
        page.get_by_role("button", name="Cancel run").click()
        expect(page.get_by_text("Run cancelled.")).to_be_visible()
        expect(page.locator("#progress").get_by_text("Cancelled")).to_be_visible()
        expect(page.get_by_role("button", name="Resume")).not_to_be_visible()
    finally:
        demo.control("DELETE", "/faults")


def test_only_the_failures_are_retried(demo: Demo, open_page: OpenPage) -> None:
    page = open_page("ada")
    for care_recipient_id in ("400000014", "400000015"):
        demo.control(
            "POST", "/faults", {"kind": "status", "status": 400, "subject": care_recipient_id, "operation": "*"}
        )
    try:
        page.goto("/clients?search=40000001")
        page.get_by_label("Select all on this page").check()
        page.get_by_role("button", name="Synchronise selected").click()
        expect(page.get_by_text("selected clients will be synchronised")).to_be_visible()
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#progress").get_by_text("Finished")).to_be_visible()
        expect(page.get_by_role("cell", name="400000014")).to_be_visible()
        expect(page.get_by_role("cell", name="400000015")).to_be_visible()
        expect(page.get_by_role("cell", name="400000016")).not_to_be_visible()
    finally:
        demo.control("DELETE", "/faults")
    page.get_by_role("button", name="Retry failed items").click()
    expect(page.get_by_text("2 of 2")).to_be_visible()
    expect(page.get_by_role("button", name="Retry failed items")).not_to_be_visible()


def test_a_file_of_ids_names_the_unknown_one_and_goes_on(open_page: OpenPage, tmp_path: Path) -> None:
    ids = tmp_path / "ids.csv"
    ids.write_text("Care Recipient ID\n400000020\n499999998\n400000021\n")
    page = open_page("fay")
    page.goto("/runs/new")
    page.get_by_label("A file of Care Recipient IDs").check()
    page.get_by_label("File with one Care Recipient ID per line").set_input_files(ids)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("3 of 3")).to_be_visible()
    expect(page.get_by_role("cell", name="499999998")).to_be_visible()
    expect(page.get_by_text("No client has this Care Recipient ID.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert "499999998" in Path(download.value.path()).read_text(encoding="utf-8-sig")


def test_an_empty_choice_starts_nothing_and_says_so(open_page: OpenPage, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("\n\n")
    page = open_page("ada")
    page.goto("/runs/new")
    page.get_by_label("A file of Care Recipient IDs").check()
    page.get_by_label("File with one Care Recipient ID per line").set_input_files(empty)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("This file has no IDs.")).to_be_visible()
