"""What surrounds every NDIA answer: `{success, result, errors}`, and what its refusals mean.

Errors are texts or key and value, with stray spaces. That nobody matches may come as 404, as an empty result or as a
text; all mean the same, and the NDIA never says which of the three values is wrong.
Source: rule NDIS-04.
"""

from typing import Any

import msgspec

from carefund.funders.any_json import decode_any
from carefund.funders.errors.access import NotPermitted
from carefund.funders.errors.answers import WrongType
from carefund.funders.errors.configuring import WrongAddress
from carefund.funders.errors.people import AuthorityMissing, IdentityNotMatched, NotFound
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.errors.root import FunderError
from carefund.funders.refusals import details_in

_NO_AUTHORITY = "does not have the authority"
_NOBODY = ("not found", "cannot be found", "no participant", "does not match", "could not be matched")
_NOTHING = (b"", b"null", b"{}", b"[]")


class _Envelope(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw(b"")
    success: bool = True
    errors: list[Any] = []


def open_envelope(body: bytes, operation: str, place: str = "") -> bytes:
    """The bytes of the result; a body without an envelope is taken as the result itself. `place`: where an interfaces
    file says that it is, names with points between them.

    Raises IdentityNotMatched when nothing is in it, whatever its errors stand for, NotJson, Incomplete, WrongType.
    """
    document = decode_any(body, operation)
    if not isinstance(document, dict):
        return body
    if not document.keys() & {"success", "result", "errors", place.partition(".")[0]}:
        return body
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WrongType("The response does not have the expected structure.", operation=operation) from None
    details = details_in({"errors": envelope.errors})
    if details or not envelope.success:
        raise sorted_refusal(RequestRejected(operation=operation, details=details))
    result = _find_within(body, place) if place else bytes(envelope.result)
    if b"".join(result.split()) in _NOTHING:
        raise IdentityNotMatched(operation=operation)
    return result


def _find_within(body: bytes, place: str) -> bytes:
    """The bytes at a place; none where nothing is."""
    for name in place.split("."):
        try:
            body = bytes(msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get(name, b""))
        except msgspec.DecodeError:
            return b""
    return body


def sorted_refusal(problem: FunderError) -> FunderError:
    """The error that a refusal stands for at the NDIA: want of authority, no such person, or itself."""
    said = " ".join(detail.message.strip().casefold() for detail in problem.details)
    kind: type[FunderError] | None = None
    if isinstance(problem, NotPermitted | RequestRejected) and _NO_AUTHORITY in said:
        kind = AuthorityMissing
    elif isinstance(problem, NotFound) or (
        # The gateway's own 404 is a wrong address, unless it says these words.
        isinstance(problem, RequestRejected | WrongAddress) and any(text in said for text in _NOBODY)
    ):
        kind = IdentityNotMatched
    if kind is None:
        return problem
    return kind(operation=problem.operation, status=problem.status, details=problem.details)
