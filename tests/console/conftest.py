"""The provider that the console's tests look at, and its people's browsers."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from carefund.records.models import Client
from tests.browsing import Browser
from tests.conftest import ENCRYPTION_KEY
from tests.console import world
from tests.rows import make_once


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hash passwords cheaply: the cost that protects them is not what these tests are about."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def encryption_keys(settings: Settings) -> None:
    """A key for what is encrypted at rest, as every installation has one."""
    settings.ENCRYPTION_KEYS = [ENCRYPTION_KEY]


@pytest.fixture
def provider(db: None) -> tuple[world.Cast, list[Client]]:
    return make_once(world.make_everything)


@pytest.fixture
def cast(provider: tuple[world.Cast, list[Client]]) -> world.Cast:
    return provider[0]


@pytest.fixture
def clients(provider: tuple[world.Cast, list[Client]]) -> list[Client]:
    return provider[1]


@pytest.fixture
def margaret(clients: list[Client]) -> Client:
    return clients[0]


@pytest.fixture
def browse() -> Callable[[User | None], Browser]:
    """A browser in which somebody is signed in."""

    def open_browser(user: User | None = None) -> Browser:
        browser = Browser()
        if user is not None:
            browser.force_login(user)
        return browser

    return open_browser
