"""What the pages of one client say where something is missing: never an empty budget, never a day to come."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.access.models import AccessLogEntry
from carefund.records.models import BudgetUsage, Client, Entitlement, SyncState
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]


@pytest.fixture
def ada() -> User:
    return world.make_cast().ada


@pytest.fixture
def client_here() -> Client:
    world.make_branches()
    client = world.make_clients(1)[0]
    world.make_funding(client)
    return client


def read(browser: Browser, page: str, client: Client, **query: str) -> str:
    return browser.get(reverse(f"console:{page}", args=[client.pk]), query).content.decode()


def test_refused_details_are_no_empty_budget(browse: Browse, ada: User, client_here: Client) -> None:
    Entitlement.objects.filter(client=client_here).delete()
    BudgetUsage.objects.filter(client=client_here).delete()
    SyncState.objects.filter(client=client_here).update(consent_missing=True)
    page = read(browse(ada), "client", client_here)
    assert "were not released, for want of the client&#x27;s consent" in page
    assert "Entitlements <span" not in page
    assert 'class="left"' not in page


def test_a_budget_closed_before_its_first_read_has_unknown_details(
    browse: Browse, ada: User, client_here: Client
) -> None:
    Entitlement.objects.filter(client=client_here, plan_budget__status="CLOSED").delete()
    BudgetUsage.objects.filter(client=client_here, plan_budget__status="CLOSED").delete()
    page = read(browse(ada), "plan", client_here)
    assert "this one closed before" in page
    assert 'Not known</span></td><td class="amount">' in page


def test_a_day_to_come_is_refused(browse: Browse, ada: User, client_here: Client) -> None:
    today = timezone.localdate()
    page = read(browse(ada), "as-of", client_here, day=(today + timedelta(days=1)).isoformat())
    assert "still to come" in page
    assert "SHA-256" not in page
    assert not AccessLogEntry.objects.exists()
    assert "still to come" not in read(browse(ada), "as-of", client_here, day=today.isoformat())
