"""NDIS through the API: details, then a plan is asked for, looked at, and what was shown is created or written."""

from collections.abc import Callable
from typing import Any

import pytest

from carefund.access.models import AuditEntry
from carefund.access.roles import Role
from carefund.records.models import Client, ServiceContract
from carefund.records.ndis.store import store_setting
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run
from tests.pace_world import BRANCH as NDIS_BRANCH
from tests.pace_world import NdiaSandbox, ndia, pace_sandbox_process
from tests.rest.conftest import BRANCH, OTHER_BRANCH, Call

__all__ = ["ndia", "pace_sandbox_process"]
DETAILS = {"ndis_number": "430 000 001", "is_pace_participant": True, "api_access": True}


@pytest.fixture
def wilma(add_client: Any) -> Client:
    client: Client = add_client("400000001", service_provider_id=BRANCH)
    return client


def asked(ask: Call, path: str) -> str:
    """Have the NDIA asked; the address of what it answers."""
    question = ask("post", path)
    assert question.status_code == 202, question.json()
    address = f"{path}/{question.json()['question_id']}"
    assert ask("get", address).json()["item"]["status"] == "queued"
    finish_now(Run.objects.get(pk=question.json()["run_id"]))
    return address


@pytest.mark.django_db(transaction=True)
def test_a_contract_is_created_and_changed_as_shown_and_once(ndia: NdiaSandbox, call: Callable[..., Call]):
    client, ask = ndia.client("take-over"), call(Role.COORDINATOR, account_branches=(NDIS_BRANCH,))
    address = asked(ask, f"/clients/{client.pk}/ndis/plans")
    assert ask("get", f"/clients/{client.pk}/ndis").json()["question_id"]
    budgets = ask("get", address).json()["plan"]["budgets"]
    chosen = {"plan_budget_ids": [budget["plan_budget_id"] for budget in budgets]}
    made = ask("post", f"{address}/create", chosen)
    assert (made.status_code, len(made.json()["budgets"])) == (201, len(budgets))
    again = ask("post", f"{address}/create", chosen)
    assert (again.status_code, again.json()["code"]) == (409, "pace-contract-exists")
    contract = ServiceContract.objects.get()
    ServiceContract.objects.update(end_date="2020-01-01")
    differs = asked(ask, f"/ndis/contracts/{contract.pk}/plans")
    [difference] = ask("get", differs).json()["differences"]
    assert (difference["field"], difference["before"]) == ("end_date", "2020-01-01")
    wanted = {"difference_ids": [difference["difference_id"]]}
    assert ask("post", f"{differs}/apply", {"difference_ids": ["0" * 16]}).json()["code"] == "pace-plan-moved"
    assert ask("post", f"{differs}/apply", wanted).json()["end_date"] == difference["after"]
    assert ask("post", f"{differs}/apply", wanted).json()["code"] == "pace-preview-unknown"
    assert ask("post", "/ndis/comparisons", {"everybody": True}).json()["total"] == 1
    acts = set(AuditEntry.objects.values_list("act", flat=True))
    assert {"Service contract made from PACE", "Service contract changed from PACE"} <= acts


@pytest.mark.django_db
def test_details_are_kept_and_wrong_ones_named(call: Callable[..., Call], wilma: Client, add_client: Any):
    ask, path = call(), f"/clients/{wilma.pk}/ndis"
    assert ask("get", path).json()["ndis_number"] is None
    stored = ask("put", path, DETAILS).json()
    assert (stored["ndis_number"], stored["api_access"], stored["may_retrieve"]) == ("430000001", True, False)
    assert ask("put", path, DETAILS | {"is_pace_participant": False}).json()["api_access"] is False
    wrong = ask("put", path, DETAILS | {"ndis_number": "12"}).json()["problems"]
    assert [problem["field"] for problem in wrong] == ["ndis_number"]
    others = add_client("400000002", service_provider_id=OTHER_BRANCH)
    assert ask("put", f"/clients/{others.pk}/ndis", DETAILS).status_code == 422
    elsewhere = call(branches=(OTHER_BRANCH,))  # for whom the client with this number does not exist
    assert elsewhere("put", f"/clients/{others.pk}/ndis", DETAILS).status_code == 200
    assert call(Role.READ_ONLY)("put", path, DETAILS).status_code == 403


@pytest.mark.django_db
def test_what_stands_in_the_way_has_its_code_and_advice(call: Callable[..., Call], wilma: Client):
    ask, path = call(), f"/clients/{wilma.pk}/ndis/plans"
    off = ask("post", path)
    assert (off.status_code, off.json()["code"]) == (409, "pace-api-off")
    assert ask("post", "/ndis/comparisons", {"everybody": True}).status_code == 409
    store_setting("ndis.pace_api", True)
    assert ask("post", path).json()["code"] == "pace-client-off"
    ask("put", f"/clients/{wilma.pk}/ndis", DETAILS)
    assert (ask("get", f"{path}/999").status_code, ask("get", f"{path}/999").json()["code"]) == (
        404, "pace-preview-unknown",
    )  # fmt: skip
    unset = ask("post", path)
    assert (unset.status_code, unset.json()["code"]) == (409, "not-configured")
    assert unset.json()["advice"]
    assert ask("post", "/ndis/comparisons", {"contract_ids": [1]}).status_code == 422
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_settings_are_those_of_administrators(call: Callable[..., Call]):
    ada = call(Role.ADMINISTRATOR)
    assert ada("put", "/ndis/settings", {"pace_api": True}).json() == {"pace_api": True, "mapped": {}, "unknown": []}
    assert ada("put", "/ndis/settings", {"pace_api": True, "mapped": {"Core": "01"}}).status_code == 422
    assert AuditEntry.objects.get(act="NDIS settings changed").after == {"PACE API": True}
    assert call()("get", "/ndis/settings").status_code == 403
