"""Signing in with the provider's own directory, against an OpenID provider on this machine."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import typer
from django.contrib.auth.models import User
from django.test import override_settings
from django.urls import reverse
from oidc_provider_mock import run_server_in_thread

from carefund.access import openid_connect, two_factor
from carefund.access.models import ApiToken, AuditEntry
from carefund.access.role_names import Role, find_role, read_group_roles
from carefund.access.roles import rights_of
from carefund.access.tokens import create_token, revoke_token
from carefund.cli.check import check
from tests.access.lying_directory import LIES, LyingDirectory
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
BEGIN, RETURN = "console:directory-sign-in", "console:directory-return"
ROLES = read_group_roles(
    {"carefund-admins": "Administrator", "north": f"Coordinator: {world.BRANCH}", "money": "finance"}
)


def settings_for(issuer: str, **more: Any) -> override_settings:
    openid_connect._client.cache_clear()
    return override_settings(
        OIDC_ISSUER=issuer,
        OIDC_CLIENT_ID="carefund",
        OIDC_CLIENT_SECRET="a secret of this test only",
        OIDC_ROLES=ROLES,
        **more,
    )


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def directory(provider: str) -> Iterator[str]:
    with settings_for(provider):
        yield provider
    openid_connect._client.cache_clear()


def describe(directory: str, subject: str, **claims: Any) -> None:
    requests.put(f"{directory}/users/{subject}", json=claims, timeout=10).raise_for_status()


def go_there(browser: Browser, **query: str) -> str:
    """Begin to sign in; gives the directory's address."""
    answer = browser.get(reverse(BEGIN), query)
    assert answer.status_code == 302, answer.content
    return str(answer.headers["Location"])


def come_back(browser: Browser, address: str, **form: str) -> Any:
    """Sign in at the directory, and follow its way back."""
    back = requests.post(address, data=form, allow_redirects=False, timeout=10).headers["Location"]
    parts = urlsplit(back)
    assert parts.path == reverse(RETURN)
    return browser.get(f"{parts.path}?{parts.query}")


def sign_in(directory: str, subject: str, browser: Browser | None = None, **claims: Any) -> Any:
    describe(directory, subject, **claims)
    browser = browser or Browser()
    return come_back(browser, go_there(browser), sub=subject)


def test_somebody_of_a_group_has_its_role_and_branches_anew_at_each_sign_in(directory: str) -> None:
    browser, who = Browser(), {"preferred_username": "mira", "given_name": "Mira", "family_name": "Castle"}
    answer = sign_in(directory, "s-1", browser, groups=["north", "staff"], **who)
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("console:home"))
    assert browser.get(reverse("console:home")).status_code == 200
    mira = User.objects.get(username="mira")
    assert (mira.get_full_name(), mira.has_usable_password()) == ("Mira Castle", False)
    assert rights_of(mira).role is Role.COORDINATOR
    assert rights_of(mira).service_provider_ids == {world.BRANCH}

    sign_in(directory, "s-1", Browser(), groups=["money", "north"], **(who | {"preferred_username": "mira.new"}))
    mira = User.objects.get(pk=mira.pk)
    assert (rights_of(mira).role, mira.username) == (Role.FINANCE, "mira")
    assert [(act.user_name, act.act) for act in AuditEntry.objects.order_by("id")] == [
        ("Directory", "Account added"),
        ("Directory", "Account changed"),
        ("Directory", "Account changed"),
    ]


def test_who_left_every_group_loses_role_sessions_and_tokens(directory: str) -> None:
    browser = Browser()
    sign_in(directory, "s-2", browser, preferred_username="lou", groups=["money"])
    lou = User.objects.get(username="lou")
    create_token(lou, "rostering")
    answer = sign_in(directory, "s-2", preferred_username="lou", groups=["staff"])
    assert answer.status_code == 403
    assert b"has no role in Carefund" in answer.content
    assert rights_of(User.objects.get(pk=lou.pk)).role is None
    assert not ApiToken.objects.filter(user=lou, revoked_at__isnull=True).exists()
    assert browser.get(reverse("console:home")).status_code == 302, "the open session has ended"


def test_strangers_of_the_directory_get_no_account(directory: str) -> None:
    assert sign_in(directory, "s-3", preferred_username="nobody", groups=[]).status_code == 403
    assert sign_in(directory, "s-4", preferred_username="nobody", groups="staff").status_code == 403
    assert not User.objects.exists()


