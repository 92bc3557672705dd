"""The first visit of an installation without accounts: a link, the first administrator, and what is left to do."""

import re

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.test import override_settings
from django.urls import reverse

from carefund.access import first_visit
from carefund.access.first_visit import NotTheFirst, add_administrator
from carefund.access.models import AuditEntry
from carefund.access.roles import Role, rights_of
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
PASSWORD = "a sentence of our own, 2026"


def fill(key: str, **more: str) -> dict[str, str]:
    names = {"username": "olive", "first_name": "Olive", "last_name": "Reed"}
    return names | {"key": key, "password": PASSWORD, "repeated": PASSWORD} | more


def test_the_link_adds_one_administrator_and_leads_to_what_is_next() -> None:
    address, key, browser = reverse("console:first-visit"), first_visit.make_key(), Browser()
    assert b"Nobody has an account yet" in browser.get(reverse("console:sign-in")).content
    assert b"Welcome to Carefund" in browser.get(address, {"key": key}).content
    for wrong in ({"repeated": "another"}, {"password": "short", "repeated": "short"}, {"username": ""}):
        assert browser.post(address, fill(key, **wrong)).status_code == 200
    assert not User.objects.exists()
    answer = browser.post(address, fill(key))
    assert answer.headers["Location"] == reverse("console:getting-started")
    olive = User.objects.get()
    assert (rights_of(olive).role, olive.get_full_name()) == (Role.ADMINISTRATOR, "Olive Reed")
    assert AuditEntry.objects.filter(act="Account added", user_name="olive").exists()
    page = browser.get(reverse("console:getting-started")).content.decode()
    assert re.search(r"\d of 10 done", page)
    assert "Register a B2B device in PRODA" in page

    late = Browser()
    for answer in (late.get(address, {"key": key}), late.post(address, fill(key, username="mallory"))):
        assert (answer.status_code, b"no longer valid" in answer.content) == (403, True)
    assert User.objects.count() == 1
    assert b"Nobody has an account yet" not in late.get(reverse("console:sign-in")).content
    with pytest.raises(NotTheFirst):
        add_administrator("mallory", PASSWORD)


def test_without_the_link_nobody_comes_in() -> None:
    address = reverse("console:first-visit")
    for key in ("", "x", "x" * 5000, signing.dumps("first visit", salt="another")):
        assert Browser().get(address, {"key": key}).status_code == 403
        assert Browser().post(address, fill(key)).status_code == 403
    with override_settings(SECRET_KEY="another installation's"):
        elsewhere = first_visit.make_key()
    assert Browser().post(address, fill(elsewhere)).status_code == 403
    assert not User.objects.exists()


def test_only_administrators_see_what_is_left_to_do() -> None:
    cast = world.make_cast()
    for person, status in ((cast.ada, 200), (cast.fay, 403), (cast.ben, 403)):
        browser = Browser()
        browser.force_login(person)
        assert browser.get(reverse("console:getting-started")).status_code == status
