"""Budgets that closed before their first sync: their details are read once, in the background, and never in a loop.

Source: rules SYNC-03, SYNC-07 and SYNC-18.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from carefund.funders.services_australia.payloads import BudgetPeriod
from carefund.records.care_recipient.changes import list_changes
from carefund.records.models import BudgetUsage, Change, Client, Entitlement, PlanBudget, SyncState
from carefund.runs.business_day import business_today
from carefund.runs.care_recipient.unread_budgets import request_unread_budgets
from carefund.runs.models import Run, RunItem, Schedule
from carefund.runs.requests import NothingToDo
from carefund.runs.schedule import request_due_runs
from carefund.sync.care_recipient.answers import BUDGET_LIST
from carefund.sync.care_recipient.budget_details import know_details
from carefund.sync.care_recipient.details_read import Details, details_of
from carefund.sync.care_recipient.fetching import Fetched
from carefund.sync.care_recipient.last_applied import LastApplied

pytestmark = pytest.mark.django_db(transaction=True)
CARE_RECIPIENT_ID = "400000003"


@pytest.fixture
def client(world, add_client, synchronise):
    """Somebody synchronised once, whose older budgets were closed before."""
    client = add_client(CARE_RECIPIENT_ID)
    assert synchronise(client).outcome == RunItem.Outcome.CHANGED
    return client


def closed(client: Client) -> list[str]:
    last_open = business_today() - timedelta(days=90)
    budgets = PlanBudget.objects.filter(client=client, end_date__lt=last_open).order_by("budget_id")
    assert len(budgets) > 1
    return [budget.budget_id for budget in budgets]


def details(client: Client) -> set[Details]:
    state = SyncState.objects.get(client=client)
    return {details_of(budget_id, state.digests, state.unanswered) for budget_id in closed(client)}


def asked(world) -> list[str]:
    """The budgets that the funder was asked for in detail since the last look."""
    rows = world.ask("GET", "/journal?operation=budget_details")["requests"]
    world.ask("DELETE", "/journal")
    return sorted(row["path"].rsplit("/", 1)[-1] for row in rows)


def request_unread() -> Run:
    return request_unread_budgets(timezone.now())


def test_it_is_asked_for_every_night_by_itself(client):
    now = timezone.now()
    Schedule.objects.exclude(kind=Schedule.Kind.UNREAD).delete()
    Schedule.objects.update(last_slot_at=now - timedelta(days=2))
    [run] = request_due_runs(now)
    assert (run.parts, run.total, run.trigger) == (Run.Parts.UNREAD_BUDGETS, 1, Run.Trigger.ROUTINE)
    assert request_due_runs(now) == []


@pytest.fixture
def read_unread(carry_out):
    """One night's reading."""
    return lambda: carry_out(request_unread())


def test_a_first_sync_leaves_closed_budgets_for_later(world, client):
    assert not set(closed(client)) & set(asked(world))
    assert details(client) == {Details.NEVER_ASKED}
    assert SyncState.objects.get(client=client).unread_budgets == len(closed(client))
    assert not Entitlement.objects.filter(client=client, plan_budget__budget_id__in=closed(client)).exists()


def test_details_of_closed_budgets_are_read_once(world, client, read_unread, synchronise):
    asked(world)
    run = read_unread()
    assert asked(world) == closed(client)
    assert run.items.get().outcome == RunItem.Outcome.CHANGED
    assert details(client) == {Details.READ}
    for model in (Entitlement, BudgetUsage):
        read = model.objects.filter(client=client, plan_budget__budget_id__in=closed(client))
        assert read.values("plan_budget").distinct().count() > 1
    with pytest.raises(NothingToDo):
        request_unread()
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED


def test_a_history_that_is_read_late_is_one_line_and_no_news(client, read_unread):
    last = Change.objects.latest("id").pk
    read_unread()
    lines = Change.objects.filter(client=client, id__gt=last)
    assert {line.action for line in lines} == {Change.FIRST}
    assert {line.kind for line in lines} == {"entitlements", "budget_usage"}
    assert not list_changes(client=client, after_id=last).exists()


def test_what_was_refused_is_not_asked_for_again_until_consent_is_given(world, client, read_unread, synchronise):
    world.change(CARE_RECIPIENT_ID, "consent", given=False)
    assert read_unread().items.get().outcome == RunItem.Outcome.CONSENT_MISSING
    assert details(client) == {Details.REFUSED}
    assert not SyncState.objects.get(client=client).consent_missing, "the open budgets say that"
    with pytest.raises(NothingToDo):
        request_unread()
    synchronise(client)
    assert SyncState.objects.get(client=client).consent_missing
    with pytest.raises(NothingToDo):
        request_unread()
    world.change(CARE_RECIPIENT_ID, "consent", given=True)
    synchronise(client)
    assert details(client) == {Details.NEVER_ASKED}
    read_unread()
    assert details(client) == {Details.READ}


