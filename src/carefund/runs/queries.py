"""Reads of the ledger: how far a run is, what came of it, and the syncs of one person. No writing."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from carefund.records.models import Client
from carefund.records.not_found import find_one
from carefund.runs.models import Run, RunItem

_SHOWN_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `rate` is items per second since it began; `time_left` is an estimate, None if unknown."""

    total: int
    done: int
    changed: int
    unchanged: int
    consent_missing: int
    failed: int
    warnings: int
    running: int
    rate: float | None
    time_left: timedelta | None

    @property
    def share(self) -> int:
        """Done, in whole per cent; 100 only when nothing is left."""
        return self.done * 100 // self.total if self.total else 100


def find_progress(run: Run, now: datetime) -> Progress:
    """How far a run is at an instant: one query over the run's own items."""
    done = Q(status=RunItem.Status.DONE)
    counts = RunItem.objects.filter(run=run).aggregate(
        total=Count("pk"),
        done=Count("pk", filter=done),
        changed=Count("pk", filter=done & Q(outcome=RunItem.Outcome.CHANGED)),
        unchanged=Count("pk", filter=done & Q(outcome__in=(RunItem.Outcome.UNCHANGED, RunItem.Outcome.SUPERSEDED))),
        consent_missing=Count("pk", filter=done & Q(outcome=RunItem.Outcome.CONSENT_MISSING)),
        failed=Count("pk", filter=done & Q(outcome=RunItem.Outcome.FAILED)),
        warnings=Count("pk", filter=done & ~Q(warnings=[])),
        running=Count("pk", filter=Q(status=RunItem.Status.RUNNING)),
    )
    rate, time_left = _speed(run, now, counts["done"], counts["total"])
    return Progress(**counts, rate=rate, time_left=time_left)


def _speed(run: Run, now: datetime, done: int, total: int) -> tuple[float | None, timedelta | None]:
    if run.started_at is None or not done:
        return None, None
    seconds = ((run.finished_at or now) - run.started_at).total_seconds()
    if seconds <= 0:
        return None, None
    rate = done / seconds
    if run.status != Run.Status.RUNNING:
        return rate, None
    return rate, timedelta(seconds=round((total - done) / rate))


def find_run(run_id: int) -> Run:
    """A run by its number, with who asked for it. Raises NotHere."""
    runs = Run.objects.select_related("requested_by", "retry_of").filter(pk=run_id)
    return find_one(runs, "There is no run with this number.")


def reload(run: Run) -> None:
    """Load a run's row again, into the same object."""
    run.refresh_from_db()


def count_outcomes(run: Run) -> Counter[str]:
    """How many items of a run came to what."""
    return Counter(run.items.values_list("outcome", flat=True))


def list_runs(*, with_all: bool = False, kind: str = "", trigger: str = "") -> QuerySet[Run]:
    """Runs, newest first. Syncs of one person, and routine unless the last of its kind failed, only on request: they
    would hide the others."""
    runs = Run.objects.select_related("requested_by").annotate(
        failed=_number_of(outcome=RunItem.Outcome.FAILED),
        done=Case(When(status=Run.Status.FINISHED, then=F("total")), default=_number_of(status=RunItem.Status.DONE)),
    )
    runs = runs.order_by("-id")
    if kind:
        runs = runs.filter(kind=kind)
    if trigger:
        runs = runs.filter(trigger=trigger)
    if with_all:
        return runs
    failed = RunItem.objects.filter(run=OuterRef("pk"), outcome=RunItem.Outcome.FAILED)
    routine = Q(trigger=Run.Trigger.ROUTINE)
    newer = Run.objects.filter(routine, kind=OuterRef("kind"), id__gt=OuterRef("pk"))
    runs = runs.exclude(kind=Run.SYNC, trigger=Run.Trigger.ON_DEMAND)
    return runs.exclude(routine & (~Exists(failed) | Exists(newer)))


