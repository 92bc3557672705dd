"""What holds for every call under /api/: refusals that never reach the API itself (an unknown address, method or host)
in its one shape, the limit of the token, an entry in the access log, and ETags."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware

from carefund.access.access_log import store_use
from carefund.access.tokens import find_use
from carefund.rest.problems import MEDIA_TYPE, PREFIX, ApiProblem, answer_status
from carefund.unexpected_errors import reference_of

_KEPT = ("Allow", "Retry-After")


class OneShape:
    """Outermost: see every answer under /api/, also those that the framework gives instead of a view's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SECURE_SSL_REDIRECT and request.path_info.startswith(PREFIX) and not request.is_secure():
            # A redirect would let a caller send its token in the clear for ever, and nobody notice.
            return ApiProblem("not-encrypted").as_response()
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


class NoteUses:
    """Let no use of a token go without an entry in the access log, and say what is left of its calls."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self._get_response(request)
        account = getattr(request, "auth", None)
        use = find_use(account) if account is not None else None
        if account is None or use is None:
            return answer
        if not use.is_logged:
            store_use(account, f"{request.method} /{request.resolver_match.route if request.resolver_match else ''}")
        allowance = getattr(request, "allowance", None)
        if allowance is not None:
            answer["RateLimit-Limit"] = str(allowance.limit)
            answer["RateLimit-Remaining"] = str(max(allowance.remaining, 0))
            answer["RateLimit-Reset"] = str(allowance.seconds_left)
        if getattr(request, "is_answered_again", False):
            answer["Idempotency-Replayed"] = "true"
        return answer


class AnswerChanged(ConditionalGetMiddleware):
    """Give what is read through the API an ETag, and 304 to whoever has it already."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the answer, or 304 in its place."""
        return super().process_response(request, response) if request.path_info.startswith(PREFIX) else response
