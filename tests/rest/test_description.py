"""The OpenAPI description is kept: whatever is thrown at the API, it answers with what was promised, and never fails.

Schemathesis makes the calls up from the description alone: right ones, which must be taken, and wrong ones.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import override_settings
from hypothesis import HealthCheck, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from carefund.access.roles import Role, give_role
from carefund.access.tokens import create_token
from carefund.records.models import Client
from tests.console.world import make_funding

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
_TRIES = {"store_invoice": 150}  # a call with much in it; any other has a few short values
description = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@pytest.fixture
def token(add_client: Any) -> Iterator[str]:
    """One that is in force, where wrong ones are refused as such however many there are."""
    make_funding(add_client("400000001", service_provider_id="4049000002"), quarters=1)
    user = User.objects.create_user("fay")
    give_role(user, Role.FINANCE)
    with override_settings(ADDRESS_FAILURE_LIMIT=1_000_000, API_CALLS_PER_MINUTE=0):
        yield create_token(user, "payroll")[1]


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
            headers={"Authorization": f"Bearer {token}"}, excluded_checks=[positive_data_acceptance]
        )
        transaction.set_rollback(True)
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
@tries(10)  # a few short values each
def test_all_else_answers_as_described(case: schemathesis.Case, token: str, kept_connection: None):
    if case.path_parameters.get("client_id") == 1:
        case.path_parameters["client_id"] = Client.objects.get().pk
    answer_to(case, token)
