"""How long the ledger remembers: runs that ended long ago, and previews that nobody applied, are removed once a day.

A night of 10,000 people adds 10,000 entries, nearly all of which say that nothing changed. What changed, and every
answer, stays in change log and archive for good; only the record of who was asked about when is removed.

A clock that is years ahead makes everything look old. Nothing is removed before the clock has been steady for a day
(`runs.clock`), and on one day no more of a kind than three ordinary days would remove.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from carefund.access.audit_log import CAREFUND, store_act
from carefund.access.roles import may_administer
from carefund.records.models import OrganisationSetting
from carefund.runs.clock import read_clock
from carefund.runs.expired_data import delete_expired_data
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Preview, Run, RunItem
from carefund.runs.requests import NewRunItem, request_once
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemFailed, ItemResult, WorkKind

PREVIEWS_ARE_KEPT = timedelta(days=7)  # the answers of one are stale long before
ROUTINE_RUNS_ARE_KEPT = timedelta(days=7)
_AT_ONCE = 1000  # entries per step, so that nobody waits for the database meanwhile
_LEAST_A_DAY = 1000
_DAYS_AT_ONCE = 3
_PAUSE_SECONDS = 0.05
_NAME = "retention"
_REMOVED = "removed-today"  # the setting with the day, and how many of each kind may still be removed on it
_JUMPED = (
    "clock-jumped",
    "Nothing was removed, because the clock was changed or Carefund was off for some days.",
    "Check the clock of this machine and of the database. Removal begins once it has been steady for a day.",
)


def request_retention(trigger: str) -> Run:
    """Ask for the removal of what is older than is kept."""
    return request_once(_NAME, NewRunItem(_NAME), trigger=trigger, scope="runs and previews older than are kept")


async def _remove(session: Session, item: ClaimedItem) -> ItemResult:
    """A little at a time, each step a transaction of its own."""
    clock = await session.database.do(read_clock)
    if not clock.is_steady:
        if clock.has_jumped:
            raise ItemFailed(*_JUMPED)
        return ItemResult(RunItem.Outcome.UNCHANGED, "Removal begins a day after Carefund was set up or upgraded.")
    removed: dict[str, int] = {}
    for removal in _REMOVALS:
        while (gone := await session.write(item, remove_some, removal)) is not None:
            removed[removal.name] = removed.get(removal.name, 0) + gone
            await session.keep(item)
            await asyncio.sleep(_PAUSE_SECONDS)
    leftovers = await session.write(item, delete_expired_data, clock.now)
    previews, entries = removed.pop(_PREVIEWS.name, 0), sum(removed.values())
    counts = {"entries of runs": entries, "previews": previews, "uploads, sessions, sign-ins": leftovers}
    some = {name: number for name, number in counts.items() if number}
    if some:
        await session.write(item, partial(store_act, CAREFUND, "Old records removed", after=some))
    outcome = RunItem.Outcome.CHANGED if some else RunItem.Outcome.UNCHANGED
    message = f"Removed {entries:,} entries of old runs, {previews:,} previews, and {leftovers:,} unused uploads, "
    return ItemResult(outcome, message + "ended sessions and old sign-ins.")


@dataclass(frozen=True, slots=True)
class Removal:
    """A kind of thing that is removed when it is old: what there is of it, for how many days it is kept (0: for ever),
    and how up to so many are removed, which gives how many went, None when none was old enough."""

    name: str
    rows: Callable[[], "QuerySet[RunItem] | QuerySet[Preview]"]
    days: Callable[[], int]
    remove: Callable[[datetime, int], int | None]


def remove_some(removal: Removal) -> int | None:
    """Remove some of a kind, within what is left of today's share. Return how many went, None at the end."""
    now = read_clock().now
    days = removal.days()
    if not days:
        return None
    today = now.astimezone(settings.BUSINESS_TIME_ZONE).date().isoformat()
    row = OrganisationSetting.objects.filter(key=_REMOVED).first()
    done: dict[str, Any] = row.value if row and row.value["day"] == today else {"day": today}
    if f"{removal.name} left" not in done:
        done[f"{removal.name} left"] = max(_LEAST_A_DAY, removal.rows().count() * _DAYS_AT_ONCE // days)
    left = done[f"{removal.name} left"]
    gone = removal.remove(now, min(left, _AT_ONCE)) if left > 0 else None
    if gone is not None:
        done[f"{removal.name} left"] = left - gone
    OrganisationSetting.objects.update_or_create(key=_REMOVED, defaults={"value": done})
    return gone


def forget_old_runs(now: datetime, most: int = _AT_ONCE, *, routine: bool = False) -> int | None:
    """Delete up to so many entries of runs that are older than CAREFUND_KEEP_RUNS_DAYS, oldest first; with 0 days none.
    Of `routine` runs those older than a week.

    A run that ended too long ago loses its entries and then goes itself; one that never ended stays. Return how many
    entries went, None when there was nothing to delete.
    """
    run = _find_old_routine(now) if routine else _find_old_run(now)
    if run is None:
        return None
    ids = list(RunItem.objects.filter(run=run).order_by().values_list("id", flat=True)[:most])
    RunItem.objects.filter(id__in=ids).delete()
    if len(ids) < most:
        run.delete()
    return len(ids)


def _find_old_run(now: datetime) -> Run | None:
    run = _over().exclude(trigger=Run.Trigger.ROUTINE).first()
    limit = now - timedelta(days=settings.KEEP_RUNS_DAYS)
    if not settings.KEEP_RUNS_DAYS or run is None or (run.finished_at or run.created_at) >= limit:
        return None
    return run


def _find_old_routine(now: datetime) -> Run | None:
    old = _over().filter(trigger=Run.Trigger.ROUTINE, finished_at__lt=now - ROUTINE_RUNS_ARE_KEPT)
    return old.first()


def _over() -> "QuerySet[Run]":
    return Run.objects.filter(status__in=(Run.Status.FINISHED, Run.Status.CANCELLED)).order_by("id")


def forget_previews(now: datetime, most: int = _AT_ONCE) -> int | None:
    """Delete up to so many previews that nobody applied in time. Return how many, None when there was none."""
    old = Preview.objects.filter(item__finished_at__lt=now - PREVIEWS_ARE_KEPT).order_by("pk")
    ids = list(old.values_list("pk", flat=True)[:most])
    return Preview.objects.filter(pk__in=ids).delete()[0] if ids else None


_PREVIEWS = Removal("previews", Preview.objects.all, lambda: PREVIEWS_ARE_KEPT.days, forget_previews)
_REMOVALS = (
    _PREVIEWS,
    Removal(
        "routine",
        lambda: RunItem.objects.filter(run__trigger=Run.Trigger.ROUTINE),
        lambda: ROUTINE_RUNS_ARE_KEPT.days,
        lambda now, most: forget_old_runs(now, most, routine=True),
    ),
    Removal("runs", RunItem.objects.all, lambda: settings.KEEP_RUNS_DAYS, forget_old_runs),
)


RETENTION = WorkKind(name=_NAME, label="Removal of old runs", items="steps", work=_remove, may_ask=may_administer)
