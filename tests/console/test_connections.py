"""Testing a funder's connection from the console: asked for by the page, done by the background process."""

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from carefund.funders.dialect import Dialect, Interfaces
from carefund.records.ndis.store import store_setting
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.conftest import Sandbox
from tests.console import world as cast_world

pytestmark = pytest.mark.django_db(transaction=True)
CONNECTIONS = reverse("console:connections")
Browse = Callable[[User | None], Browser]


@pytest.fixture
def people(transactional_db: None) -> cast_world.Cast:
    return cast_world.make_cast()


@pytest.fixture
def ada(people: cast_world.Cast, browse: Browse) -> Browser:
    return browse(people.ada)


def text_of(browser: Browser) -> str:
    return unescape(browser.get(CONNECTIONS).content.decode())


def test_a_page_asks_for_the_test_and_shows_what_came_of_it(world: Sandbox, ada: Browser):
    assert ada.post(CONNECTIONS).status_code == 302
    ada.post(CONNECTIONS)
    run = Run.objects.get()
    assert (run.kind, run.status) == ("connection-test", "queued")
    watched = reverse("console:run-watch", args=[run.pk])
    assert watched in text_of(ada)
    finish_now(run)
    assert "HX-Refresh" in ada.get(watched, headers={"HX-Request": "true"}).headers
    assert "The connection to PRODA works: it issued a new token" in text_of(ada)
    Run.objects.update(finished_at=None)  # the item has ended, and its run is closed a moment later
    assert "Connection test, just now." in re.sub("<[^>]*>", "", text_of(ada))
    assert watched not in text_of(ada)
    assert "Services Australia" in ada.get(reverse("console:run", args=[run.pk])).content.decode()


def test_without_an_encryption_key_the_test_fails_and_says_so(world: Sandbox, ada: Browser, settings: object):
    settings.ENCRYPTION_KEYS = []  # type: ignore[attr-defined]
    ada.post(CONNECTIONS)
    item = finish_now(Run.objects.get()).items.get()
    assert item.outcome == "failed"
    assert "CAREFUND_ENCRYPTION_KEYS" in text_of(ada)


def test_only_an_administrator_tests_a_connection(people: cast_world.Cast, browse: Browse):
    assert browse(people.ben).post(CONNECTIONS).status_code in (403, 404)
    assert not Run.objects.exists()


def test_the_page_says_which_interfaces_are_spoken(world: Sandbox, ada: Browser, settings: object):
    assert "Standard interfaces, no interfaces file" in text_of(ada)
    dialect = Dialect(members=(("Budget.used", "spent"),), date_format="dd/MM/yyyy")
    settings.INTERFACES_FILE = "interfaces.toml"  # type: ignore[attr-defined]
    known = settings.SERVICES_AUSTRALIA  # type: ignore[attr-defined]
    settings.SERVICES_AUSTRALIA = replace(known, interfaces=Interfaces(dialect=dialect))  # type: ignore[attr-defined]
    assert "interfaces.toml: members: 1, dates: dd/MM/yyyy" in text_of(ada)


def test_the_page_says_how_old_the_last_backup_is(ada: Browser, settings: Settings, tmp_path: Path):
    assert "No backup has been made yet." in text_of(ada)
    settings.BACKUP_FOLDER = str(tmp_path)
    assert "No recent backup" not in text_of(ada)  # the first night is still to come
    made = {"made_at": timezone.now().isoformat(), "size": 3_000_000, "is_restored": True, "has_keys": True}
    store_setting("last-backup", made)
    said = text_of(ada)
    assert "Restored and compared" in said
    assert str(tmp_path) in said
    assert "No recent backup" not in said
    store_setting("last-backup", made | {"made_at": "2026-01-01T00:00:00Z"})
    assert "No backup has been made for more than 36 hours." in text_of(ada)
