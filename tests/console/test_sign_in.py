"""Signing in: passwords, throttle, second factor, password change, theme."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.urls import reverse
from django_otp.oath import totp

from carefund.access import two_factor
from tests.browsing import Browser
from tests.console import world

Browse = Callable[[User | None], Browser]
pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.Cast:
    return world.make_cast()


def sign_in(browser: Browser, name: str, password: str = world.PASSWORD) -> int:
    return browser.post(reverse("console:sign-in"), {"username": name, "password": password}).status_code


def code_for(user: User, *, confirmed: bool) -> str:
    device = two_factor.Authenticator.objects.get(user=user, confirmed=confirmed)
    return f"{totp(device.bin_key, device.step, device.t0, device.digits, device.drift):06d}"


def test_the_right_password_opens_home(cast: world.Cast) -> None:
    browser = Browser()
    assert sign_in(browser, "ben") == 302
    assert browser.get(reverse("console:home")).status_code == 200


@override_settings(AXES_COOLOFF_TIME=40 / 60)
def test_too_many_wrong_passwords_lock_the_account_for_as_long_as_the_page_says(cast: world.Cast) -> None:
    browser = Browser()
    answers = [sign_in(browser, "ben", "wrong") for _ in range(6)]
    assert answers[0] == 200
    assert answers[-1] == 429
    locked = browser.post(reverse("console:sign-in"), {"username": "ben", "password": world.PASSWORD})
    assert (locked.status_code, b"40 minutes" in b" ".join(locked.content.split())) == (429, True)


def test_the_second_factor_is_asked_before_any_page(cast: world.Cast) -> None:
    browser = Browser()
    sign_in(browser, "ada")
    assert browser.get(reverse("console:two-factor")).status_code == 200
    code = code_for(cast.ada, confirmed=False)
    assert browser.post(reverse("console:two-factor"), {"code": code, "password": world.PASSWORD}).status_code == 302

    fresh = Browser()
    sign_in(fresh, "ada")
    answer = fresh.get(reverse("console:clients"))
    assert answer.headers["Location"].startswith(reverse("console:two-factor-verify"))
    assert fresh.get(reverse("console:two-factor")).status_code == 302, "the set-up page is no way around it"
    two_factor.Authenticator.objects.update(last_t=-1)
    wrong = fresh.post(reverse("console:two-factor-verify"), {"code": "000000"})
    assert b"is incorrect" in wrong.content
    two_factor.Authenticator.objects.update(last_t=-1, throttling_failure_count=0)
    right = fresh.post(
        reverse("console:two-factor-verify"),
        {"code": code_for(cast.ada, confirmed=True), "next": reverse("console:clients")},
    )
    assert right.headers["Location"] == reverse("console:clients")
    assert fresh.get(reverse("console:clients")).status_code == 200


def test_a_second_factor_leads_to_no_other_site(cast: world.Cast, browse: Browse) -> None:
    browser = browse(cast.ada)
    browser.get(reverse("console:two-factor"))
    given = {"code": code_for(cast.ada, confirmed=False), "password": world.PASSWORD}
    browser.post(reverse("console:two-factor"), given)
    fresh = Browser()
    sign_in(fresh, "ada")
    two_factor.Authenticator.objects.update(last_t=-1)
    answer = fresh.post(
        reverse("console:two-factor-verify"),
        {"code": code_for(cast.ada, confirmed=True), "next": "https://elsewhere.example/"},
    )
    assert answer.headers["Location"] == reverse("console:home")


@override_settings(TWO_FACTOR_REQUIRED=True)
def test_a_deployment_can_require_the_second_factor(cast: world.Cast, browse: Browse) -> None:
    answer = browse(cast.ben).get(reverse("console:home"))
    assert answer.headers["Location"] == reverse("console:two-factor")


def test_an_administrator_can_take_a_lost_device_off(cast: world.Cast, browse: Browse) -> None:
    two_factor.begin_set_up(cast.ben)
    two_factor.Authenticator.objects.update(confirmed=True)
    browse(cast.ada).post(reverse("console:person", args=[cast.ben.pk]), {"remove-two-factor": "1"})
    assert two_factor.find_device(cast.ben) is None


def test_a_short_password_is_refused(cast: world.Cast, browse: Browse) -> None:
    answer = browse(cast.ben).post(
        reverse("console:password"),
        {"old_password": world.PASSWORD, "new_password1": "short", "new_password2": "short"},
    )
    assert b"at least 12 characters" in answer.content
    assert User.objects.get(pk=cast.ben.pk).check_password(world.PASSWORD)


def test_the_theme_is_remembered_and_only_known_ones_are(cast: world.Cast, browse: Browse) -> None:
    browser = browse(cast.ben)
    browser.post(reverse("console:theme"), {"theme": "dark", "next": "/clients"})
    assert b'data-theme="dark"' in browser.get(reverse("console:home")).content
    assert browser.post(reverse("console:theme"), {"theme": "pink"}).status_code == 405


def test_a_new_account_gets_role_and_branches(cast: world.Cast, browse: Browse) -> None:
    world.make_branches()
    browse(cast.ada).post(
        reverse("console:person-new"),
        {
            "username": "gus", "first_name": "Gus", "last_name": "Ray", "email": "", "is_active": "on",
            "role": "Coordinator", "service_provider_ids": [world.BRANCH], "new_password": "quiet gum trees at noon",
        },
    )  # fmt: skip
    gus = User.objects.get(username="gus")
    assert gus.check_password("quiet gum trees at noon")
    assert [branch_membership.service_provider_id for branch_membership in gus.branch_memberships.all()] == [
        world.BRANCH
    ]  # type: ignore[attr-defined]


def test_nobody_takes_their_own_administrator_rights_away(cast: world.Cast, browse: Browse) -> None:
    answer = browse(cast.ada).post(
        reverse("console:person", args=[cast.ada.pk]), {"username": "ada", "is_active": "on", "role": "Finance"}
    )
    assert b"Ask another administrator" in answer.content


def test_a_bookmark_of_the_earlier_address_leads_to_sign_in() -> None:
    answer = Browser().get("/log-in?next=/clients")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{reverse('console:sign-in')}?next=/clients")
