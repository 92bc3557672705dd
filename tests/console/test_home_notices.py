"""Home tells administrators of doors for other systems that closed, or are about to; nobody else."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.access.tokens import create_token, revoke_token
from carefund.records.encryption import Cipher
from carefund.records.models import WebhookDelivery
from carefund.records.webhooks.store import Attempt, add_endpoint, add_test, store_attempts, switch_off, switch_on
from tests.browsing import Browser
from tests.conftest import ENCRYPTION_KEY
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]
GONE, EXPIRE = "was turned off, because the other system", "API tokens expire soon."


@pytest.fixture
def cast() -> world.Cast:
    world.make_branches()
    return world.make_cast()


def read_home(browse: Browse, user: User) -> str:
    return unescape(browse(user).get(reverse("console:home")).content.decode())


def test_a_webhook_that_its_receiver_switched_off_is_told_until_somebody_decides(cast: world.Cast, browse: Browse):
    now = timezone.now()
    gone = add_endpoint("Rostering", "https://rostering.example/in", ["run.finished"], Cipher([ENCRYPTION_KEY]))
    assert GONE not in read_home(browse, cast.ada)
    add_test(gone.pk, now)
    store_attempts(gone.pk, [Attempt(WebhookDelivery.objects.get().pk, 410)], now)
    page = read_home(browse, cast.ada)
    assert f"The webhook Rostering {GONE}" in page
    assert reverse("console:webhook", args=[gone.pk]) in page
    for user in (cast.fay, cast.ben, cast.rex):
        assert GONE not in read_home(browse, user)
    switch_on(gone.pk)
    switch_off(gone.pk, "An administrator.")
    assert GONE not in read_home(browse, cast.ada)


def test_tokens_that_expire_within_a_fortnight_are_told(cast: world.Cast, browse: Browse):
    create_token(cast.fay, "Later", timedelta(days=20))
    create_token(cast.fay, "Never")
    over, _ = create_token(cast.fay, "Over", timedelta(days=3))
    revoke_token(over)
    past, _ = create_token(cast.fay, "Past", timedelta(seconds=-1))
    assert past.state == "expired"
    assert EXPIRE not in read_home(browse, cast.ada)
    create_token(cast.fay, "Payroll", timedelta(days=3))
    page = read_home(browse, cast.ada)
    assert EXPIRE in page
    assert "Payroll of fay expires" in " ".join(page.split())
    assert "Over of fay" not in page
    assert "Later of fay" not in page
    assert EXPIRE not in read_home(browse, cast.fay)
    for number in range(6):
        create_token(cast.fay, f"Token {number}", timedelta(days=9))
    page = " ".join(read_home(browse, cast.ada).split())
    assert (page.count(" of fay "), "There are more." in page) == (5, True)
