"""Ask for work, and steer it: each function writes the ledger and wakes the engine after the commit.

All triggers (on demand, bulk, scheduled, after a claim) end in `request_run` and differ only in what they record.
Source: rule SYNC-02.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from carefund.records import store
from carefund.records.models import Client
from carefund.runs import handover
from carefund.runs.models import Run, RunItem

_ITEMS_AT_ONCE = 2000
_BLANK_TEXTS = ("outcome", "error_code", "failed_step", "message", "advice", "holder")
_NO_TEXTS = ("",) * len(_BLANK_TEXTS)


class NothingToDo(Exception):
    """The chosen scope holds nobody, so no run was made."""


class CannotChangeRun(Exception):
    """The run is in a state that does not allow this step."""


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
    """Write down a run for these clients, each once, and hand it to the engine. Raises NothingToDo for an empty scope.

    `unknown_ids` (from a file) are recorded as failed at once.
    """
    now = timezone.now()
    with transaction.atomic():
        run = Run.objects.create(
            trigger=trigger,
            parts=parts,
            scope=scope[:200],
            requested_by=requested_by,
            retry_of=retry_of,
            open_budget_days=open_budget_days,
            is_preview=is_preview,
        )
        total = _add_items(run, clients) + _add_unknown(run, unknown_ids, now)
        if not total:
            raise NothingToDo
        run.total = total
        if total == len(unknown_ids):
            run.status, run.started_at, run.finished_at = Run.Status.FINISHED, now, now
        run.save(update_fields=["total", "status", "started_at", "finished_at"])
        if not run.is_over:
            transaction.on_commit(partial(handover.hand_over, run.pk))
    return run


def _add_items(run: Run, clients: Iterable[Client]) -> int:
    pairs = iter(_ids_of(clients).items())
    total = 0
    while chunk := list(islice(pairs, _ITEMS_AT_ONCE)):
        store.insert(
            RunItem,
            ("run_id", "client_id", "care_recipient_id", "status", "counts", "warnings", *_BLANK_TEXTS),
            [(run.pk, *pair, RunItem.Status.QUEUED.value, {}, [], *_NO_TEXTS) for pair in chunk],
        )
        total += len(chunk)
    return total


def _ids_of(clients: Iterable[Client]) -> dict[int, str]:
    """Each client once; of a query only the ids are read, since it may stand for a hundred thousand people."""
    if isinstance(clients, QuerySet):
        pairs = clients.values_list("pk", "care_recipient_id").iterator()
        return {client_id: care_recipient_id or "" for client_id, care_recipient_id in pairs}
    return {client.pk: client.care_recipient_id or "" for client in clients}


def _add_unknown(run: Run, unknown_ids: Sequence[str], now: datetime) -> int:
    RunItem.objects.bulk_create(
        RunItem(
            run=run,
            care_recipient_id=care_recipient_id[:40],
            status=RunItem.Status.DONE,
            outcome=RunItem.Outcome.FAILED,
            error_code="unknown-client",
            failed_step="client",
            message="No client here has this care recipient id.",
            advice="Correct the id in the file, or add the client first.",
            started_at=now,
            finished_at=now,
        )
        for care_recipient_id in dict.fromkeys(unknown_ids)
    )
    return len(dict.fromkeys(unknown_ids))


def cancel_run(run: Run) -> Run:
    """Stop a run: people under way are finished, the rest is left as it is. Raises CannotChangeRun if it is over."""
    with transaction.atomic():
        locked = _lock(run)
        if locked.is_over:
            raise CannotChangeRun("This run is over already.")
        now = timezone.now()
        locked.items.filter(status=RunItem.Status.QUEUED).update(
            status=RunItem.Status.CANCELLED, joined=None, finished_at=now
        )
        return _set(
            locked, status=Run.Status.CANCELLED, finished_at=now, resumes_at=None, paused_at=None, paused_reason=""
        )


def pause_run(run: Run, reason: str = "by hand", resumes_at: datetime | None = None, *, by_itself: bool = False) -> Run:
    """Hold a run: people under way are finished, nobody new is begun until it is resumed (or resumes by itself).

    A run that pauses `by_itself` remembers since when; one that a person has paused stays as that person left it.
    """
    with transaction.atomic():
        locked = _lock(run)
        if locked.is_over:
            raise CannotChangeRun("This run is over already.")
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
            raise CannotChangeRun("This run is over already; retry its failures instead.")
        transaction.on_commit(partial(handover.hand_over, run.pk))
        if locked.status != Run.Status.PAUSED:
            return locked
        since = locked.paused_at if locked.resumes_at else None
        return _set(locked, status=Run.Status.QUEUED, paused_reason="", paused_at=since, resumes_at=None)


def retry_failures(run: Run, requested_by: User | None = None) -> Run:
    """A new run for those who failed in this one. Raises NothingToDo if nobody did."""
    failed = run.items.filter(outcome=RunItem.Outcome.FAILED, client__isnull=False)
    return request_run(
        trigger=run.trigger if run.trigger != Run.Trigger.SCHEDULED else Run.Trigger.BULK,
        clients=Client.objects.filter(id__in=failed.values("client_id")),
        scope=f"failures of run {run.pk}",
        parts=run.parts,
        requested_by=requested_by,
        retry_of=run,
    )


def _lock(run: Run) -> Run:
    return Run.objects.select_for_update(of=("self",)).get(pk=run.pk)


def _set(run: Run, **values: Any) -> Run:
    for name, value in values.items():
        setattr(run, name, value)
    run.save(update_fields=list(values))
    return run
