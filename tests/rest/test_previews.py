"""Previews, decisions and evidence of a client through the API: applied is what was shown, by whoever may."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from carefund.access.models import AccessLogEntry, AuditEntry
from carefund.access.roles import Role
from carefund.records.archive import ReceivedPage, digest_of, record_answers
from carefund.records.models import Change, Client, ClientMatch, UnspentBalance
from carefund.runs.foreground import finish_now
from carefund.runs.models import Preview, Run, RunItem
from tests.rest.conftest import BRANCH, OTHER_BRANCH, Call


@pytest.fixture
def wilma(add_client: Any) -> Client:
    client: Client = add_client("400000001", service_provider_id=BRANCH)
    return client


def test_what_was_previewed_is_applied_once(call: Callable[..., Call], world: Any, add_client: Any):
    client = add_client("400000003", service_provider_id=BRANCH)
    ask, path = call(), f"/clients/{client.pk}/previews"
    run = ask("post", path).json()
    assert (run["is_preview"], run["status"]) == (True, "queued")
    address = f"{path}/{run['run_id']}"
    assert ask("get", address).json()["changes"] is None
    assert ask("post", f"{address}/apply").status_code == 404
    finish_now(Run.objects.get(pk=run["run_id"]))
    shown = ask("get", address).json()
    assert shown["item"]["status"] == "done"
    assert shown["sentences"]
    assert not Change.objects.filter(client=client).exists()
    assert ask("post", f"{address}/apply").json()["changed"] == 1
    assert Change.objects.filter(client=client).exists()
    again = ask("post", f"{address}/apply")
    assert (again.status_code, again.json()["code"]) == (409, "preview-changed")
    assert AuditEntry.objects.filter(act="Preview applied").count() == 1
    assert ask("get", f"/clients/{client.pk}/syncs?limit=1").json()["next_start"] == 1


@pytest.mark.django_db
def test_a_preview_that_would_move_a_client_to_others_is_not_shown_to_a_narrow_token(
    call: Callable[..., Call], wilma: Client
):
    run = Run.objects.create(trigger="on demand", is_preview=True, total=1)
    item = RunItem.objects.create(run=run, client=wilma, status="done", outcome="changed")
    moved = {"kind": "client", "action": "changed", "key": [], "field": "service_provider_id", "before": BRANCH}
    Preview.objects.create(item=item, version=0, changes=[moved | {"after": OTHER_BRANCH}])
    path, narrow = f"/clients/{wilma.pk}/previews/{run.pk}", call(branches=(BRANCH,))
    shown = narrow("get", path).json()
    assert (shown["is_of_others"], shown["changes"], shown["sentences"]) == (True, None, [])
    assert narrow("post", f"{path}/apply").status_code == 403
    assert call()("get", path).json()["changes"][0]["after"] == OTHER_BRANCH


@pytest.mark.django_db
def test_who_may_not_synchronise_asks_for_no_preview(call: Callable[..., Call], wilma: Client):
    reader, elsewhere = call(Role.READ_ONLY), call(branches=(OTHER_BRANCH,))
    assert reader("post", f"/clients/{wilma.pk}/previews").status_code == 403
    assert elsewhere("post", f"/clients/{wilma.pk}/previews").status_code == 404
    Client.objects.filter(pk=wilma.pk).update(care_recipient_id=None)
    assert call()("post", f"/clients/{wilma.pk}/previews").status_code == 422
    assert not Run.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("verdict", ["same", "other"])
def test_a_row_that_may_be_a_client_is_decided_on_once(call: Callable[..., Call], wilma: Client, verdict: str):
    match = ClientMatch.objects.create(
        client=wilma, care_recipient_id="400000009", first_name="Wilma", last_name="Example"
    )
    ask = call()
    assert [row["match_id"] for row in ask("get", "/client-matches").json()] == [match.pk]
    assert call(branches=(OTHER_BRANCH,))("get", "/client-matches").json() == []
    assert call(branches=(OTHER_BRANCH,))("post", f"/client-matches/{match.pk}/{verdict}").status_code == 404
    first = ask("post", f"/client-matches/{match.pk}/{verdict}").json()
    assert (first["client_id"] == wilma.pk) == (verdict == "same")
    assert ask("post", f"/client-matches/{match.pk}/{verdict}").json()["client_id"] is None
    assert Client.objects.count() == (1 if verdict == "same" else 2)
    assert ask("get", "/client-matches").json() == []


@pytest.mark.django_db
def test_an_answer_comes_byte_for_byte_to_who_may_export(call: Callable[..., Call], wilma: Client):
    body, now = b'{"said": "so"}', timezone.now()
    digest = digest_of(body)
    record_answers([ReceivedPage(wilma.pk, "care_recipient_summary", "", 1, digest, body, now)], [])
    ask, path = call(), f"/clients/{wilma.pk}/stored-responses"
    assert [row["digest"] for row in ask("get", path).json()["stored_responses"]] == [digest]
    assert ask("get", f"{path}?as_of=2020-01-01").json()["stored_responses"] == []
    assert ask("get", f"{path}/{digest}").content == body
    assert ask("get", f"{path}/{'0' * 64}").status_code == 404
    assert call(Role.READ_ONLY)("get", f"{path}/{digest}").status_code == 403
    assert AccessLogEntry.objects.filter(action="exported").get().client == wilma


@pytest.mark.django_db
def test_unspent_funds_are_entered_with_an_act(call: Callable[..., Call], wilma: Client):
    ask, path = call(), f"/clients/{wilma.pk}/unspent-balances"
    body = {"source": "CU", "amount": "120.50", "balance_date": timezone.localdate().isoformat()}
    assert ask("post", path, body, {"Idempotency-Key": "1"}).status_code == 201
    assert ask("post", path, body, {"Idempotency-Key": "1"}).json()["amount"] == "120.50"
    assert UnspentBalance.objects.count() == AuditEntry.objects.filter(act="Unspent funds entered").count() == 1
    assert ask("post", path, body | {"balance_date": "2999-01-01"}).status_code == 422
    assert call(Role.READ_ONLY)("post", path, body).status_code == 403
