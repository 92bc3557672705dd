"""What an operation may raise, translated once: shown by a small API of the test's own."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.test import Client as Browser
from django.urls import path
from ninja import NinjaAPI

from carefund.funders.errors.outages import Throttled
from carefund.funders.errors.root import FunderError
from carefund.funders.errors.tree import all_leaves
from carefund.rest.problems import ApiProblem, LineProblem
from carefund.rest.refusals import translate_errors

RAISED: dict[str, Exception] = {
    "gate": Http404(),
    "rights": PermissionDenied(),
    "problem": ApiProblem(
        "conflict", "Two at once.", problems=[LineProblem(line=3, field="quantity", message="differs")]
    ),
    **{leaf.code: leaf("A step failed.") for leaf in all_leaves()},
}
api = NinjaAPI(urls_namespace="raising")
translate_errors(api)


@api.get("/{name}")
def fail(request: HttpRequest, name: str) -> None:
    raise RAISED[name]


urlpatterns = [path("api/raising/", api.urls)]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db, pytest.mark.one_database]


def refuse(client: Browser, name: str) -> Any:
    answer = client.get(f"/api/raising/{name}")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer


def test_the_gates_refusals_have_the_apis_shape(client: Browser):
    assert refuse(client, "gate").json()["code"] == "not-found"
    assert refuse(client, "rights").json()["code"] == "not-allowed"


def test_a_problem_is_answered_with_its_own_words(client: Browser):
    body = refuse(client, "problem").json()
    assert (body["status"], body["detail"]) == (409, "Two at once.")
    assert body["problems"] == [{"line": 3, "field": "quantity", "message": "differs"}]


@pytest.mark.parametrize("error", all_leaves(), ids=lambda error: error.code)
def test_a_funders_refusal_keeps_its_code_and_advice(client: Browser, error: type[FunderError]):
    body = refuse(client, error.code).json()
    assert (body["code"], body["advice"], body["detail"]) == (error.code, error.advice, "A step failed.")
    assert body["type"] == f"/api/v1/problems#funder-{error.code}"


@pytest.mark.parametrize(
    ("code", "status"),
    [("consent-missing", 409), ("not-found", 404), ("not-json", 502), ("timed-out", 503), ("not-configured", 503)],
)
def test_the_status_says_whose_fault_it_is(client: Browser, code: str, status: int):
    assert refuse(client, code).status_code == status


def test_how_long_to_wait_is_passed_on(client: Browser):
    error = Throttled()
    error.retry_after = 30.5
    RAISED["wait"] = error
    assert refuse(client, "wait").headers["Retry-After"] == "31"
