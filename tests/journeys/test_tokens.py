"""A token for another system: made on a page, used over HTTP, revoked, and of no use from then on."""

import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import DESKTOP, PHONE, Demo, OpenPage

pytestmark = pytest.mark.browser


def answer_to(demo: Demo, token: str) -> int:
    """What the API answers to an invoice that it cannot read: 401 comes before that."""
    request = urllib.request.Request(f"{demo.url}/api/v1/invoices", b"{}", {"Authorization": f"Bearer {token}"})
    request.add_header("Content-Type", "application/json")
    try:
        return int(urllib.request.urlopen(request, timeout=20).status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_make_a_token_use_it_and_revoke_it(demo: Demo, open_page: OpenPage, size: tuple[int, int]) -> None:
    name = f"Payroll {size[0]}"
    page = open_page("fay", size)
    page.goto("/account")
    page.get_by_role("link", name="Manage").click()
    page.get_by_label("Purpose").fill(name)
    page.get_by_label("Valid for").select_option("30 days")
    page.get_by_label("Invoices and claims").check()
    page.get_by_role("button", name="Create token").click()
    token = page.get_by_label("Token", exact=True).input_value()
    assert answer_to(demo, token) not in (401, 403)
    page.goto("/account/tokens")
    assert token not in page.content()
    page.get_by_role("button", name=f"Revoke {name}").click()
    expect(page.get_by_text(f"“{name}” revoked.")).to_be_visible()
    assert answer_to(demo, token) == 401
