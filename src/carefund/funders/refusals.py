"""From an answer that says no to the error that says why: one reading of all the funders' error bodies.

Five shapes are known: the gateway's (`httpCode`, `httpMessage`, `moreInformation`), the business one (`code`,
`codeType`, `message`, `errors`), PRODA's device one (`errors` as one object or several), PRODA's token one (`error`,
`error_description`), and the NDIA's (`errors` of texts or of `key` and `value`).
Source: rules PRODA-04, SA-03 to SA-05 and NDIS-04.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec

from carefund.funders.errors import (
    ClientIdRejected,
    Detail,
    FunderError,
    NotFound,
    OutOfService,
    Throttled,
    Unavailable,
    WrongAddress,
    error_for_status,
)

NOTHING_FOUND = ("1", "DHSEIN")


def details_in(document: Any) -> tuple[Detail, ...]:
    """The complaints in a decoded error body, word for word; none when it has none of the known shapes."""
    if not isinstance(document, dict):
        return ()
    found = []
    head = _detail(document)
    if any(head):
        found.append(head)
    listed = document.get("errors")
    for item in listed if isinstance(listed, list) else [listed]:
        if isinstance(item, str) and item.strip():
            found.append(Detail(message=item.strip()))
        elif isinstance(item, dict):
            found.append(_detail(item))
    return tuple(found)


def _detail(item: Mapping[str, Any]) -> Detail:
    def text(*names: str) -> str:
        return next((str(item[name]).strip() for name in names if item.get(name) not in (None, "")), "")

    return Detail(
        code=text("code", "statusCode", "key", "error", "httpCode"),
        code_type=text("codeType"),
        message=text("message", "value", "error_description", "moreInformation", "httpMessage"),
        field=text("field"),
    )


def says_nothing_found(details: tuple[Detail, ...]) -> bool:
    """Whether a business body says that the search found nothing."""
    return bool(details) and (details[0].code, details[0].code_type) == NOTHING_FOUND


def is_business(details: tuple[Detail, ...]) -> bool:
    """Whether the body came from the business behind the gateway, not from the gateway."""
    return bool(details) and bool(details[0].code_type)


def refusal(operation: str, status: int, headers: Mapping[str, str], body: bytes) -> FunderError:
    """The error that an answer outside 2xx stands for."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = None
    details = details_in(document)
    kind = error_for_status(status)
    if says_nothing_found(details):
        kind = NotFound
    elif status == HTTPStatus.NOT_FOUND and not details:
        # Blank or HTML: the path, not the person, is unknown. Source: rule SA-04.
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
    """Seconds to wait as the funder asked, from a number or a date; None when it did not ask."""
    asked = headers.get("Retry-After", "").strip()
    if not asked:
        return None
    if asked.isdigit():
        return float(asked)
    moment = http_date(asked)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def http_date(text: str) -> datetime | None:
    """The instant of an HTTP date header, aware; None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
