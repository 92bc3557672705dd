"""Ask for work, and steer it: each function writes the ledger and wakes the engine after the commit.

All kinds of work end in `request_work`, people's sync by way of `request_run`; triggers (on demand, bulk, scheduled,
after a claim) differ only in what they record. Source: rule SYNC-02.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from carefund.records import synced_tables
from carefund.records.models import Client
from carefund.runs import enqueueing, leases
from carefund.runs.endings import note_run_over
from carefund.runs.models import Run, RunItem

_ITEMS_AT_ONCE = 2000
_SET_ASIDE_COUNTS = timedelta(days=3)
_BLANK_TEXTS = ("outcome", "error_code", "failed_step", "message", "advice", "holder")
_NO_TEXTS = ("",) * len(_BLANK_TEXTS)


class NothingToDo(Exception):
    """The chosen scope holds nobody, so no run was made."""


class CannotChangeRun(Exception):
    """The run is in a state that does not allow this step."""

    advice = "Look at the run's status."


@dataclass(frozen=True, slots=True)
class NewRunItem:
    """One thing to work on: what it is called while it is held, and the client whom it is about, if it is one."""

    holds: str
    client_id: int | None = None
    care_recipient_id: str = ""


def request_work(
    kind: str,
    items: Iterable[NewRunItem],
    *,
    trigger: str,
    scope: str,
    parameters: dict[str, Any] | None = None,
    requested_by: User | None = None,
    retry_of: Run | None = None,
    **columns: Any,
) -> Run:
    """Write down work on these things, each once, and hand it to the engine. Raises NothingToDo when there is none.

    `columns` are further attributes of the run.
    """
    with transaction.atomic():
        run = Run.objects.create(
            kind=kind,
            trigger=trigger,
            scope=scope[:200],
            parameters=parameters or {},
            requested_by=requested_by,
            retry_of=retry_of,
            **columns,
        )
        run.total = _add_items(run, items)
        if not run.total:
            raise NothingToDo
        run.save(update_fields=["total"])
        if trigger != Run.Trigger.ON_DEMAND:
            _put_last(run)
        transaction.on_commit(partial(enqueueing.enqueue, run.pk))
    return run


def _put_last(run: Run) -> None:
    """What ended workers in the last days counts as having ended one: it is worked on last, alone, and given up at its
    next."""
    ended = RunItem.objects.filter(
        run__kind=run.kind,
        run__created_at__gte=timezone.now() - _SET_ASIDE_COUNTS,
        status=RunItem.Status.DONE,
        outcome=RunItem.Outcome.FAILED,
        error_code=leases.WORKER_ENDED,
    )
    if holds := list(ended.order_by().values_list("holds", flat=True).distinct()):
        run.items.filter(holds__in=holds).update(crash_count=1)


def request_once(kind: str, item: NewRunItem, *, parameters: dict[str, Any] | None = None, **named: Any) -> Run:
    """As `request_work` for one thing; the same work that is asked for already and not over is joined."""
    found = find_open_run(kind, item.holds, parameters)
    return found or request_work(kind, [item], parameters=parameters, **named)


def find_open_run(kind: str, holds: str, parameters: dict[str, Any] | None = None) -> Run | None:
    """The run of this kind that is not over and works on this thing alone, if there is one."""
    over = (Run.Status.FINISHED, Run.Status.CANCELLED)
    runs = Run.objects.exclude(status__in=over).filter(kind=kind, total=1, items__holds=holds)
    return next((run for run in runs if run.parameters == (parameters or {})), None)


def has_open_run(kind: str, trigger: str) -> bool:
    """Whether a run of this kind that was asked for in this way is not over."""
    over = (Run.Status.FINISHED, Run.Status.CANCELLED)
    return Run.objects.exclude(status__in=over).filter(kind=kind, trigger=trigger).exists()


def request_run(
    *,
    trigger: str,
    clients: Iterable[Client],
    scope: str,
    parts: str = Run.Parts.EVERYTHING,
    requested_by: User | None = None,
    retry_of: Run | None = None,
    unknown_ids: Sequence[str] = (),
    open_budget_days: int | None = None,
    is_preview: bool = False,
) -> Run:
    """Ask for a sync of these clients, each once. Raises NothingToDo for an empty scope.

    `unknown_ids` (from a file) are recorded as failed at once.
    """
    now = timezone.now()
    unknown = list(dict.fromkeys(unknown_ids))
    columns: dict[str, Any] = {"parts": parts, "open_budget_days": open_budget_days, "is_preview": is_preview}
    named: dict[str, Any] = {"trigger": trigger, "scope": scope, "requested_by": requested_by, "retry_of": retry_of}
    items = (
        NewRunItem(f"client:{client_id}", client_id, care_recipient_id)
        for client_id, care_recipient_id in _ids_of(clients).items()
    )
    if not unknown:
        return request_work(Run.SYNC, items, **named, **columns)
    with transaction.atomic():
        try:
            run = request_work(Run.SYNC, items, **named, **columns)
        except NothingToDo:
            run = Run.objects.create(**named, **columns, status=Run.Status.FINISHED, started_at=now, finished_at=now)
        _add_unknown(run, unknown, now)
        run.total += len(unknown)
        run.save(update_fields=["total"])
    return run


_COLUMNS = ("run_id", "holds", "client_id", "care_recipient_id", "status", "counts", "warnings", *_BLANK_TEXTS)


def _add_items(run: Run, wanted: Iterable[NewRunItem]) -> int:
    """Each thing once, in order. Return how many."""
    items = iter({item.holds: item for item in wanted}.values())
    total = 0
    while chunk := list(islice(items, _ITEMS_AT_ONCE)):
        same = (RunItem.Status.QUEUED.value, {}, [], *_NO_TEXTS)
        rows = [(run.pk, item.holds, item.client_id, item.care_recipient_id, *same) for item in chunk]
        synced_tables.insert(RunItem, _COLUMNS, rows)
        total += len(chunk)
    return total


def _ids_of(clients: Iterable[Client]) -> dict[int, str]:
    """Each client once; of a query only the ids are read, since it may stand for a hundred thousand people."""
    if isinstance(clients, QuerySet):
        pairs = clients.values_list("pk", "care_recipient_id").iterator()
        return {client_id: care_recipient_id or "" for client_id, care_recipient_id in pairs}
    return {client.pk: client.care_recipient_id or "" for client in clients}


def _add_unknown(run: Run, unknown_ids: Iterable[str], now: datetime) -> None:
    RunItem.objects.bulk_create(
        RunItem(
            run=run,
            care_recipient_id=care_recipient_id[:40],
            status=RunItem.Status.DONE,
            outcome=RunItem.Outcome.FAILED,
            error_code="unknown-client",
            failed_step="client",
            message="No client has this Care Recipient ID.",
            advice="Correct the ID in the file, or add the client first.",
            started_at=now,
            finished_at=now,
        )
        for care_recipient_id in unknown_ids
    )


def cancel_run(run: Run) -> Run:
    """Stop a run: what is under way is finished or handed back, the rest is left as it is.

    Raises CannotChangeRun if it is over.
    """
    with transaction.atomic():
        locked = _lock(run)
        if locked.is_over:
            raise CannotChangeRun("This run has already finished.")
        now = timezone.now()
        locked.items.filter(status=RunItem.Status.QUEUED).update(
            status=RunItem.Status.CANCELLED, joined=None, finished_at=now
        )
        over = _set(
            locked, status=Run.Status.CANCELLED, finished_at=now, resumes_at=None, paused_at=None, paused_reason=""
        )
        note_run_over(over.pk)
        return over


def pause_run(run: Run, reason: str = "by hand", resumes_at: datetime | None = None, *, by_itself: bool = False) -> Run:
    """Hold a run: what is under way is finished or handed back, nothing new is begun until it is resumed.

    With `resumes_at` it resumes then. A run that pauses `by_itself` remembers since when; one that a person has paused
    stays as that person left it.
    """
    with transaction.atomic():
        locked = _lock(run)
        if locked.is_over:
            raise CannotChangeRun("This run has already finished.")
        if locked.status == Run.Status.PAUSED and by_itself and locked.resumes_at is None:
            return locked
        since = locked.paused_at if by_itself else None
        return _set(
            locked,
            status=Run.Status.PAUSED,
            paused_reason=reason[:200],
            paused_at=since or timezone.now(),
            resumes_at=resumes_at,
        )


def resume_run(run: Run) -> Run:
    """Go on with a paused run. Raises CannotChangeRun if it is over; a run that is not paused is left as it is.

    After an outage `paused_at` is kept until the funder has answered, so that the next pause says since when.
    """
    with transaction.atomic():
        locked = _lock(run)
        if locked.is_over:
            raise CannotChangeRun("This run has already finished. Retry its failed items instead.")
        transaction.on_commit(partial(enqueueing.enqueue, run.pk))
        if locked.status != Run.Status.PAUSED:
            return locked
        since = locked.paused_at if locked.resumes_at else None
        return _set(locked, status=Run.Status.QUEUED, paused_reason="", paused_at=since, resumes_at=None)


def hold_run(run_id: int, reason: str, resumes_at: datetime | None = None) -> None:
    """Pause a run that cannot go on; a run that is over is left alone. What recurs anyway is given up instead."""
    with suppress(CannotChangeRun, Run.DoesNotExist):
        run = Run.objects.get(pk=run_id)
        if run.trigger == Run.Trigger.ROUTINE and resumes_at is None:
            cancel_run(run)
        else:
            pause_run(run, reason, resumes_at, by_itself=True)


def retry_failures(run: Run, requested_by: User | None = None) -> Run:
    """A new run of the same work on what failed in this one. Raises NothingToDo if nothing did."""
    failed = run.items.filter(outcome=RunItem.Outcome.FAILED).exclude(holds="").order_by("id")
    on_clock = run.trigger in (Run.Trigger.SCHEDULED, Run.Trigger.ROUTINE)
    return request_work(
        run.kind,
        [NewRunItem(*row) for row in failed.values_list("holds", "client_id", "care_recipient_id")],
        trigger=Run.Trigger.BULK if on_clock else run.trigger,
        scope=f"failures of run {run.pk}",
        parameters=run.parameters,
        requested_by=requested_by,
        retry_of=run,
        parts=run.parts,
        open_budget_days=run.open_budget_days,
        is_preview=run.is_preview,
    )


def _lock(run: Run) -> Run:
    return Run.objects.select_for_update(of=("self",)).get(pk=run.pk)


def _set(run: Run, **values: Any) -> Run:
    for name, value in values.items():
        setattr(run, name, value)
    run.save(update_fields=list(values))
    return run
