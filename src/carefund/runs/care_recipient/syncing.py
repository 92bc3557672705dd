"""People's sync as a kind of work: fetch one person, apply a group of them; or keep a preview of one."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from carefund.records.models import SyncState
from carefund.runs import ledger
from carefund.runs.dates import business_today
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.previews import record_preview
from carefund.runs.sessions import Session
from carefund.runs.sources import SERVICES_AUSTRALIA
from carefund.runs.work import Failure, WorkKind
from carefund.sync.care_recipient.answers import SyncParts
from carefund.sync.care_recipient.fetching import Fetched, OpenBudgets, fetch_care_recipient
from carefund.sync.care_recipient.last_applied import find_last_applied
from carefund.sync.care_recipient.syncing import apply_fetched


async def _prepare(session: Session, items: Sequence[ClaimedItem]) -> None:
    known = await session.database.insist(find_last_applied, [item.client_id for item in items if item.client_id])
    for item in items:
        session.memory[item.item_id] = known.get(item.client_id or 0)


async def _fetch(session: Session, item: ClaimedItem) -> Fetched:
    run = session.run
    days = settings.OPEN_BUDGET_DAYS if run.open_budget_days is None else run.open_budget_days
    return await fetch_care_recipient(
        session.source,
        item.client_id or 0,
        item.care_recipient_id,
        OpenBudgets(business_today(), days),
        parts=SyncParts(run.parts),
        together=run.total == 1,
        known=session.memory.pop(item.item_id, None),
    )


def _store(session: Session, items: Sequence[ClaimedItem], answers: Sequence[Fetched]) -> None:
    holder = session.worker.holder
    if session.run.is_preview:
        with transaction.atomic():
            for item, fetched in zip(items, answers, strict=True):
                record_preview(holder, item, fetched)
        return
    apply_fetched(answers, business_today(), on_applied=lambda results: ledger.record_results(holder, items, results))


def _note_failures(failures: Sequence[Failure], now: datetime) -> None:
    """Each person's own state says when the last attempt was, and what went wrong.

    Reading ended budgets in the background is no attempt to bring a person in step, so its failures stay in the run.
    """
    in_background = set(
        RunItem.objects.filter(
            id__in=[failure.item.item_id for failure in failures], run__parts=Run.Parts.UNREAD_BUDGETS
        ).values_list("id", flat=True)
    )
    for failure in failures:
        if failure.item.item_id in in_background:
            continue
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
