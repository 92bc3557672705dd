"""Administration through the API: the same rules as by page, and no way for a token to outlive its own end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from carefund.access.models import AccessLogEntry, ApiToken, AuditEntry
from carefund.access.roles import Role, rights_of
from carefund.records.models import ServiceProvider
from carefund.runs.models import Run, Schedule
from tests.rest.conftest import BRANCH, Call

pytestmark = pytest.mark.django_db
NEW = {"username": "cy", "first_name": "Cy", "email": "cy@example.org", "role": "Coordinator"}
DESCRIPTION = {
    "swagger": "2.0", "basePath": "/claiming/acws",
    "paths": {"/service/support-at-home/budget/v1/{budgetId}": {"get": {
        "operationId": "AgedcareBudgetSahDetails1Get",
        "parameters": [{"name": "budgetId", "in": "path", "required": True, "type": "string"}],
        "responses": {"200": {"schema": {"type": "object", "properties": {
            "budgetId": {"type": "string"}, "spent": {"type": "number"}, "total": {"type": "number"},
        }}}},
    }}},
}  # fmt: skip


@pytest.fixture
def ada(call: Callable[..., Call]) -> Call:
    now = timezone.now()
    ServiceProvider.objects.create(service_provider_id=BRANCH, first_seen_at=now, last_seen_at=now)
    return call(Role.ADMINISTRATOR)


def test_an_account_is_added_without_a_way_in_and_changed(ada: Call):
    made = ada("post", "/people", NEW | {"service_provider_ids": [BRANCH]})
    assert (made.status_code, made.json()["service_provider_ids"]) == (201, [BRANCH])
    cy = User.objects.get(username="cy")
    assert not cy.has_usable_password()
    assert ada("post", "/people", NEW).status_code == 409
    assert ada("post", "/people", NEW | {"username": "x", "password": "secret"}).status_code == 422
    path = f"/people/{cy.pk}"
    assert ada("put", path, {"role": "Finance", "service_provider_ids": ["1"]}).status_code == 422
    changed = ada("put", path, {"role": "Finance", "is_active": False}).json()
    assert (changed["role"], changed["service_provider_ids"], changed["is_active"]) == ("Finance", None, False)
    assert ada("get", path).json() == changed
    assert ada("post", f"{path}/end-sessions").json() == {"ended": 0}
    entry = AuditEntry.objects.get(act="Account changed")
    assert (entry.before["role"], entry.after["role"], entry.after["branches"]) == ("Coordinator", "Finance", [])


def test_the_last_way_in_is_not_given_up(ada: Call):
    own = User.objects.get(username="administrator")
    for body in ({"role": "Finance"}, {"role": "Administrator", "is_active": False}, {"role": None}):
        assert ada("put", f"/people/{own.pk}", body).status_code == 409
    assert rights_of(User.objects.get(pk=own.pk)).role is Role.ADMINISTRATOR
    assert own.username in [row["username"] for row in ada("get", "/people").json()]


def test_tokens_are_listed_without_their_text_and_revoked(ada: Call, call: Callable[..., Call]):
    other = call()
    listed = ada("get", "/tokens").json()["tokens"]
    assert [row["account"] for row in listed] == ["finance", "administrator"]
    assert "digest" not in listed[0]
    assert ada("post", f"/tokens/{listed[0]['token_id']}/revoke").json()["state"] == "revoked"
    assert other("get", "/runs").status_code == 401
    assert ada("post", "/tokens", {"name": "another"}).status_code == 405
    assert AuditEntry.objects.filter(act="API token revoked").count() == 1
    assert ada("post", f"/tokens/{ApiToken.objects.get(user__username='administrator').pk}/revoke").status_code == 200
    assert ada("get", "/tokens").status_code == 401


@pytest.mark.parametrize(
    ("kind", "body", "fields"),
    [
        ("nightly", {"at": "03:30", "weekday": 2, "parts": "survey"}, None),
        ("claim-checks", {"every_minutes": 30, "is_enabled": False}, None),
        ("claim-checks", {"at": "03:30", "parts": "budgets"}, ["at", "parts"]),
        ("tail", {"parts": "survey"}, ["parts"]),
        ("nightly", {"at": "24:00"}, ["at"]),
    ],
)
def test_a_schedule_is_changed_in_what_it_has(ada: Call, kind: str, body: dict[str, Any], fields: list[str] | None):
    answer = ada("put", f"/schedules/{kind}", body)
    if fields is None:
        shown = answer.json() | ({"at": "03:30"} if "at" in body else {})
        assert {name: shown[name] for name in body} == body
        assert AuditEntry.objects.filter(act="Schedule changed").count() == 1
    else:
        assert [problem["field"] for problem in answer.json()["problems"]] == fields
    assert len(ada("get", "/schedules").json()) == Schedule.objects.count()


def test_connections_say_what_is_missing_and_a_test_is_asked_for(ada: Call):
    shown = ada("get", "/connections").json()
    assert (shown["devices"], shown["test"]) == ([], None)
    assert shown["backup"]["problem"]
    assert ada("post", "/connections/test").json()["kind"] == "connection-test"
    assert Run.objects.get().requested_by == User.objects.get(username="administrator")


def test_both_logs_are_read_page_by_page(ada: Call, add_client: Any):
    client = add_client("400000001", service_provider_id=BRANCH)
    ada("get", f"/clients/{client.pk}")
    ada("get", f"/clients/{client.pk}/budgets")
    page = ada("get", "/access-log?limit=1&care_recipient_id=400000001").json()
    assert [entry["what"] for entry in page["entries"]] == ["Budget records (API)"]
    older = ada("get", f"/access-log?before={page['next_before']}&action=viewed").json()["entries"]
    assert [(entry["what"], entry["client_ids"]) for entry in older] == [("Client (API)", [client.pk])]
    assert AccessLogEntry.objects.filter(what="Access log (API)").count() == 2
    ada("post", "/people", NEW)
    [act] = ada("get", "/audit-log?words=added&limit=1").json()["entries"]
    assert (act["act"], act["subject"]) == ("Account added", "account cy")


def test_descriptions_are_compared_and_accepted_as_previewed(ada: Call, settings: Any, tmp_path: Path):
    settings.ACCEPTED_INTERFACES_FILE = tmp_path / "data" / "interfaces.toml"
    assert ada("post", "/interfaces/descriptions/preview", {}).status_code == 404
    assert ada("put", "/interfaces/descriptions", {"files": [{"file_name": "a", "content": "no"}]}).status_code == 422
    files = {"files": [{"file_name": "budgets.json", "content": json.dumps(DESCRIPTION)}]}
    questions = ada("put", "/interfaces/descriptions", files).json()["questions"]
    agreed = {"agreed": [question["key"] for question in questions]}
    shown = ada("post", "/interfaces/descriptions/preview", agreed).json()
    other = {"agreed": [], "fingerprint": shown["fingerprint"]}
    assert ada("post", "/interfaces/descriptions/accept", other).json()["code"] == "preview-changed"
    accepted = ada("post", "/interfaces/descriptions/accept", agreed | {"fingerprint": shown["fingerprint"]})
    assert (accepted.status_code, accepted.json()["files"]) == (200, [])
    assert settings.ACCEPTED_INTERFACES_FILE.read_text() == shown["text"]
    assert ada("delete", "/interfaces/descriptions").status_code == 204
    assert ada("get", "/interfaces/seen").json()["detail"] == "No answers are archived yet."
    assert ada("post", "/interfaces/trial", {"client_id": 1}).status_code == 404


@pytest.mark.parametrize("path", ["people", "tokens", "schedules", "connections", "interfaces", "access-log"])
def test_nobody_else_comes_in(call: Callable[..., Call], path: str):
    narrow = call(Role.ADMINISTRATOR, branches=(BRANCH,))
    without = call(Role.ADMINISTRATOR, scopes=("read", "sync", "claims"))
    assert {ask("get", f"/{path}").status_code for ask in (narrow, without, call(), call(Role.READ_ONLY))} == {403}
