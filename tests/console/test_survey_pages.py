"""Surveys on the console: asked for, told, and counted as a check of each client whom they confirm."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.records.models import Client, Survey, SurveyMark, SurveySuspect, SyncState
from carefund.runs.models import Run, RunItem
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]
FIELDS = {"scope": "everybody", "parts": "survey"}


def make_survey(**values: object) -> Survey:
    told = {
        "calls": 9,
        "people": 12,
        "suspects": {"changed in the lists": 3},
        "calls_saved": 54,
        "checked": 36,
        "drifted": 1,
    }
    started_at = timezone.now() - timedelta(minutes=12)
    return Survey.objects.create(**({"started_at": started_at} | told | values))


def confirm(client: Client, **values: object) -> None:
    """As a survey leaves a client whom it found unmoved."""
    state = SyncState.objects.get(client=client)
    full_at = timezone.now() - timedelta(days=18)
    SurveyMark.objects.create(
        **({"client": client, "summary": "1", "version": state.version, "read_in_full_at": full_at} | values)
    )


def test_a_survey_is_asked_for_and_tells_what_it_came_to(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.ada)
    browser.post(reverse("console:run-new"), FIELDS)
    run = Run.objects.get(kind="survey")
    assert (run.trigger, run.requested_by, run.parameters) == (Run.Trigger.BULK, cast.ada, {})
    survey = make_survey()
    run.items.update(result={"survey": survey.pk}, outcome=RunItem.Outcome.CHANGED, status="done")
    shown = browser.get(reverse("console:run", args=[run.pk])).content.decode()
    assert "3 changed in the lists" in shown
    assert "1 of 36 read in turn" in shown
    assert "About 54, compared with reading all clients in full" in shown
    assert "1 of 36 read in turn" in browser.get(reverse("console:connections")).content.decode()


def test_a_survey_is_of_everybody(browse: Browse, cast: world.Cast) -> None:
    answer = browse(cast.ada).post(reverse("console:run-new"), FIELDS | {"scope": "failed"})
    assert "A survey covers all active clients." in answer.content.decode()
    assert not Run.objects.filter(kind="survey").exists()


def test_a_selection_is_never_surveyed(browse: Browse, cast: world.Cast, margaret: Client) -> None:
    browser = browse(cast.ada)
    form = browser.post(reverse("console:run-new"), {"client": [margaret.pk]}).content.decode()
    assert 'value="everything"' in form
    assert 'value="survey"' not in form
    browser.post(reverse("console:run-new"), {"client": [margaret.pk], "parts": "survey"})
    run = Run.objects.order_by("-id")[0]
    assert (run.kind, run.parts, run.total) == ("sync", "everything", 1)


def test_a_coordinator_may_not_ask_for_one(browse: Browse, cast: world.Cast) -> None:
    assert browse(cast.ben).post(reverse("console:run-new"), FIELDS).status_code in (302, 403, 404)
    assert not Run.objects.filter(kind="survey").exists()


def test_a_client_whom_a_survey_confirmed_was_checked_then(browse: Browse, cast: world.Cast, margaret: Client) -> None:
    SyncState.objects.filter(client=margaret).update(checked_at=timezone.now() - timedelta(days=3))
    address = reverse("console:client", args=[margaret.pk])
    stale = reverse("console:clients") + "?state=stale"
    browser = browse(cast.ada)
    assert margaret.full_name in browser.get(stale).content.decode()
    make_survey()
    assert "12 minutes ago" not in browser.get(address).content.decode()  # it had not been read since
    confirm(margaret)
    shown = browser.get(address).content.decode()
    assert "12 minutes ago" in shown
    assert "Last full sync" in shown
    assert margaret.full_name not in browser.get(stale).content.decode()
    listed = browser.get(reverse("console:clients")).content.decode()
    assert "12 minutes ago" in listed
    assert "full sync" in listed
    assert "18 days ago" in listed
    lines = b"".join(browser.get(reverse("console:clients-csv")).streaming_content).decode("utf-8-sig")
    rows = {row["care_recipient_id"]: row for row in csv.DictReader(io.StringIO(lines))}
    line = rows[margaret.care_recipient_id or ""]
    told = [datetime.fromisoformat(line[f"{name} (Australia/Sydney)"]) for name in ("checked_at", "read_in_full_at")]
    assert [(timezone.now() - at).days for at in told] == [0, 18]


def test_a_client_who_was_read_narrowly_says_so(browse: Browse, cast: world.Cast, margaret: Client) -> None:
    SyncState.objects.filter(client=margaret).update(checked_at=timezone.now() - timedelta(hours=1))
    make_survey(started_at=timezone.now() - timedelta(hours=2))
    confirm(margaret)
    shown = browse(cast.ada).get(reverse("console:client", args=[margaret.pk])).content.decode()
    assert "1 hour ago" in shown
    assert "18 days ago" in shown
    SurveyMark.objects.update(read_in_full_at=timezone.now() - timedelta(hours=1))
    assert "Last full sync" not in browse(cast.ada).get(reverse("console:client", args=[margaret.pk])).content.decode()


def test_a_client_in_doubt_was_not_checked(browse: Browse, cast: world.Cast, margaret: Client) -> None:
    SyncState.objects.filter(client=margaret).update(checked_at=timezone.now() - timedelta(days=3))
    survey = make_survey()
    confirm(margaret)
    address = reverse("console:client", args=[margaret.pk])
    suspect = SurveySuspect.objects.create(
        client=margaret, survey=survey, reason="changed in the lists", since=survey.started_at
    )
    assert "12 minutes ago" not in browse(cast.ada).get(address).content.decode()
    SurveySuspect.objects.filter(pk=suspect.pk).update(reason="read in turn", is_doubt=False)
    assert "12 minutes ago" in browse(cast.ada).get(address).content.decode()
    SyncState.objects.filter(client=margaret).update(version=99)  # something was applied since
    assert "12 minutes ago" not in browse(cast.ada).get(address).content.decode()


def test_who_is_inactive_is_left_out_by_surveys_and_grows_stale(
    browse: Browse, cast: world.Cast, margaret: Client
) -> None:
    SyncState.objects.filter(client=margaret).update(checked_at=timezone.now() - timedelta(days=3))
    make_survey()
    confirm(margaret)
    Client.objects.filter(pk=margaret.pk).update(is_active=False)
    assert "12 minutes ago" not in browse(cast.ada).get(reverse("console:client", args=[margaret.pk])).content.decode()
