"""`Idempotency-Key` on every write: the same call again gets the same answer and is done once. No rules."""

import re
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from ninja import Status
from pydantic_core import to_jsonable_python

from carefund.access.idempotency import LONGEST_KEY, CallKey, KeyInUse, only_once
from carefund.access.tokens import find_use
from carefund.rest.problems import ApiProblem, LineProblem
from carefund.rest.tokens import AuthenticatedRequest

NAME = "Idempotency-Key"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEY = rf"^[\x21-\x7e]{{1,{LONGEST_KEY}}}$"
_PARAMETER = {
    "in": "header",
    "name": NAME,
    "required": False,
    "description": "A text of your own for this call. The same call with it again, within 24 hours, is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": _KEY},
}
_GONE = "This call was carried out. Its answer is no longer kept."


def once(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let an operation take a key, if it writes."""

    @wraps(view)
    def answer(request: AuthenticatedRequest, *args: Any, **named: Any) -> Any:
        key = request.headers.get(NAME) if request.method in WRITES else None
        use = find_use(request.auth) if key is not None else None
        if key is None or use is None:
            return view(request, *args, **named)
        if not re.fullmatch(_KEY, key):
            problem = LineProblem(line=None, field=NAME, message="1 to 255 letters, digits and signs, without blanks")
            raise ApiProblem("invalid", problems=[problem])
        call = CallKey(use.token.pk, key, _digest(request))
        try:
            with only_once(call):
                return _answer_again(request, call) or _answer_first(call, view(request, *args, **named))
        except KeyInUse:
            raise ApiProblem("key-in-use", retry_after=1) from None
        except BaseException:
            use.is_logged = False  # what the view entered in the log went with the transaction
            raise

    return answer


def _answer_first(call: CallKey, answer: Status[Any]) -> Status[Any]:
    call.store_answer(answer.status_code, {"value": to_jsonable_python(answer.value)})
    return answer


def _answer_again(request: AuthenticatedRequest, call: CallKey) -> Status[Any] | None:
    """Return the answer that was given before, if there is one. Raise ApiProblem if it was to something else."""
    found = call.find_answer()
    if found is None:
        return None
    if found.request_digest != call.request_digest:
        raise ApiProblem("key-reused")
    if found.answer is None:
        raise ApiProblem("conflict", _GONE, advice="Read the record.")
    request.__dict__["is_answered_again"] = True
    return Status(found.status, found.answer["value"])


def describe_key(operation: dict[str, Any]) -> None:
    """Add the key, and what comes of it, to the description of a write."""
    operation.setdefault("parameters", []).append(_PARAMETER)
    refused = operation["responses"]
    refused.setdefault(409, {**refused[422], "description": "Conflict"})


def _digest(request: AuthenticatedRequest) -> str:
    """What was asked: method, address and body."""
    asked = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return sha256(asked).hexdigest()
