"""From what can be raised on the way to a refusal in the one shape: the only place that knows both. No rules."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from carefund.access.audit_log import store_refusal
from carefund.funders.errors.root import FunderError
from carefund.records.not_found import NotHere
from carefund.rest.problems import (
    ApiProblem,
    LineProblem,
    answer_funder_error,
    answer_not_retrieved,
    answer_pace_problem,
    answer_status,
)
from carefund.runs.ndis.plans import NotRetrieved
from carefund.sync.ndis.problems import PaceProblem
from carefund.unexpected_errors import name_route

_LINES = "line_items"


def translate_errors(api: NinjaAPI) -> None:
    """Let an API answer everything that its operations, or the framework around them, raise."""
    for kind, answer in (
        (ApiProblem, lambda problem: problem.as_response()),
        (FunderError, answer_funder_error),
        (PaceProblem, answer_pace_problem),
        (NotRetrieved, lambda problem: answer_not_retrieved(problem.code, problem.message, problem.advice)),
        (ValidationError, _answer_invalid),
        (AuthenticationError, lambda _: _answer_without_token()),
        (HttpError, _answer_framework),
        (RequestDataTooBig, lambda _: answer_status(413)),
        (NotHere, lambda refusal: ApiProblem("not-found", refusal.message, advice=refusal.advice).as_response()),
        (Http404, lambda _: answer_status(404)),
    ):
        api.add_exception_handler(kind, _handler(answer))
    api.add_exception_handler(PermissionDenied, _answer_not_allowed)


def _answer_not_allowed(request: HttpRequest, _: Any) -> HttpResponse:
    account = getattr(request, "auth", None)
    if isinstance(account, User):
        store_refusal(account, name_route(request))
    return answer_status(403)


def _handler(answer: Any) -> Any:
    def handle(request: HttpRequest, error: Exception) -> HttpResponse:
        response: HttpResponse = answer(error)
        return response

    return handle


def _answer_without_token() -> HttpResponse:
    answer = answer_status(401)
    answer["WWW-Authenticate"] = "Bearer"
    return answer


def _answer_framework(error: HttpError) -> HttpResponse:
    """Return the refusal behind the framework's own: whatever a parser raises comes wrapped in one of status 400."""
    return (
        error.__cause__.as_response() if isinstance(error.__cause__, ApiProblem) else answer_status(error.status_code)
    )


def _answer_invalid(error: ValidationError) -> HttpResponse:
    """Return each value that the schema refused; the values themselves are not repeated."""
    if any(
        problem["loc"][0] == "body" and len(problem["loc"]) == 2 and problem["type"] == "missing"
        for problem in error.errors
    ):
        return ApiProblem("malformed", "There is no body.").as_response()
    return ApiProblem("invalid", problems=[_line_problem(problem) for problem in error.errors]).as_response()


def _line_problem(error: dict[str, Any]) -> LineProblem:
    place = list(error["loc"])[2:]  # after "body" and the name of the parameter
    inside = place[:1] == [_LINES] and len(place) > 1
    names = [str(part) for part in place[2 if inside else 0 :]]
    return LineProblem(
        line=place[1] + 1 if inside else None,
        field=".".join(names) or (_LINES if inside else str(error["loc"][-1])),
        message=error["msg"],
    )
