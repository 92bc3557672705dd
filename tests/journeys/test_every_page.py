"""Every page, in both themes, on desktop and phone: axe-core finds nothing to object to, and nothing is cut off."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys.conftest import DESKTOP, PHONE, OpenPage

pytestmark = pytest.mark.browser

PAGES = (
    "/", "/help", "/changes?all=1",
    "/clients", "/clients/new", "/clients/import", "/clients/matches", "/clients/1/edit", "/clients/1/data",
    "/clients?search=nobody", "/clients?state=failed", "/clients/1", "/clients/1/plan",
    "/clients/1/spending?price=80&frequency=fortnightly&from_date=2026-11-22&funding_source=ON",
    "/clients/1/synchronise", "/clients/1/changes", "/clients/1/syncs", "/clients/1/as-of", "/clients/1/ndis",
    "/clients/99999", "/account", "/account/password", "/account/two-factor", "/runs", "/runs/1", "/runs/new",
    "/claims", "/claims/invoices", "/claims/new", "/claims/exceptions", "/settings/support-at-home/all",
    "/claims/exceptions/usage", "/money", "/money/quarter", "/money/accounts", "/account/tokens",
    "/administration/tokens", "/administration/webhooks", "/alerts", "/administration/alerts", "/administration/rates",
    "/ndis/comparisons", "/administration", "/settings/ndis-syncpro", "/administration/connections",
    "/administration/schedules", "/administration/access-log", "/administration/people",
    "/administration/people/new",
    "/administration/getting-started", "/administration/people/1", "/administration/connections/interfaces",
)  # fmt: skip
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ALL_RULES: dict[str, Any] = {"runOnly": {"type": "tag", "values": TAGS}}
COLOURS: dict[str, Any] = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
BRIEFLY: dict[str, Any] = {"resultTypes": ["violations"]}  # of what is as it should be, no list of places

# What one presses and is less than 24 pixels high or wide (WCAG 2.2, 2.5.8), but for links within a sentence and ticks
# whose label can be pressed.
TOO_SMALL = """() => [...document.querySelectorAll('a[href], button, summary, select, input:not([type=hidden])')]
  .filter(element => {
    const box = element.getBoundingClientRect(), within = element.parentElement.textContent.trim().length;
    if (!box.width || !box.height || element.closest('.hidden, .skip')) return false;
    if (element.matches('[type=checkbox], [type=radio]') && element.closest('label')) return false;
    const isSentence = getComputedStyle(element).display === 'inline' && within > element.textContent.trim().length + 3;
    return !isSentence && (Math.round(box.height) < 24 || Math.round(box.width) < 24);
  }).map(element => `${element.tagName} ${element.textContent.trim().slice(0, 40)}`)"""


def complaints(page: Page, rules: dict[str, Any] = ALL_RULES) -> list[str]:
    """What axe-core objects to: rule and places."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate("options => axe.run(options)", rules | BRIEFLY)["violations"]
    return [
        f"{page.url} {violation['id']}: {[node['target'] for node in violation['nodes'][:3]]}" for violation in found
    ]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_has_an_accessibility_violation(open_page: OpenPage, size: tuple[int, int]) -> None:
    """All rules in the light theme; the dark one differs in colours alone, and those are the same on each size."""
    page = open_page("ada", size)
    found = []
    for address in PAGES:
        page.goto(address)
        found += complaints(page)
        found += [f"{address} is too small to press: {what}" for what in page.evaluate(TOO_SMALL)]
        if size == DESKTOP:
            page.emulate_media(color_scheme="dark")
            found += [f"dark: {complaint}" for complaint in complaints(page, COLOURS)]
            page.emulate_media(color_scheme="light")
        too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if too_wide > 0:
            found.append(f"{address} is {too_wide} pixels too wide")
    assert not found, "\n".join(found)


def test_the_open_dialog_has_no_violation(open_page: OpenPage) -> None:
    page = open_page("ada")
    page.goto("/clients/1")
    page.get_by_role("link", name="Synchronise Budget Information").first.click()
    page.get_by_role("dialog").wait_for()
    assert not complaints(page)


def test_the_sign_in_page_has_no_violation(open_page: OpenPage) -> None:
    page = open_page("ada")
    page.context.clear_cookies()
    page.goto("/sign-in")
    assert not complaints(page)
