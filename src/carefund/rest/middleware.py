"""Refusals that never reach the API itself (an unknown address, method or host), in the API's one shape."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from carefund.failures import reference_of
from carefund.rest.problems import MEDIA_TYPE, answer_status

PREFIX = "/api/"
_KEPT = ("Allow", "Retry-After")


class OneShape:
    """Outermost: see every answer under /api/, also those that the framework gives instead of a view's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self._get_response(request)
        if (
            not request.path_info.startswith(PREFIX)
            or answer.status_code < 400
            or answer.get("Content-Type") == MEDIA_TYPE
        ):
            return answer
        shaped = answer_status(answer.status_code, reference=_reference(request, answer))
        shaped.__dict__["_has_been_logged"] = True  # as the answer in whose place it stands
        for name in _KEPT:
            if name in answer:
                shaped[name] = answer[name]
        return shaped


def _reference(request: HttpRequest, answer: HttpResponse) -> str:
    """Return what the entry in the log is found by, of a request that failed."""
    return reference_of(request) if answer.status_code == 500 else ""
