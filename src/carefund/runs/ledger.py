"""The steps by which a person's entry in the ledger moves: queued, claimed, done, or handed back.

Each step is one short transaction and conditional on the state it starts from, so doing it twice does it once. A claim
is a lease: it names its holder and ends by itself, by the database's clock, so that nobody waits for a dead process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from carefund.funders.errors import FunderError
from carefund.records import store
from carefund.records.models import SyncState
from carefund.runs.models import Run, RunItem
from carefund.sync.results import SyncResult

LEASE = timedelta(seconds=30)
_CLAIM_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ClaimedItem:
    """A person whom this process now synchronises."""

    item_id: int
    client_id: int
    care_recipient_id: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a person could not be synchronised, in words that may go to a log."""

    item: ClaimedItem
    code: str
    step: str
    message: str
    advice: str


def failure_of(item: ClaimedItem, error: Exception) -> Failure:
    """A failed sync as the ledger tells it."""
    if isinstance(error, FunderError):
        step = error.operation.replace("_", " ") or "connection"
        return Failure(item, error.code, step, error.message, error.advice)
    return Failure(
        item,
        "internal-error",
        "apply",
        f"An unexpected {type(error).__name__} stopped this sync; nothing was changed.",
        "Try again; if it happens again, report it with the time of this run.",
    )


class LeaseLost(Exception):
    """Some of these people are no longer held by this process: another one took over, so nothing may be written."""

    def __init__(self, item_ids: set[int]) -> None:
        self.item_ids = item_ids
        super().__init__("lease lost")


def claim_items(run_id: int, holder: str, limit: int) -> list[ClaimedItem]:
    """Take up to `limit` waiting people of a run that may go on; none when it is paused, over or has nobody waiting.

    Whoever is being synchronised for another run joins that one instead of being taken.
    """
    for attempt in range(_CLAIM_ATTEMPTS):
        try:
            claimed, joined = _claim(run_id, holder, limit)
        except (IntegrityError, OperationalError):
            # Somebody took the same people for another run at the same moment, or in another order: look again.
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
        rows = waiting.order_by("id").values_list("id", "client_id", "care_recipient_id")[:limit]
        items = [ClaimedItem(*row) for row in rows]
        if not items:
            return [], 0
        # Locked, so that none of these can end between this look and the joining.
        running = {"status": RunItem.Status.RUNNING.value}
        clients = [item.client_id for item in items]
        under_way = dict(store.read(RunItem, ("client_id", "id"), "client_id", clients, also=running, lock=True))
        joining = [(under_way[item.client_id], item.item_id) for item in items if item.client_id in under_way]
        store.update(RunItem, ("joined_id",), joining)
        mine = [item for item in items if item.client_id not in under_way]
        RunItem.objects.filter(id__in=[item.item_id for item in mine]).update(
            status=RunItem.Status.RUNNING, holder=holder, held_until=Now() + LEASE, started_at=now
        )
        Run.objects.filter(Q(status=Run.Status.QUEUED) | Q(started_at__isnull=True), id=run_id).update(
            status=Run.Status.RUNNING, started_at=Coalesce("started_at", now)
        )
    return mine, len(joining)


def renew_lease(holder: str) -> None:
    """Keep what this process holds for another lease."""
    RunItem.objects.filter(status=RunItem.Status.RUNNING, holder=holder).update(held_until=Now() + LEASE)


def hand_back(holder: str, items: Sequence[ClaimedItem] | None = None) -> int:
    """Put back into the queue what a process holds (all of it, or these); gives how many."""
    held = RunItem.objects.filter(status=RunItem.Status.RUNNING, holder=holder)
    if items is not None:
        held = held.filter(id__in=[item.item_id for item in items])
    return _hand_back(held)


def hand_back_abandoned(*, holder_prefix: str = "") -> int:
    """Put back what dead processes held: leases that have run out, or all of holders known to be gone."""
    abandoned = Q(held_until__lt=Now())
    if holder_prefix:
        abandoned |= Q(holder__startswith=holder_prefix)
    return _hand_back(RunItem.objects.filter(abandoned, status=RunItem.Status.RUNNING))


def _hand_back(held: "QuerySet[RunItem]") -> int:
    if not held.exists():  # so that a look around writes nothing
        return 0
    with transaction.atomic():
        ids = list(held.select_for_update(of=("self",), skip_locked=True).values_list("id", flat=True))
        RunItem.objects.filter(joined_id__in=ids, status=RunItem.Status.QUEUED).update(joined=None)
        cancelled = RunItem.objects.filter(
            id__in=ids, status=RunItem.Status.RUNNING, run__status=Run.Status.CANCELLED
        ).update(status=RunItem.Status.CANCELLED, holder="", held_until=None, finished_at=timezone.now())
        return cancelled + RunItem.objects.filter(id__in=ids, status=RunItem.Status.RUNNING).update(
            status=RunItem.Status.QUEUED, holder="", held_until=None, started_at=None
        )


