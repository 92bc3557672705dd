"""Answers of a trial of the interfaces: kept as received, apart from those that a synchronisation has applied.

They are evidence of how the funder writes, not of what is known of somebody, so history and reprocessing do not see
them. They go with the client who was asked about, and with the next trial of that client.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from carefund.records.compression import decompress
from carefund.records.models import Answer, ClaimAnswer, TriedAnswer
from carefund.records.payload_store import read_payload, store_payload


class KeptAnswer(NamedTuple):
    """One answer in the archive: what was asked, and the bytes as received."""

    operation: str
    body: bytes


def store_trial(client_id: int, answers: Sequence[KeptAnswer]) -> None:
    """Keep the answers of a trial in place of those of an earlier one about the same client."""
    now = timezone.now()
    with transaction.atomic():
        TriedAnswer.objects.filter(client_id=client_id).delete()
        for answer in answers:
            TriedAnswer.objects.create(
                client_id=client_id,
                operation=answer.operation,
                payload_id=store_payload(answer.body),
                received_at=now,
            )


def list_kept_answers(most: int) -> Iterator[KeptAnswer]:
    """The newest answers in all archives, up to so many of each: of trials, of clients, of claims."""
    for tried in TriedAnswer.objects.select_related("payload").order_by("-id")[:most]:
        yield KeptAnswer(tried.operation, read_payload(tried.payload))
    current = Answer.objects.filter(current_until__isnull=True).order_by("-id")
    for operation, body in current.values_list("operation", "payload__body")[:most]:
        yield KeptAnswer(operation, decompress(bytes(body)))
    for claimed in ClaimAnswer.objects.select_related("payload").order_by("-id")[:most]:
        yield KeptAnswer(claimed.operation, read_payload(claimed.payload))