def test_a_user_name_alone_takes_over_nobodys_account(directory: str) -> None:
    cast = world.make_cast()
    answer = sign_in(directory, "s-5", preferred_username="ada", groups=["carefund-admins"])
    assert answer.status_code == 403
    assert b"Another account in Carefund has your username" in answer.content
    cast.ben.set_unusable_password()  # an administrator made it for the directory
    cast.ben.save()
    assert sign_in(directory, "s-6", preferred_username="ben", groups=["north"]).status_code == 302
    assert sign_in(directory, "s-7", preferred_username="ben", groups=["north"]).status_code == 403


def test_an_account_with_a_token_in_force_is_handed_to_nobody(directory: str) -> None:
    """One that a system added, with no password: its tokens would go on in the name of somebody else."""
    rostering = User.objects.create_user("rostering")
    token, _ = create_token(rostering, "rostering")
    answer = sign_in(directory, "s-12", preferred_username="rostering", groups=["carefund-admins"])
    assert (answer.status_code, b"revoke its tokens" in answer.content) == (403, True)
    assert rights_of(User.objects.get(pk=rostering.pk)).role is None
    create_token(rostering, "expired", timedelta(days=-1))
    revoke_token(token)
    assert sign_in(directory, "s-12", preferred_username="rostering", groups=["north"]).status_code == 302
    assert rights_of(User.objects.get(pk=rostering.pk)).role is Role.COORDINATOR


def test_a_superuser_who_left_every_group_loses_sessions_and_tokens(directory: str) -> None:
    sign_in(directory, "s-13", preferred_username="root", groups=["carefund-admins"])
    User.objects.update(is_superuser=True)
    create_token(User.objects.get(), "backup")
    assert sign_in(directory, "s-13", preferred_username="root", groups=[]).status_code == 403
    assert not ApiToken.objects.filter(revoked_at__isnull=True).exists()


def test_an_account_that_is_switched_off_stays_out(directory: str) -> None:
    sign_in(directory, "s-8", preferred_username="kim", groups=["money"])
    User.objects.update(is_active=False)
    answer = sign_in(directory, "s-8", preferred_username="kim", groups=["money"])
    assert (answer.status_code, b"inactive" in answer.content) == (403, True)


def test_it_leads_back_to_the_page_that_was_asked_for_and_nowhere_else(directory: str) -> None:
    describe(directory, "s-9", preferred_username="jo", groups=["money"])
    for wanted, led_to in (("/runs?page=2", "/runs?page=2"), ("https://evil.example/", reverse("console:home"))):
        browser = Browser()
        assert come_back(browser, go_there(browser, next=wanted), sub="s-9").headers["Location"] == led_to