def free_joined() -> int:
    """Let go of those who joined a sync that is no longer under way, so that they are taken anew; gives how many."""
    stuck = RunItem.objects.filter(status=RunItem.Status.QUEUED, joined__isnull=False).exclude(
        joined__status=RunItem.Status.RUNNING
    )
    ids = list(stuck.values_list("id", flat=True))
    return RunItem.objects.filter(id__in=ids, status=RunItem.Status.QUEUED).update(joined=None) if ids else 0


def note_recovery(run_id: int) -> None:
    """The funder answers again: the next outage of this run begins anew."""
    Run.objects.filter(id=run_id, paused_at__isnull=False, status__in=(Run.Status.QUEUED, Run.Status.RUNNING)).update(
        paused_at=None
    )


def record_results(holder: str, items: Sequence[ClaimedItem], results: Sequence[SyncResult]) -> None:
    """Write what came of these people, inside the transaction that wrote their records. Raises LeaseLost."""
    now = timezone.now()
    held = _lock_held(holder, items)
    if len(held) < len(items):
        raise LeaseLost({item.item_id for item in items} - held)
    store.update(
        RunItem,
        ("status", "outcome", "counts", "warnings", "holder", "held_until", "finished_at"),
        [
            (
                RunItem.Status.DONE.value,
                result.outcome.value,
                result.counts_as_data(),
                result.warnings,
                "",
                None,
                now,
                item.item_id,
            )
            for item, result in zip(items, results, strict=True)
        ],
    )
    _finish_joined([item.item_id for item in items])


def _lock_held(holder: str, items: Sequence[ClaimedItem]) -> set[int]:
    mine = {"status": RunItem.Status.RUNNING.value, "holder": holder}
    rows = store.read(RunItem, ("id",), "id", [item.item_id for item in items], also=mine, lock=True)
    return {item_id for (item_id,) in rows}


def record_failures(holder: str, claimed: Sequence[Failure]) -> None:
    """Write why these people could not be synchronised; their records stay as they were. Whoever is no longer held by
    this process is left to the one who took over."""
    now = timezone.now()
    with transaction.atomic():
        held = _lock_held(holder, [failure.item for failure in claimed])
        failures = [failure for failure in claimed if failure.item.item_id in held]
        store.update(
            RunItem,
            (
                "status",
                "outcome",
                "error_code",
                "failed_step",
                "message",
                "advice",
                "holder",
                "held_until",
                "finished_at",
            ),
            [
                (
                    RunItem.Status.DONE.value,
                    RunItem.Outcome.FAILED.value,
                    failure.code,
                    failure.step[:60],
                    failure.message[:300],
                    failure.advice[:300],
                    "",
                    None,
                    now,
                    failure.item.item_id,
                )
                for failure in failures
            ],
        )
        for failure in failures:
            SyncState.objects.update_or_create(
                client_id=failure.item.client_id,
                defaults={
                    "attempted_at": now,
                    "outcome": RunItem.Outcome.FAILED,
                    "error_code": failure.code,
                    "failed_step": failure.step[:60],
                },
            )
        _finish_joined([failure.item.item_id for failure in failures])


def _finish_joined(item_ids: Sequence[int]) -> None:
    """Whoever joined one of these syncs gets its outcome."""
    copied = ("outcome", "counts", "warnings", "error_code", "failed_step", "message", "advice", "started_at")
    joined = list(RunItem.objects.filter(joined_id__in=item_ids, status=RunItem.Status.QUEUED).select_related("joined"))
    for item in joined:
        assert item.joined is not None
        for name in copied:
            setattr(item, name, getattr(item.joined, name))
        item.status, item.finished_at = RunItem.Status.DONE, item.joined.finished_at
    if joined:
        RunItem.objects.bulk_update(joined, [*copied, "status", "finished_at"])
        for run_id in {item.run_id for item in joined}:
            finish_run_if_done(run_id)


def finish_run_if_done(run_id: int) -> bool:
    """Close a run whose people are all done; gives whether it is over now."""
    if RunItem.objects.filter(run_id=run_id, status__in=(RunItem.Status.QUEUED, RunItem.Status.RUNNING)).exists():
        return False
    Run.objects.filter(id=run_id, status__in=(Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.PAUSED)).update(
        status=Run.Status.FINISHED, finished_at=timezone.now(), resumes_at=None, paused_at=None, paused_reason=""
    )
    return True