def test_a_budget_without_details_counts_as_asked_for():
    """The sandbox has details of every budget that it lists, so this is shown with plain data."""
    listed = (BudgetPeriod(budget_id="1"), BudgetPeriod(budget_id="2"))
    key = BUDGET_LIST.key()
    fetched = Fetched(1, "400000003", timezone.now(), (), {key: "as before"}, "", listed, (), ("1",), of_unread=True)
    known = know_details(LastApplied(version=1, digests={key: "as before"}), fetched, is_news=False)
    assert details_of("1", known.digests, known.unanswered) is Details.NOT_FOUND
    assert known.unread_budgets == 1
    assert know_details(known, fetched, is_news=False) is known, "told again, nothing moves"


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ({"kind": "not-json"}, Details.UNREADABLE),
        ({"kind": "status", "status": 400}, Details.UNREADABLE),
        ({"kind": "status", "status": 403}, Details.UNREADABLE),
    ],
)
def test_a_closed_budget_that_cannot_be_read_is_asked_for_once(world, client, read_unread, synchronise, fault, found):
    first, *others = closed(client)
    world.fault(operation="budget_details", subject=first, **fault)
    asked(world)
    item = read_unread().items.get()
    assert item.outcome == RunItem.Outcome.CHANGED, item.message
    state = SyncState.objects.get(client=client)
    assert details_of(first, state.digests, state.unanswered) is found
    assert {details_of(other, state.digests, state.unanswered) for other in others} == {Details.READ}
    asked(world)
    with pytest.raises(NothingToDo):
        request_unread()
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED
    assert first not in asked(world)


def test_a_funder_in_trouble_leaves_the_person_as_they_are_and_is_asked_again_a_week_later(
    world, client, read_unread, carry_out
):
    world.fault(operation="budget_details", subject=closed(client)[0], kind="status", status=500)
    item = read_unread().items.get()
    assert item.outcome == RunItem.Outcome.FAILED
    state = SyncState.objects.get(client=client)
    assert state.outcome == RunItem.Outcome.CHANGED, "nobody's sync failed"
    assert state.unread_budgets == len(closed(client))
    with pytest.raises(NothingToDo):
        request_unread()
    RunItem.objects.filter(pk=item.pk).update(finished_at=timezone.now() - timedelta(days=8))
    world.ask("DELETE", "/faults")
    read_unread()
    assert details(client) == {Details.READ}


def test_people_of_an_earlier_version_are_counted_at_their_next_sync(client, synchronise, read_unread):
    SyncState.objects.filter(client=client).update(unread_budgets=None)
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED
    assert SyncState.objects.get(client=client).unread_budgets == len(closed(client))
    SyncState.objects.filter(client=client).update(unread_budgets=None)
    read_unread()
    assert SyncState.objects.get(client=client).unread_budgets == 0


@pytest.fixture
def embedding(world):
    world.ask("POST", "/switches", {"embedEntitlements": True})
    return world


def entitlements(client: Client) -> dict[str, int]:
    rows = Entitlement.objects.filter(client=client, no_longer_returned_date__isnull=True)
    found: dict[str, int] = {}
    for budget_id in rows.values_list("plan_budget__budget_id", flat=True):
        found[budget_id] = found.get(budget_id, 0) + 1
    return found


def test_entitlements_in_the_list_are_taken_for_closed_budgets_too(embedding, add_client, synchronise, read_unread):
    client = add_client(CARE_RECIPIENT_ID)
    first = synchronise(client)
    found = entitlements(client)
    assert set(closed(client)) <= set(found)
    assert first.counts["entitlements"]["new"] == sum(found.values())
    again = synchronise(client)
    assert again.outcome == RunItem.Outcome.UNCHANGED
    assert again.counts["entitlements"]["unchanged"] == sum(found.values())
    read_unread()
    assert entitlements(client) == found, "the details say the same"
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED


def test_a_list_that_begins_to_carry_entitlements_is_no_news_of_closed_budgets(world, client, synchronise):
    before, last = entitlements(client), Change.objects.latest("id").pk
    world.ask("POST", "/switches", {"embedEntitlements": True})
    assert synchronise(client).outcome == RunItem.Outcome.CHANGED
    found = entitlements(client)
    assert {budget_id: found[budget_id] for budget_id in before} == before, "nothing is doubled"
    assert set(closed(client)) <= set(found)
    assert not list_changes(client=client, after_id=last).exists()
    world.ask("POST", "/switches", {"embedEntitlements": False})
    synchronise(client)
    assert entitlements(client) == found, "a list without entitlements says nothing of them"
