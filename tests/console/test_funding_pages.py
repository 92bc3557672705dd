"""What the pages of one client say where something is missing: never an empty budget, never a day future."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.access.models import AccessLogEntry
from carefund.records.models import (
    ApprovedService,
    BudgetUsage,
    Classification,
    Client,
    Entitlement,
    Plan,
    PlanBudget,
    Supplement,
    SyncState,
)
from carefund.runs.models import Run
from carefund.runs.requests import request_run
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


def test_the_first_sync_is_no_change(browse: Browse, ada: User, client_here: Client) -> None:
    head = read(browse(ada), "client", client_here).split("</nav>")[1]
    assert "No changes since the first sync" in head
    world.make_changes(client_here)
    head = read(browse(ada), "client", client_here).split("</nav>")[1]
    assert "Last change <time" in head
    assert "No changes since the first sync" not in head


def test_refused_details_are_no_empty_budget(browse: Browse, ada: User, client_here: Client) -> None:
    Entitlement.objects.filter(client=client_here).delete()
    BudgetUsage.objects.filter(client=client_here).delete()
    SyncState.objects.filter(client=client_here).update(consent_missing=True)
    page = read(browse(ada), "client", client_here)
    assert "Services Australia does not release the entitlements and usage of this budget." in page
    assert page.casefold().count("consent was not given") + page.casefold().count("consent not given") == 1, "once"
    assert "Entitlements <span" not in page
    assert 'class="left"' not in page


@pytest.fixture
def unread(client_here: Client) -> PlanBudget:
    """A budget that closed before the first sync, of which nothing was ever read."""
    budget = PlanBudget.objects.filter(client=client_here, status="CLOSED").earliest("start_date")
    Entitlement.objects.filter(plan_budget=budget).delete()
    BudgetUsage.objects.filter(plan_budget=budget).delete()
    PlanBudget.objects.filter(pk=budget.pk).update(end_date=timezone.localdate() - timedelta(days=120))
    answer(client_here, budget, None)
    return budget


def answer(client: Client, budget: PlanBudget, how: str | None) -> None:
    """What came of asking for a budget's details; None: nobody ever asked."""
    state = SyncState.objects.get(client=client)
    state.digests.pop(f"budget_details:{budget.budget_id}", None)
    state.unanswered = {budget.budget_id: how} if how else {}
    state.unread_budgets = int(how is None)
    state.save()


def test_a_budget_that_nobody_asked_about_is_not_read_yet(
    browse: Browse, ada: User, client_here: Client, unread: PlanBudget
) -> None:
    page = " ".join(read(browse(ada), "plan", client_here).split())
    assert "Not read yet</span></td>" in page
    assert "If a budget ended before the first sync, Carefund reads them once, overnight." in page
    assert page.count("Entitlements <span") == PlanBudget.objects.filter(client=client_here).count() - 2


def test_a_budget_that_is_being_read_says_so(
    browse: Browse, ada: User, client_here: Client, unread: PlanBudget
) -> None:
    request_run(
        trigger=Run.Trigger.ROUTINE, clients=[client_here], scope="budgets not read yet", parts=Run.Parts.UNREAD_BUDGETS
    )
    page = read(browse(ada), "plan", client_here)
    assert "Being read</span></td>" in page
    assert "are being read and will appear shortly." in page
    Run.objects.update(status=Run.Status.CANCELLED)
    assert "Not read yet</span></td>" in read(browse(ada), "plan", client_here)


@pytest.mark.parametrize(
    ("how", "short", "sentence"),
    [
        ("refused", "Not released", "because the client has not given consent"),
        ("not found", "Not known", "has no details for it"),
        ("unreadable", "Not readable", "could not read"),
    ],
)
def test_how_asking_for_a_closed_budget_ended_is_said(
    browse: Browse, ada: User, client_here: Client, unread: PlanBudget, how: str, short: str, sentence: str
) -> None:
    answer(client_here, unread, how)
    page = read(browse(ada), "plan", client_here)
    assert f"{short}</span></td>" in page
    assert sentence in page


def test_entitlements_of_the_list_are_shown_before_the_usage_is_read(
    browse: Browse, ada: User, client_here: Client, unread: PlanBudget
) -> None:
    Entitlement.objects.create(
        client=client_here, plan_budget=unread, changed_at=timezone.now(), item_code="ON_RATE_6", amount=unread.total
    )
    page = read(browse(ada), "plan", client_here)
    assert "Carefund reads them once, overnight." in page
    assert "Nothing was drawn" not in page
    assert "Not read yet</span></td>" not in page, "nothing was rolled over, as the entitlements say"


