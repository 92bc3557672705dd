"""Answers as they came in: which differ from those last applied, and which pages to keep. No I/O."""

from typing import Any

from carefund.funders.answers import Answer
from carefund.records.archive import ReceivedPage, digest_of
from carefund.sync.fetching import Fetched


def answer_key(answer: Answer[Any]) -> str:
    """By which an answer's digest is kept: the question without the person."""
    own = answer.operation == "budget_details"
    return f"{answer.operation}:{answer.subject_id}" if own else answer.operation


def pages_of(answer: Answer[Any]) -> tuple[bytes, ...]:
    """The pages to keep: "not found" for a list has none, and is kept as one empty page."""
    return answer.pages or (b"",)


def digest_pages(answer: Answer[Any]) -> str:
    """One digest for an answer: that of its page, or of its pages' digests in order."""
    digests = [digest_of(page) for page in pages_of(answer)]
    return digests[0] if len(digests) == 1 else digest_of("".join(digests).encode())


def changed_answers(fetched: Fetched, digests: dict[str, str]) -> dict[str, str]:
    """The answers that differ from those last applied, with their new digests. Empty: nothing to do."""
    found = {}
    for answer in fetched.answers:
        key, digest = answer_key(answer), digest_pages(answer)
        if digests.get(key) != digest:
            found[key] = digest
    return found


def pages_to_keep(fetched: Fetched, changed: dict[str, str]) -> list[ReceivedPage]:
    """The pages of the answers that differ, for the archive."""
    return [
        ReceivedPage(
            fetched.client_id,
            answer.operation,
            answer.subject_id if answer.operation == "budget_details" else "",
            number,
            digest_of(page),
            page,
            fetched.started_at,
        )
        for answer in fetched.answers
        if answer_key(answer) in changed
        for number, page in enumerate(pages_of(answer), start=1)
    ]
