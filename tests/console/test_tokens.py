"""Tokens for the API: shown once, only in one's own name unless one administers, and ended at once."""

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.access.models import AuditEntry
from carefund.access.tokens import PREFIX, ApiToken, create_token, find_token
from tests.browsing import Browser
from tests.console import world

Browse = Callable[[User | None], Browser]
OWN, ALL = "console:tokens", "console:all-tokens"


def text_in(page: str) -> str:
    start = page.index(PREFIX)
    return page[start : page.index('"', start)]


def test_a_token_is_shown_once_and_opens_the_api_in_ones_own_name(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.ben)
    asked = {"name": "Rostering", "days": "30", "user": cast.ada.pk, "scopes": ["read", "sync"]}
    made = browser.post(reverse(OWN), asked)
    assert "no-store" in made.headers["Cache-Control"]
    token = find_token(text_in(made.content.decode()))
    assert token is not None
    assert (token.user, token.name, token.scopes) == (cast.ben, "Rostering", ["read", "sync"])
    assert token.expires_at
    assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31)
    again = browser.get(reverse(OWN)).content.decode()
    assert PREFIX not in again
    assert "Rostering" in again


def test_each_sees_their_own_and_administrators_all(browse: Browse, cast: world.Cast) -> None:
    create_token(cast.ben, "Rostering")
    create_token(cast.fay, "Payroll")
    own = browse(cast.ben).get(reverse(OWN)).content.decode()
    assert "Rostering" in own
    assert "Payroll" not in own
    everybody = browse(cast.ada).get(reverse(ALL)).content.decode()
    assert "Rostering" in everybody
    assert "Payroll" in everybody
    assert browse(cast.fay).get(reverse(ALL)).status_code == 403
    assert browse(cast.dee).get(reverse(OWN)).status_code == 403


def test_an_administrator_makes_one_for_another_account(browse: Browse, cast: world.Cast) -> None:
    asked = {"name": "Payroll", "days": "", "user": cast.fay.pk, "scopes": "claims"}
    made = browse(cast.ada).post(reverse(ALL), asked | {"service_provider_ids": world.BRANCH})
    token = find_token(text_in(made.content.decode()))
    assert token is not None
    assert (token.user, token.expires_at) == (cast.fay, None)
    assert (token.scopes, token.service_provider_ids) == (["claims"], [world.BRANCH])
    act = AuditEntry.objects.get(act="API token created")
    assert (act.after["scopes"], act.after["Service Provider IDs"]) == (["claims"], [world.BRANCH])


def test_only_its_account_and_administrators_revoke_a_token(browse: Browse, cast: world.Cast) -> None:
    token, text = create_token(cast.ben, "Rostering")
    address = reverse("console:token-revoke", args=[token.pk])
    assert browse(cast.fay).post(address).status_code == 404
    assert browse(cast.ben).get(address).status_code == 405
    assert find_token(text)
    assert browse(cast.ben).post(address).status_code == 302
    assert find_token(text) is None
    other, other_text = create_token(cast.ben, "Another")
    browse(cast.ada).post(reverse("console:token-revoke", args=[other.pk]))
    assert find_token(other_text) is None


def test_an_expired_token_opens_nothing(cast: world.Cast) -> None:
    token, text = create_token(cast.ben, "Rostering", timedelta(days=1))
    assert find_token(text)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    assert find_token(text) is None
    token.refresh_from_db()
    assert token.state == "expired"


def test_a_token_needs_a_name(browse: Browse, cast: world.Cast) -> None:
    answer = browse(cast.ben).post(reverse(OWN), {"name": " ", "days": "30", "scopes": "read"})
    assert "This field is required" in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_is_for_branches_that_its_owner_can_see_and_for_something(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.ben)
    asked = {"name": "x", "days": "30", "scopes": "read", "service_provider_ids": world.OTHER_BRANCH}
    assert "Select a valid choice" in browser.post(reverse(OWN), asked).content.decode()
    nothing = browser.post(reverse(OWN), {"name": "x", "days": "30"})
    assert "This field is required" in nothing.content.decode()
    assert not ApiToken.objects.exists()
