"""The cast of the console's tests, and the NDIA."""

import pytest

from tests.browsing import Browser
from tests.console.world import Cast, make_cast
from tests.pace_world import NdiaSandbox, ndia, pace_sandbox_process

__all__ = ["NdiaSandbox", "ndia", "pace_sandbox_process"]


@pytest.fixture
def cast(ndia: NdiaSandbox) -> Cast:
    return make_cast()


@pytest.fixture
def ben(cast: Cast) -> Browser:
    """A coordinator of the clients' branch, signed in."""
    return browser_of(cast.ben)


def browser_of(user: object) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser
