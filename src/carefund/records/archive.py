"""The archive of answers: kept as received, compressed, once per distinct content, with the time it was current.

Writes go through `record_answers` inside the caller's transaction; reads give back the exact bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from django.db.models import Q

from carefund.records import synced_tables
from carefund.records.compression import compress, decompress
from carefund.records.models import Answer, Payload


class ReceivedPage(NamedTuple):
    """One page of one answer, to be archived."""

    client_id: int
    operation: str
    subject_id: str
    page: int
    digest: str
    body: bytes
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class ArchivedPage:
    """One stored page: what was asked, the bytes as received, and when they were current."""

    operation: str
    subject_id: str
    page: int
    digest: str
    body: bytes
    current_from: datetime
    current_until: datetime | None


def digest_of(body: bytes) -> str:
    """The SHA-256 of an answer's bytes, in hexadecimal."""
    return sha256(body).hexdigest()


def digest_of_pages(pages: Sequence[bytes]) -> str:
    """One digest for an answer: that of its page, or of its pages' digests in order; "not found" is one empty page."""
    if len(pages) == 1:
        return digest_of(pages[0])
    return digest_of("".join(digest_of(page) for page in pages).encode()) if pages else digest_of(b"")


def record_answers(pages: Sequence[ReceivedPage], known_clients: Iterable[int]) -> None:
    """Make these pages the current ones. `known_clients` are those who had answers before, and so need closing."""
    if not pages:
        return
    # In one order for all, so that two writers of the same contents cannot wait for each other.
    distinct = sorted({page.digest: page.body for page in pages}.items())
    synced_tables.insert_new(
        Payload,
        ("digest", "body", "size"),
        [(digest, compress(body), len(body)) for digest, body in distinct],
    )
    _close_replaced(pages, set(known_clients))
    synced_tables.insert(
        Answer,
        ("client_id", "operation", "subject_id", "page", "payload_id", "current_from"),
        [(page.client_id, page.operation, page.subject_id, page.page, page.digest, page.fetched_at) for page in pages],
    )


def _close_replaced(pages: Sequence[ReceivedPage], known_clients: set[int]) -> None:
    """End the answers that these pages replace, including further pages of an answer that got shorter."""
    until = {
        (page.client_id, page.operation, page.subject_id): page.fetched_at
        for page in pages
        if page.client_id in known_clients
    }
    if not until:
        return
    current = Answer.objects.filter(
        client_id__in={client_id for client_id, _, _ in until}, current_until__isnull=True
    ).values_list("id", "client_id", "operation", "subject_id")
    closing = [
        (until[client_id, operation, subject_id], answer_id)
        for answer_id, client_id, operation, subject_id in current
        if (client_id, operation, subject_id) in until
    ]
    synced_tables.update(Answer, ("current_until",), closing)


def answers_as_of(client_id: int, instant: datetime) -> list[ArchivedPage]:
    """Every answer about one person that was current at an instant, in a fixed order."""
    answers = (
        Answer.objects.filter(client_id=client_id, current_from__lte=instant)
        .filter(Q(current_until__isnull=True) | Q(current_until__gt=instant))
        .select_related("payload")
        .order_by("operation", "subject_id", "page")
    )
    return [_archived(answer) for answer in answers]


def find_current_answers(client_ids: Sequence[int]) -> dict[int, list[ArchivedPage]]:
    """Return for each of these people the answers that are current, in the order of question and page."""
    answers = Answer.objects.filter(client_id__in=client_ids, current_until__isnull=True)
    rows = answers.order_by("client_id", "operation", "subject_id", "page").values_list(
        "client_id", "operation", "subject_id", "page", "payload_id", "payload__body", "current_from"
    )
    found: dict[int, list[ArchivedPage]] = {}
    for client_id, operation, subject_id, page, digest, body, current_from in rows:
        content = decompress(bytes(body))
        kept = ArchivedPage(operation, subject_id, page, digest, content, current_from, None)
        found.setdefault(client_id, []).append(kept)
    return found


def find_answer(client_id: int, digest: str) -> ArchivedPage | None:
    """One stored answer of one person by its SHA-256: evidence of what the funder said."""
    answer = (
        Answer.objects.filter(client_id=client_id, payload_id=digest)
        .select_related("payload")
        .order_by("current_from")
        .first()
    )
    return _archived(answer) if answer else None


def _archived(answer: Answer) -> ArchivedPage:
    body = decompress(bytes(answer.payload.body))
    return ArchivedPage(
        answer.operation,
        answer.subject_id,
        answer.page,
        answer.payload_id,
        body,
        answer.current_from,
        answer.current_until,
    )
