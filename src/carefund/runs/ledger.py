"""The steps by which an item of the ledger moves: queued, claimed, done, or failed. How it is held: `runs.leases`.

Each step is one short transaction and conditional on the state it starts from, so doing it twice does it once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from carefund.funders.errors.root import FunderError
from carefund.records import synced_tables
from carefund.runs import leases
from carefund.runs.endings import note_run_over
from carefund.runs.leases import ClaimedItem, LeaseLost, lock_held
from carefund.runs.models import Run, RunItem
from carefund.runs.work_kind import Failed, Failure, ItemFailed, ItemResult
from carefund.sync.care_recipient.results import SyncResult

_CLAIM_ATTEMPTS = 5
_DONE = RunItem.Status.DONE.value


def reference_of(item: ClaimedItem) -> str:
    """What a failed item is found by in the log."""
    return f"item-{item.item_id}"


def failure_of(item: ClaimedItem, error: Exception) -> Failure:
    """A failed item as the ledger tells it."""
    if isinstance(error, FunderError):
        step = error.operation.replace("_", " ") or "connection"
        return Failure(item, error.code, step, error.message, error.advice)
    if isinstance(error, ItemFailed):
        return Failure(item, error.code, error.step, error.message, error.advice)
    return Failure(
        item,
        "internal-error",
        "apply",
        f"An unexpected {type(error).__name__} stopped this. Nothing was changed.",
        f"Try again. If it happens again, report it with reference {reference_of(item)}, which is also in the log.",
    )


def claim_items(run_id: int, holder: str, limit: int) -> list[ClaimedItem]:
    """Take up to `limit` waiting items of a run that may go on; none when it is paused, over or has none waiting.

    An item whose thing is being worked on for another run joins that one instead of being taken.
    """
    for attempt in range(_CLAIM_ATTEMPTS):
        try:
            claimed, joined = _claim(run_id, holder, limit)
        except (IntegrityError, OperationalError):
            # Somebody took the same things for another run at the same moment, or in another order: look again.
            if attempt + 1 == _CLAIM_ATTEMPTS:
                raise
            continue
        if claimed or not joined:
            return claimed
    return []


def _claim(run_id: int, holder: str, limit: int) -> tuple[list[ClaimedItem], int]:
    """Those taken, and how many joined."""
    now = timezone.now()
    with transaction.atomic():
        if not Run.objects.filter(id=run_id, status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).exists():
            return [], 0
        waiting = RunItem.objects.select_for_update(skip_locked=True).filter(
            run_id=run_id, status=RunItem.Status.QUEUED, joined__isnull=True
        )
        rows = waiting.order_by("id").values_list("id", "holds", "client_id", "care_recipient_id", F("fence") + 1)
        items = [ClaimedItem(*row) for row in rows.filter(crash_count=0)[:limit]]
        if not items and not _has_any(run_id, holder):
            # One of these has ended a process: each is worked on alone, so that it shows which.
            items = [ClaimedItem(*row) for row in rows.filter(crash_count__gt=0)[:1]]
        if not items:
            return [], 0
        # Locked, so that none of these can end between this look and the joining.
        under_lease = leases.running().select_for_update(of=("self",))
        same = under_lease.filter(holds__in=[item.holds for item in items]).order_by("id")
        under_way = dict(same.values_list("holds", "id"))
        joining = [(under_way[item.holds], item.item_id) for item in items if item.holds in under_way]
        synced_tables.update(RunItem, ("joined_id",), joining)
        mine = [item for item in items if item.holds not in under_way]
        RunItem.objects.filter(id__in=[item.item_id for item in mine]).update(
            status=RunItem.Status.RUNNING,
            holder=holder,
            held_until=Now() + leases.LEASE,
            fence=F("fence") + 1,
            started_at=now,
        )
        Run.objects.filter(Q(status=Run.Status.QUEUED) | Q(started_at__isnull=True), id=run_id).update(
            status=Run.Status.RUNNING, started_at=Coalesce("started_at", now)
        )
    return mine, len(joining)


def _has_any(run_id: int, holder: str) -> bool:
    return leases.running().filter(run_id=run_id, holder=holder).exists()


def note_recovery(run_id: int) -> None:
    """The funder answers again: the next outage of this run begins anew."""
    Run.objects.filter(id=run_id, paused_at__isnull=False, status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).update(
        paused_at=None
    )


def record_results(holder: str, items: Sequence[ClaimedItem], results: Sequence[SyncResult]) -> None:
    """Write what came of these people, inside the transaction that wrote their records. Raises LeaseLost."""
    now = timezone.now()
    _require_held(holder, items)
    synced_tables.update(
        RunItem,
        ("status", "outcome", "counts", "warnings", "holder", "held_until", "finished_at"),
        [
            (_DONE, result.outcome.value, result.counts_as_data(), result.warnings, "", None, now, item.item_id)
            for item, result in zip(items, results, strict=True)
        ],
    )
    _finish_joined([item.item_id for item in items])


def record_outcomes(holder: str, items: Sequence[ClaimedItem], results: Sequence[ItemResult]) -> None:
    """Write what came of these items, inside the transaction that wrote what they changed. Raises LeaseLost."""
    now = timezone.now()
    with transaction.atomic():
        _require_held(holder, items)
        synced_tables.update(
            RunItem,
            ("status", "outcome", "warnings", "message", "result", "holder", "held_until", "finished_at"),
            [
                (
                    _DONE,
                    result.outcome.value,
                    result.warnings,
                    result.message[:300],
                    result.result,
                    "",
                    None,
                    now,
                    item.item_id,
                )
                for item, result in zip(items, results, strict=True)
            ],
        )
        _finish_joined([item.item_id for item in items])


def _require_held(holder: str, items: Sequence[ClaimedItem]) -> None:
    held = lock_held(holder, items)
    if len(held) < len(items):
        raise LeaseLost({item.item_id for item in items} - held)


_FAILED = ("status", "outcome", "error_code", "failed_step", "message", "advice", "holder", "held_until", "finished_at")


def record_failures(holder: str, claimed: Sequence[Failure], failed: Failed | None = None) -> None:
    """Write why these items could not be done; `failed` adds what the kind keeps of that. Whatever is no longer held by
    this process is left to the one who took over."""
    now = timezone.now()
    with transaction.atomic():
        held = lock_held(holder, [failure.item for failure in claimed])
        failures = [failure for failure in claimed if failure.item.item_id in held]
        synced_tables.update(RunItem, _FAILED, [_failed_row(failure, now) for failure in failures])
        if failed and failures:
            failed(failures, now)
        _finish_joined([failure.item.item_id for failure in failures])


def _failed_row(failure: Failure, now: datetime) -> tuple[Any, ...]:
    said = (failure.code, failure.step[:60], failure.message[:300], failure.advice[:300])
    return (_DONE, RunItem.Outcome.FAILED.value, *said, "", None, now, failure.item.item_id)


def _finish_joined(item_ids: Sequence[int]) -> None:
    """Whoever joined one of these gets its outcome, if the same was asked; otherwise the thing is free for it now."""
    copied = ("outcome", "counts", "warnings", "error_code", "failed_step", "message", "advice", "started_at")
    # As good as always nobody joined; Django would take longer to write its two joins than the database to answer.
    waiting = synced_tables.read(RunItem, ("id",), "joined_id", item_ids, also={"status": RunItem.Status.QUEUED})
    if not waiting:
        return
    joined = list(RunItem.objects.filter(pk__in=[pk for (pk,) in waiting]).select_related("run", "joined__run"))
    same, others = [], []
    for item in joined:
        assert item.joined is not None
        if not item.run.asks_the_same_as(item.joined.run):
            others.append(item.pk)
            continue
        for name in copied:
            setattr(item, name, getattr(item.joined, name))
        item.status, item.finished_at = RunItem.Status.DONE, item.joined.finished_at
        same.append(item)
    if same:
        RunItem.objects.bulk_update(same, [*copied, "status", "finished_at"])
    for item in same:
        if item.joined and item.joined.result is not None:
            RunItem.objects.filter(pk=item.pk).update(result=item.joined.result)
    for run_id in {item.run_id for item in same}:
        finish_run_if_done(run_id)
    if others:
        leases.free(RunItem.objects.filter(id__in=others))


def finish_run_if_done(run_id: int) -> bool:
    """Close a run whose items are all done. Return whether it is over now."""
    if RunItem.objects.filter(run_id=run_id, status__in=(RunItem.Status.QUEUED, RunItem.Status.RUNNING)).exists():
        return False
    going_on = Run.objects.filter(id=run_id, status__in=(Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.PAUSED))
    with transaction.atomic():
        finished = going_on.update(
            status=Run.Status.FINISHED, finished_at=timezone.now(), resumes_at=None, paused_at=None, paused_reason=""
        )
        if finished:
            note_run_over(run_id)
    return True
