"""Answers of a trial of the interfaces: kept as received, apart from those that a synchronisation has applied.

They are evidence of how the funder writes, not of what is known of somebody, so history and reprocessing do not see
them. They go with the client who was asked about, and with the next trial of that client; those to writes stay.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from carefund.funders.services_australia.expected_answers import OPERATIONS
from carefund.records.compression import decompress
from carefund.records.models import Answer, ApprovedService, ClaimAnswer, TriedAnswer
from carefund.records.payload_store import read_payload, store_payload

_WRITES = [operation for operation, asked in OPERATIONS.items() if asked.method != "GET"]


class KeptAnswer(NamedTuple):
    """One answer in the archive: what was asked, and the bytes as received."""

    operation: str
    body: bytes


def store_trial(client_id: int, answers: Sequence[KeptAnswer]) -> None:
    """Keep the answers of a trial in place of those of an earlier one about the same client."""
    with transaction.atomic():
        TriedAnswer.objects.filter(client_id=client_id).exclude(operation__in=_WRITES).delete()
        for answer in answers:
            store_tried_answer(client_id, answer)


def store_tried_answer(client_id: int, answer: KeptAnswer) -> None:
    """Keep one answer, as it came."""
    with transaction.atomic():
        TriedAnswer.objects.create(
            client_id=client_id,
            operation=answer.operation,
            payload_id=store_payload(answer.body),
            received_at=timezone.now(),
        )


def find_service_to_try(client_id: int, day: date) -> str:
    """A home support service that a client may receive on a day; "" where none is known."""
    services = ApprovedService.objects.filter(
        Q(end_date__isnull=True) | Q(end_date__gte=day),
        client_id=client_id,
        start_date__lte=day,
        no_longer_returned_date__isnull=True,
        service_group_id="SERG-0001",
    )
    found: str | None = services.order_by("service_id").values_list("service_id", flat=True).first()
    return found or ""


def list_kept_answers(most: int) -> Iterator[KeptAnswer]:
    """The newest answers in all archives, up to so many of each: of trials, of clients, of claims."""
    for tried in TriedAnswer.objects.select_related("payload").order_by("-id")[:most]:
        yield KeptAnswer(tried.operation, read_payload(tried.payload))
    current = Answer.objects.filter(current_until__isnull=True).order_by("-id")
    for operation, body in current.values_list("operation", "payload__body")[:most]:
        yield KeptAnswer(operation, decompress(bytes(body)))
    for claimed in ClaimAnswer.objects.select_related("payload").order_by("-id")[:most]:
        yield KeptAnswer(claimed.operation, read_payload(claimed.payload))
