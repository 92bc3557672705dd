"""Failed attempts to get in: counted per address and account, told in the log, and never a way to keep somebody out."""

import logging
import subprocess
import sys
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from carefund.access.models import AddressFailures
from carefund.access.request_addresses import find_client_address, name_for_counting
from carefund.access.roles import Role, give_role
from carefund.access.tokens import create_token

pytestmark = pytest.mark.django_db
PASSWORD = "quiet gum trees at noon"
STRANGER, OFFICE, PROXY = "203.0.113.7", "198.51.100.4", "10.0.0.2"


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def boss() -> User:
    user = User.objects.create_user("boss", password=PASSWORD)
    give_role(user, Role.ADMINISTRATOR)
    return user


def sign_in(browser: Client, name: str, password: str, address: str, **headers: str) -> int:
    given = {"username": name, "password": password}
    return browser.post(reverse("console:sign-in"), given, REMOTE_ADDR=address, headers=headers).status_code


def test_a_stranger_elsewhere_locks_nobody_out(boss: User):
    assert [sign_in(Client(), "boss", "wrong", STRANGER) for _ in range(7)][-1] == 429
    assert sign_in(Client(), "boss", PASSWORD, OFFICE) == 302


def test_a_stranger_at_the_same_address_does_not_lock_a_known_browser_out(boss: User):
    browser = Client()
    assert sign_in(browser, "boss", PASSWORD, OFFICE) == 302
    browser.post(reverse("console:sign-out"))
    for _ in range(70):
        sign_in(Client(), "boss", "wrong", OFFICE)
    assert sign_in(Client(), "boss", PASSWORD, OFFICE) == 429
    assert sign_in(browser, "boss", PASSWORD, OFFICE) == 302


def test_a_known_browser_is_known_for_one_account_and_has_its_own_limit(boss: User):
    User.objects.create_user("another", password=PASSWORD)
    browser = Client()
    sign_in(browser, "another", PASSWORD, OFFICE)
    for _ in range(6):
        sign_in(Client(), "boss", "wrong", OFFICE)
    assert sign_in(browser, "boss", PASSWORD, OFFICE) == 429
    for _ in range(6):
        sign_in(browser, "another", "wrong", OFFICE)
    assert sign_in(browser, "another", PASSWORD, OFFICE) == 429


def test_one_password_tried_on_many_accounts_is_refused_and_told_by_address(boss: User, caplog):
    with caplog.at_level(logging.WARNING), override_settings(ADDRESS_FAILURE_LIMIT=20):
        answers = [sign_in(Client(), f"person{number}", PASSWORD, STRANGER) for number in range(25)]
        assert answers[0] == 200
        assert answers[-1] == 429
        assert sign_in(Client(), "boss", PASSWORD, STRANGER) == 429
        refused = Client().post(reverse("console:sign-in"), {"username": "boss"}, REMOTE_ADDR=STRANGER)
        assert b"15 minutes" in b" ".join(refused.content.split())
        assert sign_in(Client(), "boss", PASSWORD, OFFICE) == 302
    said = [record.getMessage() for record in caplog.records if record.name == "carefund.access.failed_attempts"]
    assert said == [
        f"10 failed sign-ins from {STRANGER} within 15 minutes",
        f"20 failed sign-ins from {STRANGER} within 15 minutes; refused until then",
    ]
    assert "person" not in caplog.text


def test_wrong_tokens_are_refused_more_plainly_after_a_while_and_right_ones_never(boss: User):
    def ask(text: str) -> object:
        headers = {"authorization": f"Bearer {text}"}
        return Client().get("/api/v1/invoices/none", headers=headers, REMOTE_ADDR=STRANGER)

    with override_settings(ADDRESS_FAILURE_LIMIT=5):
        answers = [ask(f"cft_{number}") for number in range(7)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
        assert answers[-1].json()["code"] == "too-many-attempts"
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert ask(create_token(boss, "Rostering")[1]).status_code == 404


def test_a_name_longer_than_any_account_has_is_one_that_nobody_has():
    assert sign_in(Client(), "x" * 5_000, "wrong", STRANGER) == 200


TRUSTED = [ip_network("10.0.0.0/24"), ip_network("2001:db8::/32")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        (STRANGER, OFFICE, STRANGER),
        (PROXY, "", PROXY),
        (PROXY, OFFICE, OFFICE),
        (PROXY, f"1.2.3.4, {OFFICE}", OFFICE),
        (PROXY, f"{OFFICE}, 10.0.0.9", OFFICE),
        (PROXY, f"{OFFICE}:4711", OFFICE),
        (PROXY, "nonsense", PROXY),
        (PROXY, f"{OFFICE}, nonsense", PROXY),
        ("2001:db8::1", "[2001:dead::5]:80", "2001:dead::5"),
        ("::ffff:10.0.0.2", OFFICE, OFFICE),
    ],
)
def test_the_clients_address_is_the_last_that_no_trusted_proxy_has(peer: str, forwarded: str, expected: str):
    assert find_client_address(peer, forwarded, TRUSTED) == expected


