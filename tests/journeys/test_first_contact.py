"""First contact in a browser: descriptions compared, a question answered, the file used, a client tried, shared."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Demo, OpenPage

pytestmark = pytest.mark.browser
PERSON = "400000003"


@pytest.fixture
def description(demo: Demo, tmp_path: Path) -> Iterator[Path]:
    """What the sandbox says of its budgets, with one member called otherwise. What is accepted does not stay."""
    document = demo.control("GET", "/openapi/support-at-home-budgets")
    for name in ("Budget", "BudgetDetails"):
        members = document["definitions"][name]["properties"]
        members["spent"] = members.pop("used")
    file = tmp_path / "budgets.json"
    file.write_text(json.dumps(document))
    yield file
    for accepted in demo.folder.rglob("interfaces*.toml"):
        accepted.unlink()


def test_compare_answer_use_try_and_share(demo: Demo, open_page: OpenPage, description: Path) -> None:
    page = open_page("ada")
    page.goto("/administration/connections")
    page.get_by_role("link", name="Compare, try and share").click()
    page.get_by_label("Descriptions").set_input_files(description)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible()
    page.get_by_text("budget_details: BudgetDetails1Get").click()
    expect(page.get_by_text("GET /service/support-at-home/budget/v1/{budgetId}")).to_be_visible()

    question = page.get_by_label('is "spent" what Carefund calls Budget.used')
    question.uncheck()
    page.get_by_role("button", name="Show the file").click()
    expect(page.get_by_text("This was not confirmed")).to_be_visible()
    question.check()
    page.get_by_role("button", name="Show the file").click()
    expect(page.get_by_text('used = "spent"')).to_be_visible()
    page.get_by_role("button", name="Use this file").click()
    expect(page.get_by_text("A newer file was accepted.")).to_be_visible()
    assert 'used = "spent"' in next(demo.folder.rglob("interfaces.toml")).read_text()

    page.get_by_label("Care Recipient ID").fill(PERSON)
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.get_by_role("rowheader", name="budget_details")).to_be_visible()
    expect(page.get_by_text("Nothing to change in the interfaces file.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    text = download.value.path().read_text()
    assert "[seen.Budget.members]" in text
    assert PERSON not in text
