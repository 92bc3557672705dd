"""Prepare a batch: choose open lines, say beforehand what would be refused, and keep what may go."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import User

from carefund.domain.claims.checks import (
    DUPLICATE,
    ClaimLine,
    LineFinding,
    StoredFunding,
    check_line,
    find_duplicates,
    next_claim_date,
)
from carefund.domain.fingerprints import fingerprint_of
from carefund.records.claims.batches import ChosenLine, store_batch
from carefund.records.claims.open_lines import (
    claim_line,
    find_last_claim_date,
    find_stored_funding,
    list_claimed_lines,
    list_open_lines,
)
from carefund.records.models import ClaimBatch, InvoiceLineItem

ZERO = Decimal("0.00")


class PreviewMoved(Exception):
    """The batch would not hold what was previewed."""


class NothingToClaim(Exception):
    """No open line fits the choice, or none of them may go."""


@dataclass(frozen=True, slots=True)
class BatchChoice:
    """What picks the lines of a batch; a `funding_source` of "" means every kind."""

    service_provider_id: str
    from_date: date
    to_date: date
    funding_source: str = ""


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One chosen line with everything that stands against it."""

    item: InvoiceLineItem
    line: ClaimLine
    problems: Sequence[LineFinding] = ()

    @property
    def is_refused(self) -> bool:
        return any(problem.blocks for problem in self.problems)


@dataclass(slots=True)
class BatchPreview:
    """What a batch would hold. `claim_date`: the first day on which its claim can be made."""

    choice: BatchChoice
    claim_date: date
    lines: list[PreviewLine] = field(default_factory=list)

    @property
    def ready(self) -> list[PreviewLine]:
        return [line for line in self.lines if not line.is_refused]

    @property
    def refused(self) -> list[PreviewLine]:
        return [line for line in self.lines if line.is_refused]

    @property
    def total(self) -> Decimal:
        """What the lines that may go come to."""
        return sum((line.line.amount for line in self.ready), ZERO)

    @property
    def refused_total(self) -> Decimal:
        return sum((line.line.amount for line in self.refused), ZERO)

    @property
    def fingerprint(self) -> str:
        """What changes when the batch would hold other lines or amounts, or others were left out."""
        choice = self.choice
        kept = [choice.service_provider_id, choice.from_date, choice.to_date, choice.funding_source]
        return fingerprint_of([*kept, *((line.line.key, line.line.amount, line.is_refused) for line in self.lines)])

    @property
    def client_count(self) -> int:
        return len({line.item.client_id for line in self.ready})


def preview_batch(choice: BatchChoice, today: date) -> BatchPreview:
    """What would go and what would be refused, before anything is written or sent."""
    items = list(
        list_open_lines(
            service_provider_id=choice.service_provider_id,
            funding_source=choice.funding_source,
            from_date=choice.from_date,
            to_date=choice.to_date,
        )
    )
    client_ids = {item.client_id for item in items}
    known = find_stored_funding(client_ids)
    lines = [claim_line(item) for item in items]
    # Of the same days alone, since a line repeats only one of its day: of years of lines a few are read.
    repeated = find_duplicates(lines, list_claimed_lines(client_ids, {line.delivery_date for line in lines}))
    last = find_last_claim_date(choice.service_provider_id, settings.BUSINESS_TIME_ZONE)
    preview = BatchPreview(choice, next_claim_date(last, today))
    for item, line in zip(items, lines, strict=True):
        problems = check_line(line, known.get(item.client_id, StoredFunding()), today)
        preview.lines.append(PreviewLine(item, line, [*([DUPLICATE] if line.key in repeated else []), *problems]))
    return preview


def prepare_batch(
    choice: BatchChoice, today: date, created_by: User | None = None, *, fingerprint: str = ""
) -> ClaimBatch:
    """Keep the lines that may go as a batch. Raises NothingToClaim, or BatchMoved if somebody was quicker; with the
    `fingerprint` of a preview PreviewMoved if it would hold anything else."""
    preview = preview_batch(choice, today)
    if fingerprint and preview.fingerprint != fingerprint:
        raise PreviewMoved
    if not preview.ready:
        raise NothingToClaim
    return store_batch(
        service_provider_id=choice.service_provider_id,
        funding_source=choice.funding_source,
        from_date=choice.from_date,
        to_date=choice.to_date,
        chosen=[ChosenLine(line.line, [problem.message for problem in line.problems]) for line in preview.ready],
        created_by=created_by,
    )
