"""Runs on the console: their order, what a file of ids brings, and one word for one thing."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from carefund.console.labels import FOR_OTHERS, advise, name_value
from carefund.funders.errors.outages import ConnectionFailed
from carefund.funders.errors.tree import all_leaves
from carefund.records.models import Classification, PlanBudget, SyncState
from carefund.runs.models import Run, RunItem
from carefund.runs.queries import find_last_run
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]


@pytest.fixture
def ada() -> User:
    return world.make_cast().ada


def test_the_newest_run_comes_first(browse: Browse, ada: User) -> None:
    clients = world.make_clients(3)
    made = [world.make_run(clients, ada).pk for _ in range(3)]
    shown = browse(ada).get(reverse("console:runs")).context["lines"]
    assert [run.pk for run, _ in shown] == made[::-1]


@pytest.mark.parametrize("paused", [False, True])
def test_what_a_poll_replaces_keeps_the_keyboards_focus(browse: Browse, ada: User, *, paused: bool) -> None:
    """A fragment is swapped every second or two; the button that has the focus is found again by its id alone."""
    run = world.make_run(world.make_clients(4), ada, finished=False)
    if paused:
        run.status, run.paused_reason = Run.Status.PAUSED, "the funder's system is down"
        run.save()
    for name in ("run", "run-watch"):
        page = browse(ada).get(reverse(f"console:{name}", args=[run.pk]), headers={"HX-Request": "true"})
        controls = re.findall(r"<(?:a|button)[ >][^>]*>?", page.content.decode())
        assert controls, name
        assert [control for control in controls if ' id="' not in control] == []


def test_a_run_of_one_does_not_hide_the_run_of_many(ada: User) -> None:
    clients = world.make_clients(3)
    many = world.make_run(clients, ada)
    world.make_run(clients[:1], ada)
    assert find_last_run() == many


def test_ids_of_nobody_in_a_file_fail_by_name(browse: Browse, ada: User) -> None:
    world.make_clients(1)
    upload = SimpleUploadedFile("ids.csv", b"care_recipient_id\n400000001\n499999999\n")
    answer = browse(ada).post(
        reverse("console:run-new"), {"scope": "file", "ids_file": upload, "parts": "everything"}, follow=True
    )
    items = RunItem.objects.order_by("care_recipient_id")
    assert [(item.care_recipient_id, item.outcome) for item in items] == [("400000001", ""), ("499999999", "failed")]
    assert "499999999" in answer.content.decode()
    assert "No client has this Care Recipient ID." in answer.content.decode()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Run.Trigger.ON_DEMAND.value, "On demand"),
        (RunItem.Outcome.CONSENT_MISSING.value, "Consent not given"),
        (RunItem.Outcome.SUPERSEDED.value, "Superseded by a newer sync"),
        (Run.Parts.BUDGETS_AND_USAGE.value, "Budgets, entitlements and usage"),
    ],
)
def test_a_stored_value_has_one_name(value: str, words: str) -> None:
    assert name_value(value) == words


def test_who_does_not_administer_is_not_sent_to_the_firewall() -> None:
    failed = ConnectionFailed
    assert advise(failed.code, failed.advice, may_administer=True) == failed.advice
    assert "administrator" in advise(failed.code, failed.advice, may_administer=False)
    assert advise("consent-missing", "Ask.", may_administer=False) == "Ask."
    assert set(FOR_OTHERS) <= {leave.code for leave in all_leaves()}


def test_a_level_that_ended_says_when(browse: Browse, ada: User) -> None:
    client = world.make_clients(1)[0]
    world.make_funding(client)
    ended = timezone.localdate() - timedelta(days=1)
    Classification.objects.filter(client=client).update(end_date=ended)
    words = f"Ended {ended.day} {ended:%B %Y}"
    assert words in browse(ada).get(reverse("console:clients")).content.decode()
    assert words in browse(ada).get(reverse("console:client", args=[client.pk])).content.decode()


def test_without_a_home_support_budget_other_money_is_not_denied(browse: Browse, ada: User) -> None:
    client = world.make_clients(2)[0]
    world.make_funding(client)
    PlanBudget.objects.filter(client=client, budget_type_code="ON").delete()
    assert SyncState.objects.get().checked_at
    page = browse(ada).get(reverse("console:clients")).content.decode()
    assert page.count("No home support budget</span>") == 1


def test_a_preview_that_was_let_go_says_so_and_offers_a_new_one(browse: Browse, ada: User) -> None:
    [client] = world.make_clients(1)
    run = Run.objects.create(trigger=Run.Trigger.ON_DEMAND, scope="one client", is_preview=True, total=1)
    RunItem.objects.create(run=run, client=client, status=RunItem.Status.DONE, outcome=RunItem.Outcome.CHANGED)
    page = browse(ada).get(reverse("console:synchronise-run", args=(client.pk, run.pk))).content.decode()
    assert "This preview has expired" in page
    assert "Preview again" in page
    assert "Nothing would change" not in page
