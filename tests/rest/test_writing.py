"""What is written through the API: clients by reference, and runs; with the rights and log entries of the pages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from carefund.access.models import AccessLogEntry, AuditEntry
from carefund.access.roles import Role
from carefund.records.models import Change, Client, ServiceProvider
from carefund.runs.erasing import request_erasure
from carefund.runs.erasure import plan_erasure
from carefund.runs.models import Run, RunItem
from tests.rest.conftest import BRANCH, OTHER_BRANCH, Call

pytestmark = pytest.mark.django_db
WILMA = {"first_name": "Wilma", "last_name": "Example", "birth_date": "1940-05-03", "service_provider_id": BRANCH}


@pytest.fixture(autouse=True)
def branches(db: None) -> None:
    now = timezone.now()
    for service_provider_id in (BRANCH, OTHER_BRANCH):
        ServiceProvider.objects.create(service_provider_id=service_provider_id, first_seen_at=now, last_seen_at=now)


def test_a_client_is_added_once_and_then_edited_field_by_field(call: Callable[..., Call]):
    ask = call()
    added = ask("put", "/clients-by-reference/HR%2F1", WILMA)
    assert (added.status_code, added.json()["external_reference_id"]) == (201, "HR/1")
    again = ask("put", "/clients-by-reference/HR%2F1", WILMA)
    assert (again.status_code, again.json()) == (200, added.json())
    assert Change.objects.count() == 1
    ask("put", "/clients-by-reference/HR%2F1", {"last_name": "Other", "is_active": False})
    client = Client.objects.get()
    assert (client.first_name, client.last_name, client.is_active) == ("Wilma", "Other", False)
    edits = Change.objects.filter(action="changed")
    assert {edit.field: edit.after for edit in edits} == {"last_name": "Other", "is_active": "inactive"}
    assert all(str(edit.made_by).startswith("finance (token ") for edit in edits)
    assert AccessLogEntry.objects.filter(client=client, what="Client (API)").count() == 3


def test_a_client_who_is_here_gets_the_reference_by_their_id(call: Callable[..., Call], add_client: Any):
    client = add_client("400000001", service_provider_id=BRANCH)
    ask, body = call(), {"care_recipient_id": "400000001"}
    assert ask("put", "/clients-by-reference/HR-1", body).json()["client_id"] == client.pk
    answer = ask("put", "/clients-by-reference/HR-2", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert Client.objects.get().external_reference_id == "HR-1"


def test_somebody_of_the_same_name_is_asked_about(call: Callable[..., Call]):
    ask = call()
    ask("put", "/clients-by-reference/HR-1", WILMA)
    assert ask("put", "/clients-by-reference/HR-2", WILMA).status_code == 409
    assert ask("put", "/clients-by-reference/HR-2", WILMA | {"is_another": True}).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"first_name": "Wilma"}, "last_name"),
        (WILMA | {"care_recipient_id": "4 0"}, "care_recipient_id"),
        (WILMA | {"service_provider_id": "999"}, "service_provider_id"),
        (WILMA | {"first_name": " "}, "first_name"),
        (WILMA | {"surname": "x"}, "surname"),
    ],
)
def test_what_does_not_fit_is_named(call: Callable[..., Call], body: dict[str, Any], field: str):
    answer = call()("put", "/clients-by-reference/HR-1", body)
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, field)
    assert not Client.objects.exists()


def test_a_token_writes_clients_of_its_branches_alone(call: Callable[..., Call], add_client: Any):
    others = add_client("400000002", service_provider_id=OTHER_BRANCH, external_reference_id="HR-9")
    for ask in (call(Role.COORDINATOR), call(branches=(BRANCH,))):
        assert ask("put", "/clients-by-reference/HR-9", {"last_name": "Mine"}).status_code == 422
        assert ask("put", "/clients-by-reference/HR-9", WILMA).status_code == 409
        assert (
            ask("put", "/clients-by-reference/HR-3", WILMA | {"service_provider_id": OTHER_BRANCH}).status_code == 422
        )
        assert ask("put", "/clients-by-reference/HR-3", {"first_name": "A", "last_name": "B"}).status_code == 422
    others.refresh_from_db()
    assert others.last_name == "Example"
    for ask in (call(Role.READ_ONLY), call(scopes=("read",))):
        assert ask("put", "/clients-by-reference/HR-4", WILMA).status_code == 403


def test_a_sync_of_one_client_is_asked_for_and_followed(call: Callable[..., Call], add_client: Any):
    client = add_client("400000001", service_provider_id=BRANCH)
    ask = call(Role.COORDINATOR)
    answer = ask("post", "/runs", {"client_ids": [client.pk]})
    assert (answer.status_code, answer.json()["status"], answer.json()["total"]) == (202, "queued", 1)
    run = Run.objects.get()
    assert (run.trigger, run.requested_by) == ("on demand", User.objects.get(username="coordinator"))
    assert ask("get", f"/runs/{run.pk}").json() == answer.json()
    assert AccessLogEntry.objects.filter(action="synchronised", client=client).exists()


def test_many_are_asked_for_by_whoever_may_run_in_bulk(call: Callable[..., Call], add_client: Any):
    ours, more = (add_client(f"40000000{number}", service_provider_id=BRANCH) for number in (1, 2))
    add_client("400000003", service_provider_id=OTHER_BRANCH)
    ask = call()
    assert ask("post", "/runs", {"client_ids": [ours.pk, more.pk]}).json()["total"] == 2
    assert ask("post", "/runs", {"everybody": True, "parts": "budgets"}).json()["total"] == 3
    assert ask("post", "/runs", {"everybody": True, "service_provider_id": OTHER_BRANCH}).json()["total"] == 1
    assert call(branches=(BRANCH,))("post", "/runs", {"everybody": True}).json()["total"] == 2
    assert [act.act for act in AuditEntry.objects.all()] == ["Bulk run started"] * 4
    assert call(Role.COORDINATOR)("post", "/runs", {"everybody": True}).status_code == 403


@pytest.mark.parametrize(
    "body", [{}, {"everybody": True, "client_ids": [1]}, {"client_ids": [0]}, {"everybody": True}, {"all": True}]
)
def test_a_run_of_nobody_is_not_started(call: Callable[..., Call], body: dict[str, Any]):
    assert call()("post", "/runs", body).status_code == 422
    assert not Run.objects.exists()


def test_a_client_of_others_is_not_synchronised(call: Callable[..., Call], add_client: Any):
    ours = add_client("400000001", service_provider_id=BRANCH)
    others = add_client("400000002", service_provider_id=OTHER_BRANCH)
    narrowed = call(branches=(BRANCH,))
    assert narrowed("post", "/runs", {"client_ids": [others.pk]}).status_code == 404
    answer = narrowed("post", "/runs", {"client_ids": [ours.pk, others.pk]})
    assert (answer.status_code, [problem["line"] for problem in answer.json()["problems"]]) == (422, [2])
    assert not Run.objects.exists()


def test_a_run_is_asked_for_by_care_recipient_id_and_a_survey_of_everybody(call: Callable[..., Call], add_client: Any):
    add_client("400000001", service_provider_id=BRANCH)
    ask = call()
    run = ask("post", "/runs", {"care_recipient_ids": ["400000001"]}).json()
    assert (run["trigger"], run["total"]) == ("on demand", 1)
    wrong = ask("post", "/runs", {"care_recipient_ids": ["400000001", "1"]}).json()["problems"]
    assert [(problem["line"], problem["field"]) for problem in wrong] == [(2, "care_recipient_ids")]
    assert ask("post", "/runs", {"everybody": True, "parts": "survey"}).json()["kind"] == "survey"
    assert ask("post", "/runs", {"care_recipient_ids": ["400000001"], "parts": "survey"}).status_code == 422
    assert call(branches=(BRANCH,))("post", "/runs", {"everybody": True, "parts": "survey"}).status_code == 403


def test_a_run_is_paused_resumed_cancelled_and_its_failures_retried(call: Callable[..., Call], add_client: Any):
    add_client("400000001", service_provider_id=BRANCH)
    ask = call()
    number = ask("post", "/runs", {"everybody": True}).json()["run_id"]
    assert ask("post", f"/runs/{number}/pause").json()["status"] == "paused"
    assert ask("post", f"/runs/{number}/resume").json()["status"] == "queued"
    assert ask("post", f"/runs/{number}/cancel").json()["status"] == "cancelled"
    assert ask("post", f"/runs/{number}/cancel").status_code == 409
    assert ask("post", f"/runs/{number}/retry").status_code == 409
    assert ask("post", f"/runs/{number}/begin").status_code == 422
    RunItem.objects.update(outcome="failed", status="done")
    again = ask("post", f"/runs/{number}/retry").json()
    assert (again["retry_of"], again["total"]) == (number, 1)
    assert call(branches=(BRANCH,))("post", f"/runs/{number}/cancel").status_code == 403
    assert AuditEntry.objects.filter(subject=f"run {number}").count() == 4


def test_an_erasure_is_neither_retried_nor_resumed(call: Callable[..., Call], add_client: Any):
    client = add_client("400000001", service_provider_id=BRANCH)
    run = request_erasure(client, plan_erasure(client), User.objects.create_user("boss"))
    ask = call(Role.ADMINISTRATOR)
    assert ask("post", f"/runs/{run.pk}/pause").json()["status"] == "paused"
    assert ask("post", f"/runs/{run.pk}/resume").status_code == 409
    Run.objects.update(status="finished")
    RunItem.objects.update(outcome="failed", status="done")
    refusal = ask("post", f"/runs/{run.pk}/retry")
    assert (refusal.status_code, refusal.json()["advice"]) == (409, "Open Data and erasure again.")
    assert Run.objects.count() == 1