def test_an_answer_that_this_browser_did_not_ask_for_signs_nobody_in(directory: str) -> None:
    describe(directory, "s-10", preferred_username="max", groups=["money"])
    mine, yours = Browser(), Browser()
    address = go_there(mine)
    assert come_back(yours, address, sub="s-10").status_code == 403
    assert yours.get(reverse("console:home")).status_code == 302
    denied = come_back(mine, address, action="deny")
    assert (denied.status_code, b"did not sign you in" in denied.content) == (403, True)
    assert mine.get(reverse(RETURN)).status_code == 403
    assert mine.get(reverse(RETURN), {"code": "x", "state": "y" * 5000}).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"jwks_uri": None}, "has no address as jwks_uri"),
        ({"authorization_endpoint": ["x"], "token_endpoint": "javascript:x"}, "authorization_endpoint, token_endpoint"),
        ({"issuer": "http://elsewhere.example"}, "names another issuer"),
        (None, "is no JSON object"),
    ],
    ids=["no keys", "no addresses", "another issuer", "a list"],
)
def test_a_description_that_cannot_be_used_is_said_and_asked_for_anew(
    wrong: dict[str, Any] | None, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with LyingDirectory() as liar, settings_for(liar.address):
        liar.described = {} if wrong is None else wrong
        liar.is_list = wrong is None
        assert sentence in openid_connect.find_problem()
        with pytest.raises(typer.Exit):
            check(json=True)
        assert sentence in json.loads(capsys.readouterr().out)["directory"]
        for name in (BEGIN, RETURN):
            answer = Browser().get(reverse(name))
            assert (answer.status_code, b"is not available" in answer.content) == (503, True)
        liar.described, liar.is_list = {}, False
        assert go_there(Browser()).startswith(liar.address)


def test_a_directory_that_hangs_holds_half_of_the_threads_that_serve_pages() -> None:
    with LyingDirectory() as liar, settings_for(liar.address), ThreadPoolExecutor(openid_connect._PLACES) as threads:
        liar.seconds = 2.5
        waiting = [threads.submit(openid_connect.find_problem) for _ in range(openid_connect._PLACES)]
        time.sleep(0.3)
        begun = time.monotonic()
        answer = Browser().get(reverse(BEGIN))
        assert (answer.status_code, b"is not available" in answer.content) == (503, True)
        assert time.monotonic() - begun < 2
        assert [problem.result() for problem in waiting] == [""] * openid_connect._PLACES
        liar.seconds = 0.0
        assert go_there(Browser()).startswith(liar.address)


@pytest.mark.parametrize("lie", LIES)
def test_a_directory_that_lies_signs_nobody_in(lie: str) -> None:
    with LyingDirectory() as liar, settings_for(liar.address):
        browser = Browser()
        query = liar.remember(go_there(browser))
        honest = browser.get(reverse(RETURN), query)
        assert honest.status_code == 302, "without a lie it works"
        browser = Browser()
        query = liar.remember(go_there(browser), lie=lie)
        answer = browser.get(reverse(RETURN), query)
        assert answer.status_code in (403, 503), answer.content
        assert browser.get(reverse("console:home")).status_code == 302


def test_without_the_directory_the_page_says_so_and_passwords_work() -> None:
    world.make_cast()
    with settings_for("http://localhost:9"):
        browser = Browser()
        assert b"Sign in with your organisation" in browser.get(reverse("console:sign-in")).content
        answer = browser.get(reverse(BEGIN))
        assert (answer.status_code, b"is not available" in answer.content) == (503, True)
        assert (
            browser.post(reverse("console:sign-in"), {"username": "ada", "password": world.PASSWORD}).status_code == 302
        )
        assert "cannot be reached" in openid_connect.find_problem()
    with settings_for("http://localhost:9", PASSWORD_ACCOUNTS=["ben"]):
        assert browser.get(reverse("console:home")).status_code == 302, "Ada's session was begun with a password"
        for name, status in (("ada", 200), ("ben", 302)):
            form = {"username": name, "password": world.PASSWORD}
            assert Browser().post(reverse("console:sign-in"), form).status_code == status
    openid_connect._client.cache_clear()
    assert Browser().get(reverse(BEGIN)).status_code == 404
    assert b"organisation" not in Browser().get(reverse("console:sign-in")).content.replace(
        b"Our care organisation", b""
    )


@override_settings(TWO_FACTOR_REQUIRED=True)
def test_the_directory_sees_to_the_second_factor(directory: str) -> None:
    browser = Browser()
    sign_in(directory, "s-11", browser, preferred_username="ada", groups=["carefund-admins"])
    ada = User.objects.get(username="ada")
    assert browser.get(reverse("console:home")).status_code == 200
    assert browser.get(reverse("console:two-factor")).headers["Location"] == reverse("console:account")
    assert two_factor.find_device(ada) is None
    page = browser.get(reverse("console:account")).content.decode()
    assert "Your organisation's directory signs you in" in page.replace("&#x27;", "'")
    assert reverse("console:password") not in page
    person = browser.get(reverse("console:person", args=[ada.pk])).content.decode()
    assert 'name="new_password"' not in person


def test_of_several_groups_the_role_of_furthest_reach_counts_with_its_own_branches() -> None:
    roles = read_group_roles({"a": "Read-only:1+2", "b": "Coordinator:3", "c": "Coordinator:4", "d": "Finance"})
    assert find_role(["a"], roles) == (Role.READ_ONLY, {"1", "2"})
    assert find_role(["a", "b", "c"], roles) == (Role.COORDINATOR, {"3", "4"})
    assert find_role(["b", "d"], roles) == (Role.FINANCE, frozenset())
    assert find_role(["x"], roles) == (None, frozenset())


@pytest.mark.parametrize("text", ["Boss", "Coordinator", "Finance:4049000001", "", "Coordinator:+"])
def test_a_group_without_a_whole_role_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"role|branches"):
        read_group_roles({"group": text})
