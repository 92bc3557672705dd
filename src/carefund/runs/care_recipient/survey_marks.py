"""What a sync that a survey asked for does beside the sync: read narrowly where that is enough, and clear suspects.

The mark is written with the person's records, in one transaction, and says what was listed before they were read.
Source: rule SYNC-19.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from carefund.domain.care_recipient.surveys import Reason, has_settled
from carefund.funders.errors.root import FunderError
from carefund.records.archive import find_current_answers
from carefund.records.care_recipient.surveys import (
    NewMark,
    Seen,
    add_drift,
    find_care_recipient_ids,
    find_hiding_sums,
    find_suspects,
    forget_marks,
    list_dated_marks,
    note_full_reads,
    store_marks,
)
from carefund.records.models import SyncState
from carefund.runs.models import Run
from carefund.sync.care_recipient.answers import SyncParts, read_archived
from carefund.sync.care_recipient.fetching import Fetched, OpenBudgets, understand
from carefund.sync.care_recipient.last_applied import LastApplied
from carefund.sync.care_recipient.results import SyncOutcome, SyncResult
from carefund.sync.care_recipient.surveying import Expected, check, knows_all_details
from carefund.sync.service_providers import list_stored_ids

SURVEY = "survey"  # the parameter of a run that a survey asked for: the survey's number


@dataclass(frozen=True, slots=True)
class Marking:
    """What was known of one person before they were read for a survey."""

    seen: Seen
    expected: Expected

    @property
    def was_listed(self) -> bool:
        return bool(self.seen.sums[0])


def find_markings(run: Run, known: dict[int, LastApplied], client_ids: Sequence[int]) -> dict[int, Marking]:
    """What surveys saw of these people, if a survey asked for this run."""
    if SURVEY not in run.parameters:
        return {}
    return {
        client_id: Marking(seen, Expected(seen.figures, seen.details, seen.is_narrow, _lacks_consent(known, client_id)))
        for client_id, seen in find_suspects(client_ids).items()
    }


def _lacks_consent(known: dict[int, LastApplied], client_id: int) -> bool:
    return client_id in known and known[client_id].consent_missing


def is_enough(marking: Marking, fetched: Fetched) -> bool:
    """Whether a narrow read was enough; it was not when the consent that was missing is given."""
    return not marking.expected.consent_missing or bool(fetched.refused_budget_ids)


def note_reads(
    run: Run, open_budgets: OpenBudgets, reads: Sequence[tuple[Marking | None, Fetched, SyncResult]]
) -> None:
    """Clear those whose answers agree with what was listed, inside the transaction that wrote their records."""
    now = timezone.now()
    if SURVEY not in run.parameters:
        if run.parts == SyncParts.EVERYTHING.value and not run.is_preview:
            note_full_reads([fetched.client_id for _, fetched, _ in reads], now)
        return
    providers = list_stored_ids()
    marks, vanished, checked, drifted = [], [], 0, 0
    for marking, fetched, result in reads:
        if marking is None or result.outcome is SyncOutcome.SUPERSEDED:
            continue
        if not marking.was_listed:
            vanished.append(fetched.client_id)
            continue
        found = check(marking.expected, fetched, open_budgets, providers)
        if found.agrees and marking.seen.reason == Reason.ROTATION.value:
            checked += 1
            drifted += _has_drifted(fetched, result)
        if found.agrees or has_settled(marking.seen.since, now):
            full_at = None if marking.seen.is_narrow and not _is_full(fetched) else now
            marks.append(NewMark(fetched.client_id, marking.seen.sums, found.details, found.hides_budgets, full_at))
    store_marks(marks)
    forget_marks(vanished)
    add_drift(int(run.parameters[SURVEY]), checked, drifted)


def _is_full(fetched: Fetched) -> bool:
    return len({answer.operation for answer in fetched.answers}) > 2  # budgets and details are a part


def _has_drifted(fetched: Fetched, result: SyncResult) -> bool:
    lost_consent = result.outcome is SyncOutcome.CONSENT_MISSING and not (
        fetched.known is not None and fetched.known.consent_missing
    )
    return lost_consent or result.outcome is SyncOutcome.CHANGED


def mark_unmoved(candidates: Sequence[tuple[int, Seen]], open_budgets: OpenBudgets) -> dict[int, int]:
    """Mark those of these people whose stored answers say what was listed: nothing is to be asked. Return how many
    budgets' details are known of each.

    So a first survey after full passes, or after reads on demand, need not read everybody again.
    """
    providers = list_stored_ids()
    ids = [client_id for client_id, _ in candidates]
    care_recipient_ids = find_care_recipient_ids(ids)
    states = SyncState.objects.select_for_update().filter(client_id__in=ids).order_by("client_id")
    known = {row[0]: row[1:] for row in states.values_list("client_id", "checked_at", "consent_missing")}
    pages = find_current_answers(ids)
    dated, hiding = set(list_dated_marks(ids)), find_hiding_sums(ids)
    marks = []
    for client_id, seen in candidates:
        at, consent_missing = known.get(client_id, (None, False))
        try:
            answers = list(read_archived(pages.get(client_id, ())))
        except FunderError:
            continue
        if at is None or not answers:
            continue
        fetched = understand(client_id, care_recipient_ids.get(client_id, ""), at, answers, is_archived=True)
        if not consent_missing and not knows_all_details(fetched, open_budgets):
            continue
        found = check(Expected(seen.figures, {}), fetched, open_budgets, providers)
        if found.hides_budgets and hiding.get(client_id) != seen.sums:
            continue  # only a read tells a budget that lists leave out from one that is gone
        full_at = None if client_id in dated else at
        if found.agrees and _is_full(fetched):
            marks.append(NewMark(client_id, seen.sums, found.details, found.hides_budgets, full_at))
    store_marks(marks)
    return {mark.client_id: len(mark.details) for mark in marks}
