"""A real browser on the console, and the NDIA behind it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.console.world import PASSWORD, Cast, make_branches, make_cast
from tests.pace_world import NdiaSandbox, ndia, pace_sandbox_process

__all__ = ["ndia", "pace_sandbox_process"]

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture
def cast(transactional_db: None, ndia: NdiaSandbox) -> Cast:
    make_branches()
    return make_cast()


@pytest.fixture
def page(cast: Cast, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A page of a browser in which nobody is signed in. Made after the world, because its driver runs an event loop."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(15_000)
        yield context.new_page()
        browser.close()


def sign_in(page: Page, name: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