def _number_of(**condition: str) -> Coalesce:
    """How many items of each run meet a condition, counted only for the runs that are shown."""
    items = RunItem.objects.filter(run=OuterRef("pk"), **condition).order_by().values("run")
    return Coalesce(Subquery(items.annotate(number=Count("pk")).values("number")), 0)


def list_items(run: Run, *, only: str = "") -> QuerySet[RunItem]:
    """The items of a run; `only` is "failed", "warnings", "changed" or "consent"."""
    # As an expression, so that PostgreSQL begins with the run's items and not with the oldest of all runs.
    items = RunItem.objects.filter(run=run).select_related("client").order_by(F("id") + 0)
    if only == "failed":
        return items.filter(outcome=RunItem.Outcome.FAILED)
    if only == "warnings":
        return items.exclude(warnings=[]).filter(status=RunItem.Status.DONE)
    if only == "changed":
        return items.filter(outcome=RunItem.Outcome.CHANGED)
    if only == "consent":
        return items.filter(outcome=RunItem.Outcome.CONSENT_MISSING)
    return items


def find_sync(run_id: int, client_id: int) -> RunItem:
    """What a run does, or did, about a client. Raises NotHere."""
    return find_one(RunItem.objects.select_related("run", "client").filter(run_id=run_id, client_id=client_id))


def find_only_item(run: Run) -> RunItem | None:
    """The item of a run of one; None when its client was removed since."""
    return run.items.select_related("run").first()


def list_messages(run: Run, most: int) -> list[str]:
    """What came of the items that changed or failed, in order, the same sentence once."""
    said = run.items.exclude(message="").exclude(outcome=RunItem.Outcome.UNCHANGED).order_by("id")
    return list(dict.fromkeys(said.values_list("message", flat=True)[:most]))


def list_syncs_of(client: Client) -> QuerySet[RunItem]:
    """Every sync of one person, newest first."""
    return (
        RunItem.objects.filter(client=client, run__kind=Run.SYNC)
        .select_related("run", "run__requested_by")
        .order_by("-id")
    )


def find_newest_item(holds: str) -> RunItem | None:
    """The newest item that works, or worked, on a thing that is not a client."""
    found = RunItem.objects.filter(holds=holds, client__isnull=True).select_related("run")
    return found.order_by("-id").first()


def find_shown_item(holds: str, now: datetime) -> RunItem | None:
    """The newest item on a thing, while it is under way and for an hour after its end."""
    item = find_newest_item(holds)
    if item is None or (item.finished_at is not None and item.finished_at < now - _SHOWN_FOR):
        return None
    return item


def find_shown_run(kind: str, now: datetime, *, of_many: bool = False) -> Run | None:
    """The newest run of a kind that was no routine, while it is under way and for an hour after its end."""
    runs = Run.objects.filter(kind=kind, total__gt=1 if of_many else 0).exclude(trigger=Run.Trigger.ROUTINE)
    run = runs.order_by("-id").first()
    return None if run is None or (run.finished_at and run.finished_at < now - _SHOWN_FOR) else run


def is_under_way(client: Client) -> bool:
    """Whether a sync of this person is asked for and not over."""
    return RunItem.objects.filter(client=client, status__in=(RunItem.Status.QUEUED, RunItem.Status.RUNNING)).exists()


def find_last_run() -> Run | None:
    """The newest run of many people that has begun; a bulk run of one person would hide it."""
    return list_runs(kind=Run.SYNC).filter(started_at__isnull=False, total__gt=1).first()


def is_reading_unread(client: Client) -> bool:
    """Whether details of budgets that were never read are being read for this client, or are about to be."""
    return RunItem.objects.filter(
        client=client,
        status__in=(RunItem.Status.QUEUED, RunItem.Status.RUNNING),
        run__parts=Run.Parts.UNREAD_BUDGETS,
        run__status__in=(Run.Status.QUEUED, Run.Status.RUNNING),
    ).exists()


def list_client_ids(run: Run) -> "QuerySet[RunItem, int | None]":
    """The number of the client of each item, None for an item that is about no client."""
    return RunItem.objects.filter(run=run).order_by("id").values_list("client_id", flat=True)
