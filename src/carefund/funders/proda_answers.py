"""What PRODA says, read: expiry dates, tokens, and refusals with their own codes. No network.

Source: rules PRODA-01 to PRODA-04.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from carefund.funders.devices import AccessToken, DeviceState
from carefund.funders.errors.access import (
    ActivationCodeRejected,
    AssertionRejected,
    ClockSkewed,
    DeviceInactive,
    DeviceKeyExpired,
    DeviceKeyRejected,
    DeviceUnknown,
)
from carefund.funders.errors.answers import ImpossibleValue, WrongType
from carefund.funders.errors.root import FunderError
from carefund.funders.http import Response
from carefund.funders.refusals import bounded_text, details_in, http_date, read_document, refusal

ERROR_BY_CODE: dict[str, type[FunderError]] = {
    "DE.2": DeviceUnknown,
    "DE.4": DeviceUnknown,
    "DE.5": DeviceInactive,
    "DE.7": ActivationCodeRejected,
    "DE.9": DeviceInactive,
    "JWK.1": DeviceKeyRejected,
    "JWK.2": DeviceKeyRejected,
    "JWK.8": DeviceKeyRejected,
    "JWK.9": DeviceKeyRejected,
    "mapping_error": AssertionRejected,
    "device_error": DeviceInactive,
    "invalid_client": AssertionRejected,
    "invalid_grant": AssertionRejected,
    "invalid_request": AssertionRejected,
    "unsupported_grant_type": AssertionRejected,
}
# PRODA answers a wrong set of claims with an outage's status and this text.
_WRONG_CLAIMS = b"unable to retrieve device data"
_EXPIRED_KEY = re.compile(r"\bkey\b.*\bexpired", re.IGNORECASE)
LARGEST_SKEW = timedelta(seconds=60)
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")  # it travels in a header
_SECONDS = re.compile(r"[0-9]{1,9}")
_LONGEST_LIFE = 366 * 86_400
_YEARS = range(1900, 2200)
_LONGEST_STATUS = 40
_MILLISECONDS_FROM = 100_000_000_000


def clock_skew(answer: Response) -> timedelta | None:
    """How far this machine's clock is ahead of the one that answered; negative when behind, None when unknown."""
    theirs = http_date(answer.headers.get("Date", ""))
    return None if theirs is None else datetime.now(UTC) - theirs


def proda_refusal(operation: str, answer: Response, state: DeviceState) -> FunderError:
    """The error that PRODA's no stands for; a wrong clock or an expired key is told before what PRODA makes of it."""
    error = refusal(operation, answer.status, answer.headers, answer.body)
    kinds = (ERROR_BY_CODE.get(detail.code) for detail in error.details)
    kind = next((found for found in kinds if found is not None), type(error))
    if kind is DeviceInactive and any(_EXPIRED_KEY.search(detail.message) for detail in error.details):
        kind = DeviceKeyExpired
    if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and _WRONG_CLAIMS in answer.body.lower():
        kind = AssertionRejected
    message = ""
    if issubclass(kind, AssertionRejected | DeviceInactive):
        skew = clock_skew(answer)
        now = datetime.now(UTC)
        if skew is not None and abs(skew) > LARGEST_SKEW:
            kind = ClockSkewed
            direction = "ahead of" if skew > timedelta() else "behind"
            message = f"This machine's clock is {abs(skew).total_seconds():.0f} seconds {direction} PRODA's."
        elif state.device_expires_at is not None and state.device_expires_at <= now:
            kind = DeviceInactive
        elif state.key_expires_at is not None and state.key_expires_at <= now:
            kind = DeviceKeyExpired
    if kind is type(error):
        return error
    return kind(message, operation=operation, status=answer.status, details=error.details)


def with_expiries(state: DeviceState, document: dict[str, Any]) -> DeviceState:
    """The state with the dates and the status that an answer carries; what it does not carry stays."""
    key = as_instant(document.get("keyExpiry") or document.get("key_expiry"))
    device = as_instant(document.get("deviceExpiry") or document.get("device_expiry"))
    status = document.get("deviceStatus")
    return replace(
        state,
        key_expires_at=key or state.key_expires_at,
        device_expires_at=device or state.device_expires_at,
        status=bounded_text(status, _LONGEST_STATUS).strip("[] ").upper() if isinstance(status, str) else state.status,
    )


def token_in(document: dict[str, Any], received_at: datetime, operation: str) -> AccessToken:
    """The access token of an answer. Raises WrongType when it has none, or no life time."""
    value, seconds = document.get("access_token"), document.get("expires_in")
    if not isinstance(value, str) or not value:
        raise WrongType("The field access_token is missing.", field="access_token", operation=operation)
    if not _TOKEN.fullmatch(value):
        raise ImpossibleValue("The field access_token is not a token.", field="access_token", operation=operation)
    if isinstance(seconds, str) and _SECONDS.fullmatch(seconds):
        seconds = int(seconds)
    if not isinstance(seconds, int | float) or not 0 < seconds <= _LONGEST_LIFE:
        raise WrongType("The field expires_in is not a lifetime.", field="expires_in", operation=operation)
    return AccessToken(value=value, received_at=received_at, expires_at=received_at + timedelta(seconds=seconds))


def as_instant(value: Any) -> datetime | None:
    """An instant from ISO text or from seconds or milliseconds since 1970, aware UTC; None when it is neither."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS_FROM else value, UTC)
        elif isinstance(value, str):
            moment = datetime.fromisoformat(value)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.year in _YEARS else None


def object_in(answer: Response, operation: str) -> dict[str, Any]:
    """The JSON object of a successful answer. Raises WrongType for anything else."""
    document = read_document(answer.body)
    if not isinstance(document, dict):
        raise WrongType("PRODA's answer is not a JSON object.", operation=operation, details=details_in(document))
    return document
