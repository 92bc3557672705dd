"""From an answer that says no to the error that says why: one reading of all the funders' error bodies.

Five shapes are known: the gateway's (`httpCode`, `httpMessage`, `moreInformation`), the business one (`code`,
`codeType`, `message`, `errors`), PRODA's device one (`errors` as one object or several), PRODA's token one (`error`,
`error_description`), and the NDIA's (`errors` of texts or of `key` and `value`).
Source: rules PRODA-04, SA-03 to SA-05 and NDIS-04.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec

from carefund.funders.errors.access import ClientIdRejected
from carefund.funders.errors.configuring import WrongAddress
from carefund.funders.errors.outages import OutOfService, Throttled, Unavailable
from carefund.funders.errors.people import NotFound
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.errors.root import Detail, FunderError
from carefund.funders.errors.statuses import error_for_status

NOTHING_FOUND = ("1", "DHSEIN")
_CODE = ("code", "statusCode", "key", "error", "httpCode")
_MESSAGE = ("message", "value", "error_description", "moreInformation", "httpMessage")
# What is read of an error's body, by any of the five shapes.
KNOWN_MEMBERS = frozenset({*_CODE, *_MESSAGE, "codeType", "field", "errors"})
# The funder's words as far as they are kept: more is no sentence that anybody reads.
_MOST_DETAILS = 20
_LONGEST_CODE = 40
_LONGEST_MESSAGE = 500
_TOO_LONG_A_NUMBER = 10**15
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_LONGEST_WAIT = 86_400.0


def read_document(body: bytes) -> Any:
    """The JSON of a body, or None where it is none that can be read."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def details_in(document: Any) -> tuple[Detail, ...]:
    """The complaints in a decoded error body, word for word; none when it has none of the known shapes."""
    if not isinstance(document, dict):
        return ()
    found = []
    head = _detail(document)
    if any(head):
        found.append(head)
    listed = document.get("errors")
    for item in listed[:_MOST_DETAILS] if isinstance(listed, list) else [listed]:
        if isinstance(item, str) and item.strip():
            found.append(Detail(message=bounded_text(item, _LONGEST_MESSAGE)))
        elif isinstance(item, dict):
            found.append(_detail(item))
    return tuple(found)


def _detail(item: Mapping[str, Any]) -> Detail:
    def text(length: int, *names: str) -> str:
        return next((words for name in names if (words := bounded_text(item.get(name), length))), "")

    return Detail(
        code=text(_LONGEST_CODE, *_CODE),
        code_type=text(_LONGEST_CODE, "codeType"),
        message=text(_LONGEST_MESSAGE, *_MESSAGE),
        field=text(_LONGEST_CODE, "field"),
    )


def bounded_text(value: Any, length: int) -> str:
    """A text or a number as one text that can be kept; "" for anything else."""
    if isinstance(value, str):
        return _UNKEPT.sub("", value).strip()[:length]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _TOO_LONG_A_NUMBER:
        return str(value)
    return f"{value:.15g}" if isinstance(value, float) else ""


def says_nothing_found(details: tuple[Detail, ...]) -> bool:
    """Whether a business body says that the search found nothing."""
    return bool(details) and (details[0].code, details[0].code_type) == NOTHING_FOUND


def is_business(details: tuple[Detail, ...]) -> bool:
    """Whether the body came from the business behind the gateway, not from the gateway."""
    return bool(details) and bool(details[0].code_type)


def refusal(operation: str, status: int, headers: Mapping[str, str], body: bytes) -> FunderError:
    """The error that an answer outside 2xx stands for."""
    document = read_document(body)
    details = details_in(document)
    kind = error_for_status(status)
    if kind in (NotFound, RequestRejected) and says_nothing_found(details):
        kind = NotFound
    elif kind is NotFound and (not details or "httpCode" in document):
        # Blank, HTML or the gateway's own words: the path, not the person, is unknown.
        # Source: rule SA-04.
        kind = WrongAddress
    elif status == HTTPStatus.UNAUTHORIZED and any("client id" in detail.message.lower() for detail in details):
        kind = ClientIdRejected
    wait = retry_after(headers) if issubclass(kind, Unavailable) else None
    if kind is OutOfService and wait is not None:
        kind = Throttled
    error = kind(operation=operation, status=status, details=details)
    if isinstance(error, Unavailable):
        error.retry_after = wait
    return error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the funder asked, from a number or a date, a day at most; None when it did not ask."""
    asked = headers.get("Retry-After", "").strip()
    if not asked:
        return None
    if asked.isascii() and asked.isdigit():
        return min(float(asked), _LONGEST_WAIT)
    moment = http_date(asked)
    if moment is None:
        return None
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), _LONGEST_WAIT)


def http_date(text: str) -> datetime | None:
    """The instant of an HTTP date header, aware; None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
