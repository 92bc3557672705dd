"""Answers as they came in: which differ from those last applied, and which pages to keep. No I/O."""

from carefund.records.archive import ReceivedPage, digest_of, digest_of_pages
from carefund.sync.answers import key_of, kind_of
from carefund.sync.fetching import Fetched


def changed_answers(fetched: Fetched, digests: dict[str, str]) -> dict[str, str]:
    """The answers that differ from those last applied, with their new digests. Empty: nothing to do."""
    found = {}
    for answer in fetched.answers:
        key = key_of(answer)
        digest = fetched.recognised.get(key) or digest_of_pages(answer.pages)
        if digests.get(key) != digest:
            found[key] = digest
    return found


def pages_to_keep(fetched: Fetched, changed: dict[str, str]) -> list[ReceivedPage]:
    """The pages of the answers that differ, for the archive."""
    return [
        ReceivedPage(
            fetched.client_id,
            answer.operation,
            answer.subject_id if kind_of(answer.operation).per_budget else "",
            number,
            changed[key_of(answer)] if len(answer.pages) == 1 else digest_of(page),
            page,
            fetched.started_at,
        )
        for answer in fetched.answers
        if key_of(answer) in changed
        for number, page in enumerate(answer.pages or (b"",), start=1)  # "not found" is kept as one empty page
    ]
