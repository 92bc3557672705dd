"""People's sync as a kind of work: fetch one person, apply a group of them; or keep a preview of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import transaction

from carefund.records.erased_clients import list_erased_clients
from carefund.records.models import Client, SyncState
from carefund.records.webhooks.events import SYNC_FAILED, NewEvent, note_events
from carefund.runs import ledger
from carefund.runs.business_day import business_today
from carefund.runs.care_recipient.survey_marks import Marking, find_markings, is_enough, note_reads
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.previews import FROZEN, record_preview
from carefund.runs.sessions import Session
from carefund.runs.work_kind import Failure, ItemFailed, WorkKind
from carefund.sync.care_recipient.answers import SyncParts
from carefund.sync.care_recipient.fetching import Fetched, OpenBudgets, fetch_care_recipient
from carefund.sync.care_recipient.last_applied import find_last_applied
from carefund.sync.care_recipient.results import SyncResult
from carefund.sync.care_recipient.syncing import apply_fetched

_INACTIVE = "client-inactive"
_FROZEN = (_INACTIVE, FROZEN, "Make the client active under Edit client, then synchronise.")


@dataclass(frozen=True, slots=True)
class _Answered:
    """What came of asking about one person, and what a survey had seen of them before."""

    fetched: Fetched
    marking: Marking | None = None


async def _prepare(session: Session, items: Sequence[ClaimedItem]) -> None:
    client_ids = [item.client_id for item in items if item.client_id]
    frozen = await session.database.insist(_find_frozen, session.run, client_ids)
    known = await session.database.insist(find_last_applied, client_ids)
    markings = await session.database.insist(find_markings, session.run, known, client_ids)
    for item in items:
        number = item.client_id or 0
        session.memory[item.item_id] = known.get(number), markings.get(number), number in frozen


def _find_frozen(run: Run, client_ids: Sequence[int]) -> set[int]:
    """Those of these clients whom this run must not read: inactive ones, but after an approval only erased ones, for
    whoever leaves has lines that were not drawn yet. Source: rule CLAIM-07."""
    is_after_claim = run.trigger == Run.Trigger.CLAIM_APPROVED
    frozen = list_erased_clients() if is_after_claim else Client.objects.filter(is_active=False)
    return set(frozen.filter(pk__in=client_ids).order_by().values_list("pk", flat=True))


async def _fetch(session: Session, item: ClaimedItem) -> _Answered:
    known, marking, is_frozen = session.memory.pop(item.item_id, (None, None, False))
    if is_frozen:
        raise ItemFailed(*_FROZEN, step="client")
    ask = partial(
        fetch_care_recipient,
        session.source,
        item.client_id or 0,
        item.care_recipient_id,
        _open_budgets(session.run),
        together=session.run.total == 1,
        known=known,
    )
    if marking is not None and marking.seen.is_narrow:
        narrow = await ask(parts=SyncParts.BUDGETS_AND_USAGE, choose=marking.expected.choose)
        if is_enough(marking, narrow):
            return _Answered(narrow, marking)
    return _Answered(await ask(parts=SyncParts(session.run.parts)), marking)


def _open_budgets(run: Run) -> OpenBudgets:
    days = settings.OPEN_BUDGET_DAYS if run.open_budget_days is None else run.open_budget_days
    return OpenBudgets(business_today(), days)


def _store(session: Session, items: Sequence[ClaimedItem], answers: Sequence[_Answered]) -> None:
    holder = session.worker.holder
    if session.run.is_preview:
        with transaction.atomic():
            for item, answer in zip(items, answers, strict=True):
                record_preview(holder, item, answer.fetched)
        return

    def record(results: Sequence[SyncResult]) -> None:
        reads = [(answer.marking, answer.fetched, result) for answer, result in zip(answers, results, strict=True)]
        note_reads(session.run, _open_budgets(session.run), reads)
        ledger.record_results(holder, items, results)

    apply_fetched([answer.fetched for answer in answers], business_today(), on_applied=record)


def _note_failures(failures: Sequence[Failure], now: datetime) -> None:
    """Each person's own state says when the last attempt was, and what went wrong.

    Reading ended budgets in the background is no attempt to bring a person in step, so its failures stay in the run.
    """
    in_background = set(
        RunItem.objects.filter(
            id__in=[failure.item.item_id for failure in failures], run__parts=Run.Parts.UNREAD_BUDGETS
        ).values_list("id", flat=True)
    )
    counting = [
        failure for failure in failures if failure.item.item_id not in in_background and failure.code != _INACTIVE
    ]
    note_events(
        NewEvent(
            SYNC_FAILED,
            f"client:{failure.item.client_id}",
            {"code": failure.code, "step": failure.step},
            failure.item.client_id,
        )
        for failure in counting
        if failure.item.client_id
    )
    for failure in counting:
        SyncState.objects.update_or_create(
            client_id=failure.item.client_id or 0,
            defaults={
                "attempted_at": now,
                "outcome": RunItem.Outcome.FAILED,
                "error_code": failure.code,
                "failed_step": failure.step[:60],
            },
        )


SYNC = WorkKind(
    name=Run.SYNC,
    label="Synchronise clients",
    items="people",
    funder=SERVICES_AUSTRALIA,
    prepare=_prepare,
    work=_fetch,
    store=_store,
    failed=_note_failures,
)
