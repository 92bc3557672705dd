"""Keep a fetch exactly as it was, so that what a person reviewed is what is applied, or nothing is.

A frozen fetch holds the answers byte for byte; thawing decodes them by the same types as when they came in.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from carefund.funders.answers import Answer
from carefund.funders.decoding import RowReader
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    CareRecipientSummary,
    IndividualContribution,
)
from carefund.records.compression import compress, decompress
from carefund.sync.fetching import Fetched

_SUMMARIES = RowReader(CareRecipientSummary)
_CONTRIBUTIONS = RowReader(IndividualContribution)
_BUDGETS = RowReader(Budget)
_DETAILS = RowReader(BudgetDetails)


class _FrozenAnswer(msgspec.Struct, array_like=True):
    operation: str
    subject_id: str
    pages: tuple[bytes, ...]
    fetched_at: datetime


class _Frozen(msgspec.Struct, array_like=True):
    client_id: int
    care_recipient_id: str
    started_at: datetime
    answers: tuple[_FrozenAnswer, ...]
    refused_budget_ids: tuple[str, ...]
    vanished_budget_ids: tuple[str, ...]


def freeze(fetched: Fetched) -> bytes:
    """A fetch as bytes to be stored."""
    answers = tuple(
        _FrozenAnswer(answer.operation, answer.subject_id, answer.pages, answer.fetched_at)
        for answer in fetched.answers
    )
    frozen = _Frozen(
        fetched.client_id,
        fetched.care_recipient_id,
        fetched.started_at,
        answers,
        tuple(fetched.refused_budget_ids),
        tuple(fetched.vanished_budget_ids),
    )
    return compress(msgspec.msgpack.encode(frozen))


def thaw(body: bytes) -> Fetched:
    """The fetch that was frozen, with its own time, so that a newer one still wins over it."""
    frozen = msgspec.msgpack.decode(decompress(body), type=_Frozen)
    fetched = Fetched(frozen.client_id, frozen.care_recipient_id, frozen.started_at)
    fetched.refused_budget_ids = list(frozen.refused_budget_ids)
    fetched.vanished_budget_ids = list(frozen.vanished_budget_ids)
    for answer in frozen.answers:
        thawed = Answer(
            answer.operation, answer.subject_id, answer.pages, _READ[answer.operation](answer), answer.fetched_at
        )
        match answer.operation:
            case "care_recipient_summary":
                fetched.summary = thawed
            case "individual_contribution":
                fetched.contributions = thawed
            case "budgets_by_care_recipient":
                fetched.budgets = thawed
            case _:
                fetched.details.append(thawed)
    return fetched


def _one(reader: RowReader[Any]) -> Callable[[_FrozenAnswer], Any]:
    return lambda answer: reader.read_one(answer.pages[0], answer.operation)


def _all(reader: RowReader[Any]) -> Callable[[_FrozenAnswer], Any]:
    return lambda answer: tuple(row for page in answer.pages for row in reader.read_rows(page, answer.operation))


_READ: dict[str, Callable[[_FrozenAnswer], Any]] = {
    "care_recipient_summary": _one(_SUMMARIES),
    "individual_contribution": _all(_CONTRIBUTIONS),
    "budgets_by_care_recipient": _all(_BUDGETS),
    "budget_details": _one(_DETAILS),
}
