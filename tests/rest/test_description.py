"""The OpenAPI description is kept: whatever is thrown at the API, it answers with what was promised, and never fails.

Schemathesis makes the calls up from the description alone: right ones, which must be taken, and wrong ones.
"""

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import override_settings
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from carefund.access.roles import Role, give_role
from carefund.access.tokens import create_token
from carefund.records.models import Client
from tests.console.world import make_funding

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
BRANCH = "4049000002"
description = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@pytest.fixture
def tokens(add_client: Any) -> Iterator[list[str]]:
    """One of each role, and one limited to a branch, that are in force, where wrong ones are refused as such however
    many there are. The Administrator's comes first: nothing is hidden from it."""
    make_funding(add_client("400000001", service_provider_id=BRANCH), quarters=1)
    made = []
    for role in Role:
        user = User.objects.create_user(role.name.lower())
        give_role(user, role, [BRANCH])
        made.append(create_token(user, "payroll")[1])
    made.append(create_token(User.objects.get(username="finance"), "branch", service_provider_ids=[BRANCH])[1])
    with override_settings(ADDRESS_FAILURE_LIMIT=1_000_000, API_CALLS_PER_MINUTE=0):
        yield made


@pytest.fixture
def token(tokens: list[str]) -> str:
    """That of Finance."""
    return tokens[list(Role).index(Role.FINANCE)]


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """As Django's own test client does: a request here must not close the connection, which is in our transaction.

    It would on PostgreSQL; SQLite in memory never closes.
    """
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def tries(number: int) -> settings:
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def answer_to(case: schemathesis.Case, token: str) -> Any:
    """The answer to a call, after a look whether it keeps the description."""
    with transaction.atomic():  # each call finds the same world, or a failure could not be repeated
        answer = case.call_and_validate(
            headers={"Authorization": f"Bearer {token}"},
            excluded_checks=[positive_data_acceptance, not_a_server_error],
        )
        transaction.set_rollback(True)
    assert answer.status_code < 500 or answer.status_code == 503  # that no funder can be asked here is described
    return answer


@description.include(path_regex="/invoices").parametrize()
@tries(150)
def test_invoices_are_taken_and_read_as_described(case: schemathesis.Case, token: str, kept_connection: None):
    is_right = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    if is_right and case.method == "POST":  # of somebody who is here: who is not, no description can say
        for line in case.body["line_items"]:
            line["care_recipient_id"] = "400000001"
    answer = answer_to(case, token)
    if is_right and answer.status_code == 422:  # what no description can say: a line twice in one call, years of days
        said = [problem["message"] for problem in answer.json()["problems"]]
        assert all(text.startswith("is already in line ") or "1900 to 2200" in text for text in said), said


@description.exclude(path_regex="/invoices").parametrize()
@tries(5)  # a few short values each
def test_all_else_answers_as_described(case: schemathesis.Case, tokens: list[str], kept_connection: None):
    if case.path_parameters.get("client_id") == 1:
        case.path_parameters["client_id"] = Client.objects.get().pk
    asked = repr((case.method, case.path, case.path_parameters, case.query, case.body))
    number = crc32(asked.encode())  # every other call as the Administrator, the rest as one of the others
    answer_to(case, tokens[0 if number % 2 else 1 + number // 2 % (len(tokens) - 1)])
