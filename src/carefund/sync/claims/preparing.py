"""Prepare a batch: choose open lines, say beforehand what would be refused, and keep what may go."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    find_last_claim_date,
    find_stored_funding,
    list_claimed_lines,
    list_open_lines,
    read_lines,
)
from carefund.records.models import ClaimBatch

ZERO = Decimal("0.00")
_NEVER_SYNCHRONISED = StoredFunding()


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
    """One chosen line, whose it is, and everything that stands against it."""

    line: ClaimLine
    client_id: int
    external_reference_id: str
    problems: Sequence[LineFinding] = ()

    @property
    def is_refused(self) -> bool:
        return any(problem.blocks for problem in self.problems)


@dataclass(frozen=True, slots=True)
class BatchPreview:
    """What a batch would hold: its lines in order, and the same apart as those that may go and those that may not.
    `claim_date`: the first day on which its claim can be made."""

    choice: BatchChoice
    claim_date: date
    lines: Sequence[PreviewLine]
    ready: Sequence[PreviewLine]
    refused: Sequence[PreviewLine]

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
        return len({line.client_id for line in self.ready})


def preview_batch(choice: BatchChoice, today: date) -> BatchPreview:
    """What would go and what would be refused, before anything is written or sent."""
    listed = read_lines(
        list_open_lines(
            service_provider_id=choice.service_provider_id,
            funding_source=choice.funding_source,
            from_date=choice.from_date,
            to_date=choice.to_date,
        )
    )
    client_ids = {read.client_id for read in listed}
    lines = [read.line for read in listed]
    known = find_stored_funding(client_ids, lines)
    # Of the same days alone, since a line repeats only one of its day: of years of lines a few are read.
    repeated = find_duplicates(lines, list_claimed_lines(client_ids, {line.delivery_date for line in lines}))
    checked = []
    for line, client_id, reference in listed:
        problems = check_line(line, known.get(client_id, _NEVER_SYNCHRONISED), today)
        problems = [*([DUPLICATE] if line.key in repeated else []), *problems]
        checked.append(PreviewLine(line, client_id, reference, problems))
    last = find_last_claim_date(choice.service_provider_id, settings.BUSINESS_TIME_ZONE)
    return BatchPreview(
        choice,
        next_claim_date(last, today),
        checked,
        [line for line in checked if not line.is_refused],
        [line for line in checked if line.is_refused],
    )


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
