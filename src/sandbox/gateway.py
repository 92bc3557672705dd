"""The API gateway in front of Services Australia and the NDIA: header checks in its order, and the error shapes.

Order: Accept and Content-Type, client id, bearer token, other mandatory headers. Schema and business errors come from
the handlers. Source: rules SA-02 and SA-03.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping

from sandbox.wire import JSON, Answer, json_answer

ORGANISATION_ID = "2410000001"
CLIENT_ID = "carefund-sandbox-client"
AGED_CARE_AUDIENCE = "https://sandbox.carefund.example/aged-care"
NDIA_AUDIENCE = "https://sandbox.carefund.example/ndia"

MANDATORY_HEADERS = (
    "dhs-auditId",
    "dhs-auditIdType",
    "dhs-subjectId",
    "dhs-subjectIdType",
    "dhs-messageId",
    "dhs-correlationId",
    "dhs-productId",
)

_GUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_MESSAGE_ID = re.compile(f"urn:uuid:{_GUID.pattern}")
# A name and a version, as in "Carefund 0.1", "DHS Product v1.0" and "MagicMedicalSoftwareV1.0".
_PRODUCT_ID = re.compile(r".*[^\W\d_] ?[vV]?\d+(\.\d+)*")
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    406: "Not Acceptable",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def refusal(status: int, information: str, headers: dict[str, str] | None = None) -> Answer:
    """An error of the gateway itself, in its own shape."""
    title = _TITLES.get(status, "Error")
    return json_answer({"httpCode": str(status), "httpMessage": title, "moreInformation": information}, status, headers)


def not_found() -> Answer:
    """No rows, in the business shape."""
    return json_answer({"code": "1", "codeType": "DHSEIN", "message": "Not found", "errors": []}, 404)


def business_error(status: int, code: str, message: str, errors: list[dict[str, str]] | None = None) -> Answer:
    """A refusal by the funder's rules. Messages hold no names; ids only where the funder's own do."""
    return json_answer({"code": code, "codeType": "DHSEIN", "message": message, "errors": errors or []}, status)


def schema_error(message: str) -> Answer:
    """A request that does not fit the schema; here the code is a number."""
    return json_answer({"code": 5, "codeType": "DHSEIN", "message": message}, 400)


class Gateway:
    """Checks the headers of calls. `is_valid_token(token, audience)` is PRODA's word on a bearer token."""

    def __init__(self, is_valid_token: Callable[[str, str], bool]) -> None:
        self._is_valid_token = is_valid_token
        self.refuse_duplicates = False
        self.is_lenient = False
        self._seen: set[str] = set()
        self._order: deque[str] = deque()

    def check(self, headers: Mapping[str, str], method: str, audience: str) -> Answer | None:
        """None if the call may pass, or the refusal that the gateway would give first."""
        may_leave_out = self.is_lenient and method == "GET"
        accept = headers.get("Accept", "*/*" if may_leave_out else "")
        if JSON not in accept and "application/pdf" not in accept and "*/*" not in accept:
            return refusal(406, "Not Acceptable")
        if (bad := _content_type_refusal(headers.get("Content-Type", JSON if may_leave_out else ""))) is not None:
            return bad
        if headers.get("X-IBM-Client-Id") != CLIENT_ID:
            return refusal(401, "Invalid client id or secret.")
        kind, _, token = headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not self._is_valid_token(token, audience):
            return refusal(401, "User not authenticated.")
        # The NDIA's gateway asks for no more. Source: rule NDIS-01.
        return None if audience == NDIA_AUDIENCE else self._check_mandatory(headers, method)

    def _check_mandatory(self, headers: Mapping[str, str], method: str) -> Answer | None:
        wanted = MANDATORY_HEADERS if method == "GET" else (*MANDATORY_HEADERS, "x-requested-with")
        for name in wanted:
            if not headers.get(name):
                return refusal(400, "One or more required API parameters are missing in the API request.")
        message_id = headers["dhs-messageId"]
        if not _MESSAGE_ID.fullmatch(message_id) and not (self.is_lenient and _GUID.fullmatch(message_id)):
            return schema_error("Invalid string: dhs-messageId does not match the pattern urn:uuid:<uuid>")
        if not _PRODUCT_ID.fullmatch(headers["dhs-productId"]):
            return schema_error("Invalid string: dhs-productId does not match the pattern <name> <version>")
        if self.refuse_duplicates and self._is_repeated(message_id):
            return schema_error("Invalid string: dhs-messageId was used before")
        return None

    def _is_repeated(self, message_id: str) -> bool:
        if message_id in self._seen:
            return True
        self._seen.add(message_id)
        self._order.append(message_id)
        if len(self._order) > 200_000:
            self._seen.discard(self._order.popleft())
        return False


def _content_type_refusal(content_type: str) -> Answer | None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON:
        return None
    if kind == "application/xml":
        return refusal(400, "Invalid XML payload received.")
    if not kind or kind.startswith("application/"):
        return refusal(415, "Unsupported Media Type")
    return refusal(400, "Invalid content type.")
