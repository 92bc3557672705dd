"""Faults on demand: which call they hit, and how they spoil the answer. Sending the spoilt answer is `app.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from sandbox.gateway import business_error, not_found, refusal
from sandbox.spoiling import WORSE
from sandbox.wire import Answer, encode

# These answer by themselves, before anything is looked at.
BEFORE = frozenset({"status", "drop", "hang", "html"})
# These spoil an answer that was made.
AFTER = frozenset(
    {
        "denial", "truncate", "not-json", "blank", "wrong-type", "removed-field", "renamed-field", "extra-field",
        "duplicate-row", "extra-row", "raw-value", "nested", "second-list", "charset", "packed", "endless",
    }
)  # fmt: skip
KINDS = BEFORE | AFTER | {"delay"}


class Fault(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """One fault: what it hits, how often, and what it does."""

    kind: str
    id: int = 0
    operation: str = "*"
    # An id that must appear in the path or the query, such as a care recipient's or a budget's.
    subject: str = ""
    # Spare the first `after` matching calls, then hit `times` of them (0: without end), each with `probability`.
    after: int = 0
    times: int = 0
    probability: float = 1.0
    status: int = 500
    retry_after: str = ""
    message: str = ""  # empty: what suits the status
    seconds: float = 1.0
    share: float = 0.5
    field: str = ""
    value: Any = None
    # JSON as it shall stand there, also what is none (NaN, 1e400), or the name of a character set.
    text: str = ""
    # How many: duplicates of a row, levels, or megabytes.
    number: int = 1
    seen: int = 0
    hits: int = 0


MESSAGES = {
    400: "The request is not valid.",
    401: "The request is not authenticated.",
    403: "The request is not permitted.",
    404: "Not found.",
    429: "Too many requests; try again later.",
    500: "Internal error.",
    503: "Service temporarily unavailable.",
}


class Faults:
    """The faults in force. `pick` is called once per request and counts."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._last_id = 0
        self._rng = Random(7)

    def add(self, values: Any) -> Fault:
        """Put a fault in force. Raises msgspec.ValidationError, or ValueError for an unknown kind."""
        fault = msgspec.convert(values, Fault)
        if fault.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
        if fault.kind in ("wrong-type", "removed-field", "renamed-field", "raw-value") and not fault.field:
            raise ValueError("field is missing")
        self._last_id += 1
        fault.id = self._last_id
        self.active.append(fault)
        return fault

    def remove(self, fault_id: int | None = None) -> None:
        """End one fault, or all."""
        self.active = [] if fault_id is None else [fault for fault in self.active if fault.id != fault_id]

    def pick(self, operation: str, subjects: Sequence[str]) -> list[Fault]:
        """The faults that hit this call."""
        return [fault for fault in self.active if self._hits(fault, operation, subjects)]

    def _hits(self, fault: Fault, operation: str, subjects: Iterable[str]) -> bool:
        if fault.operation not in ("*", operation) or (fault.subject and fault.subject not in subjects):
            return False
        if fault.times and fault.hits >= fault.times:
            return False
        fault.seen += 1
        if fault.seen <= fault.after or (fault.probability < 1 and self._rng.random() >= fault.probability):
            return False
        fault.hits += 1
        return True


def instead(fault: Fault) -> Answer:
    """The answer of a fault of the kinds status and html."""
    headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    if fault.kind == "html":
        page = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Error</h1></body></html>"
        return Answer(fault.status, page, headers, "text/html")
    return refusal(fault.status, fault.message or MESSAGES.get(fault.status, MESSAGES[503]), headers)


def spoilt(fault: Fault, answer: Answer) -> Answer:
    """The answer as a fault of the AFTER kinds leaves it; `truncate` is done while sending, `endless` by the query."""
    if fault.kind in WORSE:
        return WORSE[fault.kind](fault, answer)
    if fault.kind == "denial":
        return _denied(fault)
    if fault.kind == "not-json":
        return Answer(answer.status, b"this is not JSON", answer.headers, answer.content_type)
    if fault.kind == "blank":
        return Answer(answer.status, b"", answer.headers, answer.content_type)
    if fault.kind in ("truncate", "endless"):
        return answer
    document = json.loads(answer.body, parse_float=Decimal)
    if fault.kind == "duplicate-row":
        _repeat_first_rows(document, fault.field, fault.number)
    else:
        _change_fields(document, fault)
    return Answer(answer.status, encode(document), answer.headers, answer.content_type)


def _denied(fault: Fault) -> Answer:
    """What a funder says that has done the work and does not know it: the business's words where it has any."""
    if fault.status == 404:
        return not_found()
    if fault.status in (400, 409):
        return business_error(fault.status, "6", fault.message or MESSAGES.get(fault.status, "Not done."))
    return instead(fault)


def _repeat_first_rows(document: Any, name: str, times: int) -> None:
    lists = (
        [document]
        if isinstance(document, list)
        else [value for key, value in document.items() if isinstance(value, list) and name in ("", key)]
    )
    for rows in lists:
        if rows:
            rows.extend(rows[:1] * times)


def _change_fields(document: Any, fault: Fault) -> None:
    if isinstance(document, list):
        for row in document:
            _change_fields(row, fault)
    if not isinstance(document, dict):
        return
    for value in document.values():
        _change_fields(value, fault)
    if fault.kind == "extra-field":
        document[fault.field or "somethingNew"] = "new" if fault.value is None else fault.value
    elif fault.field in document:
        if fault.kind == "removed-field":
            del document[fault.field]
        elif fault.kind == "renamed-field":
            document[str(fault.value or "renamed")] = document.pop(fault.field)
        else:
            document[fault.field] = {"unexpected": "object"} if fault.value is None else fault.value
