"""The second factor: encrypted where it is kept, slowed, and taken off only by whoever can prove who they are."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from carefund.access import migrations, two_factor
from carefund.access.roles import Role, give_role
from carefund.access.tokens import create_token, find_token
from tests.browsing import Browser
from tests.console import world

Browse = Callable[[User | None], Browser]
pytestmark = pytest.mark.django_db
OFF = "console:two-factor-off"
MIGRATION = next(
    path.stem for path in Path(migrations.__path__[0]).glob("*.py") if path.stem.endswith("encrypted_authenticators")
)


@pytest.fixture
def cast() -> world.Cast:
    return world.make_cast()


def code_of(device: two_factor.Authenticator) -> str:
    return f"{totp(device.bin_key):06d}"


def pair(user: User, browser: Browser) -> two_factor.Authenticator:
    """Set the second factor up as a person does; the browser has given it then."""
    browser.get(reverse("console:two-factor"))
    device = two_factor.Authenticator.objects.get(user=user)
    browser.post(reverse("console:two-factor"), {"code": code_of(device), "password": world.PASSWORD})
    device.refresh_from_db()
    assert device.confirmed
    return device


def test_no_secret_is_readable_in_the_database(cast: world.Cast, browse: Browse) -> None:
    device = pair(cast.ben, browse(cast.ben))
    with connection.cursor() as cursor:
        cursor.execute("SELECT encrypted_secret FROM access_authenticator")
        stored = bytes(cursor.fetchone()[0])
    assert device.bin_key not in stored
    assert device.bin_key.hex().encode() not in stored


def test_an_older_encryption_key_still_reads_a_secret(cast: world.Cast, browse: Browse, settings: object) -> None:
    device = pair(cast.ben, browse(cast.ben))
    before = device.bin_key
    newer = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [newer, *settings.ENCRYPTION_KEYS]  # type: ignore[attr-defined]
    assert device.bin_key == before


def test_without_the_key_the_page_says_so_and_lets_nobody_in(cast: world.Cast, browse: Browse) -> None:
    pair(cast.ben, browse(cast.ben))
    fresh = browse(cast.ben)
    with override_settings(ENCRYPTION_KEYS=[Fernet.generate_key().decode()]):
        answer = fresh.post(reverse("console:two-factor-verify"), {"code": "123456"})
    assert b"cannot be read" in answer.content
    assert fresh.get(reverse("console:home")).status_code == 302


@override_settings(ENCRYPTION_KEYS=[], TWO_FACTOR_REQUIRED=True)
def test_without_any_key_nothing_can_be_set_up_and_the_page_says_why(cast: world.Cast, browse: Browse) -> None:
    answer = browse(cast.ben).get(reverse("console:two-factor"))
    assert b"CAREFUND_ENCRYPTION_KEYS is not set" in answer.content


def test_secrets_of_before_are_encrypted_by_the_migration_and_still_work(cast: world.Cast) -> None:
    old = TOTPDevice.objects.create(user=cast.ben, name="phone", confirmed=True, last_t=7)
    secret = old.bin_key
    migration = import_module(f"carefund.access.migrations.{MIGRATION}")
    editor = connection.SchemaEditorClass(connection)
    migration.encrypt(apps, editor)
    moved = two_factor.Authenticator.objects.get(user=cast.ben)
    assert (moved.bin_key, moved.name, moved.confirmed, moved.last_t) == (secret, "phone", True, 7)
    assert not TOTPDevice.objects.exists()
    migration.decrypt(apps, editor)
    assert TOTPDevice.objects.get(user=cast.ben).bin_key == secret


def test_setting_it_up_needs_the_password(cast: world.Cast, browse: Browse) -> None:
    """Whoever finds a computer that is signed in cannot lock its owner out."""
    browser = browse(cast.ben)
    browser.get(reverse("console:two-factor"))
    device = two_factor.Authenticator.objects.get(user=cast.ben)
    for wrong in ("", "guess"):
        page = browser.post(reverse("console:two-factor"), {"code": code_of(device), "password": wrong})
        assert page.status_code == 200
        assert two_factor.find_device(cast.ben) is None
    assert b"This is not your password." in page.content


def test_an_administrators_page_is_no_way_around_the_proof_for_ones_own_account(
    cast: world.Cast, browse: Browse
) -> None:
    browser = browse(cast.ada)
    device = pair(cast.ada, browser)
    own = reverse("console:person", args=[cast.ada.pk])
    assert browser.post(own, {"remove-two-factor": "1"}).headers["Location"] == reverse(OFF)
    assert two_factor.find_device(cast.ada) == device
    kept = {"username": "ada", "first_name": "Ada", "is_active": "on", "role": Role.ADMINISTRATOR.value}
    assert browser.post(own, {**kept, "new_password": NEW}).status_code == 302
    cast.ada.refresh_from_db()
    assert (cast.ada.first_name, cast.ada.check_password(world.PASSWORD)) == ("Ada", True)
    assert b"new_password" not in browser.get(own).content


def test_taking_it_off_needs_the_password_or_a_code(cast: world.Cast, browse: Browse) -> None:
    browser = browse(cast.ben)
    device = pair(cast.ben, browser)
    assert browser.post(reverse("console:two-factor"), {"remove": "1"}).headers["Location"] == reverse(OFF)
    for wrong in ("", "wrong", "²²²²²²"):
        browser.post(reverse(OFF), {"proof": wrong})
        assert two_factor.find_device(cast.ben) == device
    assert browser.post(reverse(OFF), {"proof": world.PASSWORD}).headers["Location"] == reverse("console:account")
    assert two_factor.find_device(cast.ben) is None

    device = pair(cast.ben, browser)
    two_factor.Authenticator.objects.update(last_t=-1)
    assert browser.post(reverse(OFF), {"proof": code_of(device)}).status_code == 302
    assert two_factor.find_device(cast.ben) is None


def test_guessing_the_password_there_locks_as_it_does_at_the_door(cast: world.Cast, browse: Browse) -> None:
    browser = browse(cast.ben)
    device = pair(cast.ben, browser)
    answers = [browser.post(reverse(OFF), {"proof": f"guess {number}"}).status_code for number in range(6)]
    assert answers[-1] == 429
    assert two_factor.find_device(cast.ben) == device


def test_a_page_says_for_how_long_no_code_is_looked_at(cast: world.Cast, browse: Browse) -> None:
    device = pair(cast.ben, browse(cast.ben))
    fresh = browse(cast.ben)
    two_factor.Authenticator.objects.update(
        last_t=-1, throttling_failure_count=4, throttling_failure_timestamp=timezone.now()
    )
    answer = fresh.post(reverse("console:two-factor-verify"), {"code": code_of(device)})
    assert b"Too many wrong codes. Wait 8 seconds" in answer.content
    assert fresh.get(reverse("console:home")).status_code == 302


def test_wrong_codes_never_lock_a_device_for_longer_than_a_quarter_of_an_hour(cast: world.Cast, browse: Browse) -> None:
    device = pair(cast.ben, browse(cast.ben))
    two_factor.Authenticator.objects.update(
        throttling_failure_count=60, throttling_failure_timestamp=timezone.now() - timedelta(minutes=15, seconds=1)
    )
    device.refresh_from_db()
    assert two_factor.seconds_to_wait(device) == 0


def test_a_code_opens_once(cast: world.Cast, browse: Browse) -> None:
    device = pair(cast.ben, browse(cast.ben))
    fresh = browse(cast.ben)
    answer = fresh.post(reverse("console:two-factor-verify"), {"code": f"{totp(device.bin_key):06d}"})
    assert b"already been used" in answer.content


NEW = "a different sentence of some length"


def change_oneself(cast: world.Cast, browse: Browse) -> None:
    form = {"old_password": world.PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert browse(cast.ben).post(reverse("console:password"), form).status_code == 302


def change_by_administrator(cast: world.Cast, browse: Browse) -> None:
    form = {"username": "ben", "is_active": "on", "role": "Coordinator", "new_password": NEW}
    assert browse(cast.ada).post(reverse("console:person", args=[cast.ben.pk]), form).status_code == 302


def change_by_command(cast: world.Cast, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: NEW)
    call_command("changepassword", "ben")


@pytest.mark.parametrize("change", [change_oneself, change_by_administrator, change_by_command])
def test_a_new_password_ends_tokens_and_sessions(
    change: Callable[..., None], cast: world.Cast, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = create_token(cast.ben, "Rostering")
    _, others = create_token(cast.fay, "Payroll")
    open_elsewhere = browse(cast.ben)
    assert find_token(text)
    change(cast, browse, *([monkeypatch] if change is change_by_command else []))
    assert find_token(text) is None
    assert open_elsewhere.get(reverse("console:home")).status_code == 302
    assert find_token(others)


def test_the_pages_say_so_before(cast: world.Cast, browse: Browse) -> None:
    assert (
        b"ends your other sessions and all your API tokens" in browse(cast.ben).get(reverse("console:password")).content
    )
    page = browse(cast.ada).get(reverse("console:person", args=[cast.ben.pk]))
    assert b"sessions and API tokens" in page.content


def test_signing_in_with_a_digest_that_is_renewed_ends_no_token(cast: world.Cast, settings: object) -> None:
    settings.PASSWORD_HASHERS = [  # type: ignore[attr-defined]
        "django.contrib.auth.hashers.PBKDF2PasswordHasher", "django.contrib.auth.hashers.MD5PasswordHasher",
    ]  # fmt: skip
    _, text = create_token(cast.ben, "Rostering")
    before = cast.ben.password
    Browser().post(reverse("console:sign-in"), {"username": "ben", "password": world.PASSWORD})
    cast.ben.refresh_from_db()
    assert cast.ben.password != before
    assert find_token(text)


def test_tokens_end_with_the_role_and_with_the_right_to_sign_in(cast: world.Cast, browse: Browse) -> None:
    _, first = create_token(cast.ben, "Rostering")
    give_role(cast.ben, None)
    assert find_token(first) is None
    give_role(cast.ben, Role.COORDINATOR)
    assert find_token(first) is None
    _, second = create_token(cast.ben, "Rostering")
    browse(cast.ada).post(reverse("console:person", args=[cast.ben.pk]), {"username": "ben", "role": "Coordinator"})
    User.objects.filter(pk=cast.ben.pk).update(is_active=True)
    assert find_token(second) is None


def test_a_token_of_an_account_that_lost_its_role_elsewhere_opens_nothing(cast: world.Cast) -> None:
    _, text = create_token(cast.ben, "Rostering")
    cast.ben.groups.clear()
    answer = Browser().get("/api/v1/invoices/none", headers={"authorization": f"Bearer {text}"})
    assert answer.status_code == 401


def test_any_number_of_wrong_codes_is_answered(cast: world.Cast, browse: Browse) -> None:
    device = pair(cast.ben, browse(cast.ben))
    long_ago = timezone.now() - timedelta(hours=1)
    two_factor.Authenticator.objects.update(throttling_failure_count=1024, throttling_failure_timestamp=long_ago)
    fresh = browse(cast.ben)
    assert fresh.post(reverse("console:two-factor-verify"), {"code": "000000"}).status_code == 200
    device.refresh_from_db()
    assert device.throttling_failure_count < 100
    assert fresh.get(reverse("console:two-factor-verify")).status_code == 200


def test_a_set_up_begun_under_a_key_that_is_gone_begins_anew(
    cast: world.Cast, browse: Browse, settings: object
) -> None:
    browser = browse(cast.ben)
    browser.get(reverse("console:two-factor"))
    settings.ENCRYPTION_KEYS = (Fernet.generate_key().decode(),)  # type: ignore[attr-defined]
    pair(cast.ben, browser)
    assert two_factor.find_device(cast.ben) is not None
