"""Sessions end when nobody uses them, and when the account's owner or an administrator says so."""

from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from pytest_django import Settings

from carefund.access import sessions
from carefund.access.models import AuditEntry
from tests.browsing import Browser

pytestmark = pytest.mark.django_db


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        """As the module `time` says it."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Clock]:
    settings.IDLE_MINUTES = 30
    turned = Clock()
    monkeypatch.setattr(sessions, "time", turned)
    return turned


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss", password="seven green kettles")


def browse(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


def test_whoever_has_not_touched_the_console_for_long_signs_in_again(clock: Clock, boss: User):
    browser = browse(boss)
    for minutes in (0, 29, 29, 29):
        clock.now += minutes * 60
        assert browser.get("/account").status_code == 200
    clock.now += 31 * 60
    assert browser.get("/account").headers["Location"] == "/sign-in?next=/account"
    assert browser.get("/account").status_code == 302


def test_a_page_that_watches_a_run_keeps_no_session_open(clock: Clock, boss: User):
    browser = browse(boss)
    browser.get("/account")
    for _ in range(3):
        clock.now += 15 * 60
        last = browser.get("/runs", headers={"HX-Request": "true"})
    assert last.status_code == 401


def test_sessions_last_as_long_as_set_where_no_minutes_are_set(clock: Clock, boss: User, settings: Settings):
    settings.IDLE_MINUTES = 0
    browser = browse(boss)
    browser.get("/account")
    clock.now += 10 * 3600
    assert browser.get("/account").status_code == 200


def test_one_signs_oneself_out_everywhere_else(boss: User):
    here, lost = browse(boss), browse(boss)
    somebody = browse(User.objects.create_superuser("other"))
    assert "You are also signed in 1 time elsewhere" in here.get("/account").content.decode()
    here.post("/account/sessions")
    assert lost.get("/account").status_code == 302
    assert somebody.get("/account").status_code == 200
    assert "signed in only here" in here.get("/account").content.decode()
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.after) == ("Own sessions ended", {"ended": 1})


def test_an_administrator_ends_the_sessions_of_an_account(boss: User):
    person = User.objects.create_user("worker")
    browsers = [browse(person), browse(person)]
    page = browse(boss)
    assert "2 active sessions" in page.get(f"/administration/people/{person.pk}").content.decode()
    page.post(f"/administration/people/{person.pk}", {"end-sessions": "1"})
    assert [browser.get("/account").status_code for browser in browsers] == [302, 302]
    assert page.get("/account").status_code == 200
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.subject, entry.after) == ("Sessions ended", "account worker", {"ended": 2})


@pytest.mark.parametrize("password", ["Carefund2026!", "harbour-care-2026", "HarbourCareCarefund", "Password12345"])
def test_a_password_of_our_own_names_is_refused(password: str, settings: Settings):
    settings.PROVIDER_NAME = "Harbour Care Ltd"
    with pytest.raises(ValidationError):
        validate_password(password)
    validate_password("harbour seals like herring")


def test_a_breached_password_is_refused_where_there_is_a_list_of_them(settings: Settings, tmp_path: Path):
    breached = [f"harbour seals like herring {number}" for number in range(50)]
    hashes = sorted(sha1(password.encode()).hexdigest().upper() for password in breached)
    file = tmp_path / "breached.txt"
    file.write_text("".join(f"{line}:{number}\r\n" for number, line in enumerate(hashes)))
    validate_password(breached[0])
    settings.BREACHED_PASSWORDS_FILE = str(file)
    for password in breached:
        with pytest.raises(ValidationError, match="data breach"):
            validate_password(password)
    validate_password("harbour seals like herring 50")
    file.unlink()
    with pytest.raises(ValidationError, match="cannot be read"):
        validate_password("harbour seals like herring 50")
