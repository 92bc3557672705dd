"""A token may do its scopes of what its account may, in its branches; every call is limited, and in the access log."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pytest_django import Settings

from carefund.access.models import AccessLogEntry, ApiToken
from carefund.access.roles import Role, rights_of
from carefund.access.tokens import TokenScope
from carefund.records.models import InvoiceLineItem
from carefund.rest.api import api
from carefund.rest.tokens import BearerToken
from tests.rest.conftest import BRANCH, OTHER_BRANCH, Call

pytestmark = pytest.mark.django_db
LINE = {
    "external_reference_id": "INV-1-1", "care_recipient_id": "400000001", "service_id": "SERV-0001",
    "delivery_date": "2026-07-09", "quantity": "1.50", "price_per_unit": "80.00",
}  # fmt: skip
INVOICE = {"external_reference_id": "INV-1", "line_items": [LINE]}


@pytest.fixture(autouse=True)
def people(add_client: Any) -> None:
    add_client("400000001", service_provider_id=BRANCH)
    add_client("400000002", service_provider_id=OTHER_BRANCH)


def test_every_operation_names_the_right_that_it_asks_for():
    """What names none is open to nobody; only the list of refusals is open to all."""
    without = [
        operation.operation_id
        for _, router in api._routers
        for path in router.path_operations.values()
        for operation in path.operations
        if not any(isinstance(auth, BearerToken) for auth in operation.auth_callbacks)
    ]
    assert without == ["list_problems"]
    assert not any(auth.may(User(is_superuser=True)) for auth in api.auth or ())


def test_a_scope_that_a_token_does_not_have_is_refused(call: Callable[..., Call]):
    others = tuple(scope for scope in TokenScope if scope is not TokenScope.CLAIMS)
    answer = call(Role.ADMINISTRATOR, scopes=others)("post", "/invoices", INVOICE)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
    assert call(Role.ADMINISTRATOR, scopes=(TokenScope.CLAIMS,))("post", "/invoices", INVOICE).status_code == 201


def test_a_scope_gives_nothing_that_the_account_does_not_have(call: Callable[..., Call]):
    assert call(Role.COORDINATOR)("post", "/invoices", INVOICE).status_code == 403


def test_a_token_of_one_branch_knows_nobody_of_another(call: Callable[..., Call]):
    ours = call(branches=(BRANCH,))
    theirs = INVOICE | {"line_items": [LINE | {"care_recipient_id": "400000002"}]}
    answer = ours("post", "/invoices", theirs)
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "care_recipient_id")
    assert not InvoiceLineItem.objects.exists()
    assert call()("post", "/invoices", theirs).status_code == 201
    assert ours("get", "/invoices/INV-1").status_code == 404
    assert call(branches=(OTHER_BRANCH,))("get", "/invoices/INV-1").status_code == 200


def test_a_token_narrows_one_call_and_not_its_account(call: Callable[..., Call]):
    call(branches=(BRANCH,))("get", "/invoices/NONE")
    assert rights_of(User.objects.get(username="finance")).service_provider_ids is None


def test_every_use_is_in_the_access_log_with_the_token(call: Callable[..., Call]):
    ask = call()
    ask("post", "/invoices", INVOICE)
    ask("get", "/invoices/INV-1")
    ask("get", "/invoices/NONE")
    call(scopes=(TokenScope.READ,))("get", "/invoices/INV-1")
    first, second = ApiToken.objects.order_by("id")
    used = "GET /api/v1/invoices/<path:external_reference_id>"
    assert [(entry.user_name, entry.action, entry.what) for entry in AccessLogEntry.objects.order_by("id")] == [
        (f"finance (token {first.pk}, Rostering)", "used", "POST /api/v1/invoices"),
        (f"finance (token {first.pk}, Rostering)", "viewed", "Invoice (API)"),
        (f"finance (token {first.pk}, Rostering)", "used", used),
        (f"finance (token {second.pk}, Rostering)", "used", used),
    ]


def test_each_token_has_its_own_calls_in_a_minute(call: Callable[..., Call], settings: Settings):
    settings.API_CALLS_PER_MINUTE = 2
    ask = call()
    answers = [ask("get", "/invoices/NONE") for _ in range(3)]
    if answers[-1].status_code == 404:  # a minute ended between them
        answers = [ask("get", "/invoices/NONE") for _ in range(3)]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers[-3:]][-2:] == ["0", "0"]
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "too-many-calls")
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert call()("get", "/invoices/NONE").status_code == 404
    settings.API_CALLS_PER_MINUTE = 0
    assert "RateLimit-Limit" not in ask("get", "/invoices/NONE").headers


def test_what_has_not_changed_is_not_sent_again(call: Callable[..., Call]):
    ask = call()
    ask("post", "/invoices", INVOICE)
    first = ask("get", "/invoices/INV-1")
    again = ask("get", "/invoices/INV-1", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "ETag" not in ask("post", "/invoices", INVOICE).headers


@pytest.mark.django_db(transaction=True)
def test_a_token_made_before_scopes_keeps_all_it_could_do():
    executor = MigrationExecutor(connection)
    before = executor.migrate([("access", "0006_last_seen")]).apps
    user = before.get_model("auth", "User").objects.create(username="ada")
    before.get_model("access", "ApiToken").objects.create(user=user, name="Payroll", digest="0" * 64)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    token = apps.get_model("access", "ApiToken").objects.get()
    assert (token.scopes, token.service_provider_ids) == (list(TokenScope), [])
