"""PDFs that say why lines come late: kept with the line, sent with its item, never twice.

A file goes by a name with part of its digest, so that it is recognised among what the funder holds.
Source: rules SA-13 and CLAIM-04.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from carefund.domain.claims import statuses
from carefund.records.models import Invoice, InvoiceLineItem, LateEvidence
from carefund.records.not_found import find_one
from carefund.records.payload_store import read_payload, store_payload

LARGEST_EVIDENCE = 5 * 1024 * 1024
_LONGEST_STEM = 60


class NotEvidence(Exception):
    """The file cannot be evidence: the message says why."""


class TooLate(Exception):
    """The line's invoice has been submitted, with its evidence or without."""


@dataclass(frozen=True, slots=True)
class UnsentEvidence:
    """A file that is to go to the funder with an item."""

    pk: int
    item_id: str
    file_name: str
    body: bytes


def store_evidence(line: InvoiceLineItem, name: str, content: bytes, user: User | None = None) -> LateEvidence:
    """Keep a PDF with a line, in place of one before. Raises NotEvidence, TooLate."""
    if not content.startswith(b"%PDF-"):
        raise NotEvidence("This is not a PDF. Services Australia only accepts PDF files.")
    if len(content) > LARGEST_EVIDENCE:
        raise NotEvidence("The file is larger than 5 MB. Scan it in fewer colours or at a lower resolution.")
    with transaction.atomic():
        require_changeable(line)
        digest = store_payload(content)
        evidence, _ = LateEvidence.objects.update_or_create(
            line_item=line,
            defaults={
                "file_name": _file_name(name, digest),
                "payload_id": digest,
                "uploaded_by": user,
                "uploaded_at": timezone.now(),
                "sent_at": None,
            },
        )
    return evidence


def _file_name(name: str, digest: str) -> str:
    """Plain letters, since nobody has said which ones the funder takes."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", name.rpartition("/")[2].removesuffix(".pdf").removesuffix(".PDF"))
    return f"{stem.strip('-')[:_LONGEST_STEM] or 'evidence'}-{digest[:12]}.pdf"


def find_evidence(line: InvoiceLineItem) -> LateEvidence | None:
    """A line's PDF with who attached it, None without one."""
    return LateEvidence.objects.filter(line_item=line).select_related("uploaded_by").first()


def find_evidence_to_download(line_id: int) -> LateEvidence:
    """A line's PDF with its content and the line's client. Raises NotHere."""
    return find_one(LateEvidence.objects.filter(line_item=line_id).select_related("payload", "line_item__client"))


def remove_evidence(line: InvoiceLineItem) -> None:
    """Take a line's PDF away. Raises TooLate."""
    with transaction.atomic():
        require_changeable(line)
        LateEvidence.objects.filter(line_item=line).delete()


def is_changeable(line: InvoiceLineItem) -> bool:
    """Whether evidence may still be added, replaced or taken away: the invoice is open, and none was sent."""
    invoice = Invoice.objects.get(pk=line.invoice_id)
    was_sent = LateEvidence.objects.filter(line_item=line, sent_at__isnull=False).exists()
    return invoice.status in ("", statuses.OPEN) and not invoice.is_uncertain and not was_sent


def require_changeable(line: InvoiceLineItem) -> None:
    """Raise TooLate unless evidence may still be changed."""
    if not is_changeable(line):
        raise TooLate("Services Australia already has this line. Send further evidence through its portal.")


def list_unsent_evidence(invoice_pk: int) -> list[UnsentEvidence]:
    """What is to be sent with the items of an invoice, as far as the funder has numbered them."""
    found = LateEvidence.objects.filter(line_item__invoice_id=invoice_pk, sent_at__isnull=True)
    numbered = found.exclude(line_item__item_id="").select_related("line_item", "payload").order_by("pk")
    return [
        UnsentEvidence(evidence.pk, evidence.line_item.item_id, evidence.file_name, read_payload(evidence.payload))
        for evidence in numbered
    ]


def store_evidence_sent(pks: Sequence[int], *, invoice_pk: int) -> None:
    """The funder took these files, and with that the uncertainty about their invoice ends."""
    with transaction.atomic():
        LateEvidence.objects.filter(pk__in=pks).update(sent_at=timezone.now())
        Invoice.objects.filter(pk=invoice_pk).update(is_uncertain=False)


def adopt_evidence(invoice_pk: int, held: Collection[tuple[str, str]]) -> None:
    """Note as sent what the funder is seen to hold: the numbers of an invoice's items with the names of their files."""
    unsent = LateEvidence.objects.filter(line_item__invoice_id=invoice_pk, sent_at__isnull=True)
    for evidence in unsent.select_related("line_item"):
        if (evidence.line_item.item_id, evidence.file_name) in held:
            LateEvidence.objects.filter(pk=evidence.pk).update(sent_at=timezone.now())
