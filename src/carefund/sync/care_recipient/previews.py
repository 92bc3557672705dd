"""Keep a fetch exactly as it was, so that what a person reviewed is what is applied, or nothing is.

A frozen fetch holds the answers byte for byte; thawing reads them as they were read when they came in.
"""

from datetime import datetime

import msgspec

from carefund.records.compression import compress, decompress
from carefund.sync.care_recipient.answers import fingerprint, read_answer
from carefund.sync.care_recipient.fetching import Fetched, understand


class ReadOtherwise(Exception):
    """Answers are read otherwise today than when this fetch was frozen: it would say something else."""


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
    reader: str = ""


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
        fetched.refused_budget_ids,
        fetched.vanished_budget_ids,
        fetched.reader,
    )
    return compress(msgspec.msgpack.encode(frozen))


def thaw(body: bytes) -> Fetched:
    """The fetch that was frozen, with its own time, so that a newer one still wins over it. Raises ReadOtherwise."""
    frozen = msgspec.msgpack.decode(decompress(body), type=_Frozen)
    if frozen.reader != fingerprint():
        raise ReadOtherwise
    return understand(
        frozen.client_id,
        frozen.care_recipient_id,
        frozen.started_at,
        [
            read_answer(answer.operation, answer.subject_id, answer.pages, answer.fetched_at)
            for answer in frozen.answers
        ],
        refused_budget_ids=frozen.refused_budget_ids,
        vanished_budget_ids=frozen.vanished_budget_ids,
    )