def test_a_day_to_come_is_refused(browse: Browse, ada: User, client_here: Client) -> None:
    today = timezone.localdate()
    page = read(browse(ada), "as-of", client_here, day=(today + timedelta(days=1)).isoformat())
    assert "is in the future" in page
    assert "SHA-256" not in page
    assert [entry.what for entry in AccessLogEntry.objects.all()] == ["Funding as at a day"], "who, without figures"
    assert "is in the future" not in read(browse(ada), "as-of", client_here, day=today.isoformat())


def test_the_plan_of_somebody_who_returned_is_explained_by_its_own_classification(
    browse: Browse, ada: User, client_here: Client
) -> None:
    """Source: rule SYNC-05: the plan starts with *its* earliest classification."""
    old = Plan.objects.get(client=client_here)
    first, second = Classification.objects.filter(client=client_here).order_by("start_date")
    budget = PlanBudget.objects.filter(client=client_here, status="CLOSED").latest("start_date")
    Classification.objects.filter(pk=first.pk).update(level="3", end_date=date(2026, 3, 31), plan=old)
    Plan.objects.filter(pk=old.pk).update(is_latest=False, end_date=date(2026, 3, 31))
    new = Plan.objects.create(client=client_here, start_date=date(2026, 6, 1))
    Classification.objects.filter(pk=second.pk).update(plan=new, level="6", start_date=date(2026, 6, 1), end_date=None)
    PlanBudget.objects.filter(client=client_here).exclude(pk=budget.pk).update(plan=new)
    page = " ".join(read(browse(ada), "plan", client_here).split())
    assert "The plan starts with its earliest classification: Level 6 from 1 June 2026." in page
    assert "Level 3" not in page
    assert page.count("Earlier plan</span>") == 1
    own = PlanBudget.objects.filter(plan=new).count()
    assert f'<dt>Budgets</dt><dd class="number">{own}</dd>' in page


def test_ended_supplements_and_services_are_marked_and_not_counted_as_in_force(
    browse: Browse, ada: User, client_here: Client
) -> None:
    today = timezone.localdate()
    plan = Plan.objects.get(client=client_here)
    common = {"client": client_here, "plan": plan, "changed_at": timezone.now()}
    Supplement.objects.filter(client=client_here).delete()
    ApprovedService.objects.filter(client=client_here).delete()
    for name, start, end in (
        ("Gone by", date(2026, 1, 1), today - timedelta(days=1)),
        ("Last day", date(2026, 1, 1), today),
        ("Not begun", today + timedelta(days=1), None),
    ):
        Supplement.objects.create(**common, type_code=name, description=name, start_date=start, end_date=end)
        ApprovedService.objects.create(**common, service_id=name, service_text=name, start_date=start, end_date=end)
    page = " ".join(read(browse(ada), "client", client_here).split())
    assert page.count(">1 in force, 1 future, 1 ended</span>") == 2
    assert page.count('Gone by <span class="badge">Ended</span>') == 2
    assert page.count('Not begun <span class="badge info">Future</span>') == 2
    assert page.count("Last day </th>") == 2
    assert page.index("Last day") < page.index("Not begun") < page.index("Gone by")


def test_a_plan_without_classifications_has_no_dates_yet_on_every_page(
    browse: Browse, ada: User, client_here: Client
) -> None:
    Classification.objects.filter(client=client_here).delete()
    Plan.objects.filter(client=client_here).update(start_date=None, end_date=None)
    browser = browse(ada)
    funding, plan = (" ".join(read(browser, name, client_here).split()) for name in ("client", "plan"))
    assert "Not known yet" in funding
    assert plan.count("Not known yet") == 2
    assert "Services Australia has not sent any classifications." in plan
    assert "No plan yet" not in funding + plan


def test_dates_that_no_listed_classification_explains_are_the_last_known(
    browse: Browse, ada: User, client_here: Client
) -> None:
    Classification.objects.filter(client=client_here).update(no_longer_returned_date=timezone.localdate())
    plan = " ".join(read(browse(ada), "plan", client_here).split())
    assert "these are the last known dates" in plan
    assert "worked out anew" not in plan