def test_addresses_of_one_ipv6_customer_count_together():
    assert name_for_counting("2001:dead::1:2:3") == name_for_counting("2001:dead::4:5:6") == "2001:dead::"
    assert name_for_counting("2001:dead:0:1::1") != "2001:dead::"


@override_settings(TRUSTED_PROXIES=TRUSTED)
def test_behind_a_trusted_proxy_people_count_by_their_own_addresses(boss: User):
    forwarded = "x-forwarded-for"
    assert [sign_in(Client(), "boss", "wrong", PROXY, **{forwarded: STRANGER}) for _ in range(7)][-1] == 429
    assert sign_in(Client(), "boss", PROXY, PROXY, **{forwarded: OFFICE}) == 200
    assert sign_in(Client(), "boss", PASSWORD, PROXY, **{forwarded: OFFICE}) == 302


@override_settings(TRUSTED_PROXIES=TRUSTED)
def test_who_is_no_trusted_proxy_cannot_choose_an_address(boss: User):
    answers = [
        sign_in(Client(), "boss", "wrong", STRANGER, **{"x-forwarded-for": f"10.9.9.{number}"}) for number in range(7)
    ]
    assert answers[-1] == 429


@override_settings(
    TRUSTED_PROXIES=TRUSTED, SECURE_SSL_REDIRECT=True, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")
)
def test_only_a_trusted_proxy_says_that_a_request_came_encrypted():
    page, encrypted = reverse("console:sign-in"), {"x-forwarded-proto": "https"}
    assert Client().get(page, REMOTE_ADDR=PROXY, headers=encrypted).status_code == 200
    assert Client().get(page, REMOTE_ADDR=STRANGER, headers=encrypted).status_code == 301


def test_a_proxy_that_nobody_named_is_told_in_the_log_once(boss: User, caplog):
    browser = Client()
    for _ in range(3):
        sign_in(browser, "boss", "wrong", PROXY, **{"x-forwarded-for": OFFICE})
    said = [record for record in caplog.records if "CAREFUND_TRUSTED_PROXIES" in record.getMessage()]
    assert len(said) == 1
    assert OFFICE not in said[0].getMessage()


def test_what_strangers_send_is_refused_before_it_is_read():
    for path in ("/sign-in", "/claims/invoices", "/account"):
        answer = Client().generic("POST", path, b"x" * (2 * 2**20), content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 413
        assert b"Sign in first" in answer.content


@pytest.mark.parametrize("name", ["account", "password", "two-factor", "tokens", "sign-in", "home", "theme"])
def test_no_page_is_kept_by_browsers_or_proxies(name: str, boss: User):
    browser = Client()
    for _ in range(2):
        answer = browser.get(reverse(f"console:{name}"))
        assert "no-store" in answer.headers["Cache-Control"]
        browser.force_login(boss)


def test_no_answer_of_the_api_is_kept(boss: User):
    assert Client().get("/api/v1/invoices/none").headers["Cache-Control"] == "no-store"


def test_nobody_types_the_name_under_which_a_known_browser_counts(boss: User):
    browser = Client()
    assert sign_in(browser, "boss", PASSWORD, OFFICE) == 302
    browser.post(reverse("console:sign-out"))
    for _ in range(7):
        sign_in(Client(), "boss (known browser)", "wrong", OFFICE)
    assert sign_in(browser, "boss", PASSWORD, OFFICE) == 302


def test_counts_are_in_the_database_and_a_quarter_of_an_hour_later_begin_anew(boss: User):
    with override_settings(ADDRESS_FAILURE_LIMIT=3):
        for number in range(4):
            sign_in(Client(), f"person{number}", PASSWORD, STRANGER)
        assert sign_in(Client(), "boss", PASSWORD, STRANGER) == 429
        AddressFailures.objects.update(begun_at=timezone.now() - timedelta(minutes=15))
        assert sign_in(Client(), "person", PASSWORD, STRANGER) == 200
        assert AddressFailures.objects.get().count == 1
        assert sign_in(Client(), "boss", PASSWORD, STRANGER) == 302


def test_whoever_signs_out_leaves_nothing_in_the_browser(boss: User):
    browser = Client()
    browser.force_login(boss)
    assert browser.post(reverse("console:sign-out")).headers["Clear-Site-Data"] == '"cache", "storage"'


def test_encrypted_cookies_have_names_that_no_other_host_can_set(tmp_path: Path):
    program = "from django.conf import settings; print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)"
    environment = {
        "CAREFUND_DATA_FOLDER": str(tmp_path),
        "CAREFUND_ENVIRONMENT_FILE": str(tmp_path / "none.env"),
        "CAREFUND_SECRET_KEY": "for this test",
        "CAREFUND_HTTPS": "true",
        "DJANGO_SETTINGS_MODULE": "carefund.settings",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["__Host-sessionid", "__Host-csrftoken"]
