"""The archive of answers about claims: kept as received, each distinct content once, beside the archive of the sync.

An answer about a claim is about many people, or about none yet, so it hangs on the claim or its batch and not on a
client. Reads give back the exact bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from carefund.records.archive import digest_of
from carefund.records.models import Claim, ClaimAnswer
from carefund.records.not_found import find_one
from carefund.records.payload_store import read_payload, store_payload

_LONGEST_SUBJECT = 24


@dataclass(frozen=True, slots=True)
class ClaimEvidence:
    """One stored answer with its bytes, and when it came first."""

    operation: str
    digest: str
    body: bytes
    received_at: datetime


def record_claim_answer(
    *,
    operation: str,
    subject_id: str,
    page: int,
    body: bytes,
    batch_pk: int | None = None,
    claim_pk: int | None = None,
) -> None:
    """Keep one answer; one that says what the last one to the same question said is only noted to have come again."""
    digest, now = digest_of(body), timezone.now()
    question = {
        "batch_id": batch_pk,
        "claim_id": claim_pk,
        "operation": operation,
        "subject_id": subject_id[:_LONGEST_SUBJECT],
        "page": page,
    }
    with transaction.atomic():
        last = ClaimAnswer.objects.filter(**question).order_by("-id").first()
        if last is not None and last.payload_id == digest:
            ClaimAnswer.objects.filter(pk=last.pk).update(received_again_at=now)
            return
        ClaimAnswer.objects.create(**question, payload_id=store_payload(body), received_at=now)


def list_claim_answers(claim: Claim, operations: Sequence[str] = ()) -> QuerySet[ClaimAnswer]:
    """Everything that the funder answered about a claim and the batch that it was made of, newest first; with
    `operations` only to these."""
    about = Q(claim=claim) | Q(batch_id=claim.batch_id) if claim.batch_id else Q(claim=claim)
    answers = ClaimAnswer.objects.filter(about).order_by("-id")
    return answers.filter(operation__in=operations) if operations else answers


def find_claim_evidence(claim: Claim, digest: str) -> ClaimEvidence:
    """One stored answer about a claim by its SHA-256, the oldest of equal ones. Raises NotHere."""
    answer = find_one(list_claim_answers(claim).filter(payload_id=digest).select_related("payload").order_by("id"))
    return ClaimEvidence(answer.operation, digest, read_payload(answer.payload), answer.received_at)
