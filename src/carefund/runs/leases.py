"""The one lease of all work: who works on an item, until when, and how whoever lost it is kept from writing.

A lease is held by the database's clock and ends by itself, so nobody waits for a dead process. Each taking raises the
item's fence. Whoever works renews the lease meanwhile and right before each write to a funder; each write to our own
records checks holder and fence in its own transaction. An older taking therefore writes nothing, to nobody.
"""

import os
import socket
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from carefund.records import synced_tables
from carefund.runs import enqueueing
from carefund.runs.models import Run, RunItem

LEASE = timedelta(seconds=30)
WORKER_ENDED = "worker-ended"
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class ClaimedItem:
    """An item that this process now works on; `fence` tells this taking from every other one."""

    item_id: int
    holds: str
    client_id: int | None
    care_recipient_id: str
    fence: int

    @property
    def held_id(self) -> str:
        """The id of the thing that is worked on, without its kind: 5 of `batch:5`."""
        return self.holds.partition(":")[2]


class LeaseLost(Exception):
    """Some of these items are no longer held by this process: another one took over, so nothing may be written."""

    def __init__(self, item_ids: set[int]) -> None:
        self.item_ids = item_ids
        super().__init__("lease lost")


def name_holder(engine: str = "") -> str:
    """A name for this process in leases, unlike that of any other one; it begins with `engine` if that is given."""
    return ":".join([*([engine] if engine else []), socket.gethostname()[:30], str(os.getpid()), uuid.uuid4().hex[:8]])


def running() -> "QuerySet[RunItem]":
    """The items that somebody works on. They alone have a lease, and by that an index finds them among all items."""
    return RunItem.objects.filter(status=RunItem.Status.RUNNING, held_until__isnull=False)


def renew_all(holder: str) -> None:
    """Keep what this process holds for another lease."""
    running().filter(holder=holder).update(held_until=Now() + LEASE)


def renew(holder: str, item: ClaimedItem, **values: Any) -> None:
    """Keep one item for another lease, and note how far it is. Raises LeaseLost when another process took it over.

    Within a transaction this also keeps everybody else from taking the item until the transaction ends.
    """
    held = RunItem.objects.filter(id=item.item_id, status=RunItem.Status.RUNNING, holder=holder, fence=item.fence)
    if not held.update(held_until=Now() + LEASE, **values):
        raise LeaseLost({item.item_id})


def write_held(holder: str, item: ClaimedItem, work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    """Do a piece of work on the database in one transaction that only the holder of an item gets. Raises LeaseLost."""
    with transaction.atomic():
        renew(holder, item)
        return work(*arguments, **named)


def lock_held(holder: str, items: Sequence[ClaimedItem]) -> set[int]:
    """Which of these this process still holds; they stay so until the transaction ends."""
    mine = {"status": RunItem.Status.RUNNING.value, "holder": holder}
    rows = synced_tables.read(RunItem, ("id", "fence"), "id", [item.item_id for item in items], also=mine, lock=True)
    fences = dict(rows)
    return {item.item_id for item in items if fences.get(item.item_id) == item.fence}


def release(holder: str, items: Iterable[ClaimedItem] | None = None) -> int:
    """Put back into the queue what a process holds (all of it, or these). Return how many."""
    held = running().filter(holder=holder)
    if items is not None:
        chosen = Q(pk__in=[])
        by_fence: dict[int, list[int]] = {}
        for item in items:
            by_fence.setdefault(item.fence, []).append(item.item_id)
        for fence, ids in by_fence.items():
            chosen |= Q(id__in=ids, fence=fence)
        held = held.filter(chosen)
    return _release(held)


def list_dead(*, holder_prefix: str = "") -> "QuerySet[RunItem]":
    """What dead processes held: leases that have run out, or all of holders known to be gone."""
    abandoned = Q(held_until__lt=Now())
    if holder_prefix:
        abandoned |= Q(holder__startswith=holder_prefix)
    return running().filter(abandoned)


def release_dead(held: "QuerySet[RunItem]") -> int:
    """Put these of dead processes back into the queue, each with one more process that ended. Return how many."""
    return _release(held, has_died=True)


def _release(held: "QuerySet[RunItem]", *, has_died: bool = False) -> int:
    if not held.exists():  # so that a look around writes nothing
        return 0
    with transaction.atomic():
        ids = list(held.select_for_update(of=("self",), skip_locked=True).values_list("id", flat=True))
        free(RunItem.objects.filter(joined_id__in=ids))
        left = RunItem.objects.filter(id__in=ids, status=RunItem.Status.RUNNING)
        ended: dict[str, Any] = {"holder": "", "held_until": None, "finished_at": timezone.now()}
        done = left.filter(run__status=Run.Status.CANCELLED).update(status=RunItem.Status.CANCELLED, **ended)
        queued: dict[str, Any] = {"crash_count": F("crash_count") + 1} if has_died else {}
        queued |= {"status": RunItem.Status.QUEUED, "holder": "", "held_until": None, "started_at": None}
        return done + left.update(**queued)


def free(joined: "QuerySet[RunItem]") -> int:
    """Let items that waited for the work of another run be taken, and tell the engines. Return how many."""
    waiting = dict(joined.filter(status=RunItem.Status.QUEUED).order_by().values_list("id", "run_id"))
    if not waiting:
        return 0
    freed = RunItem.objects.filter(id__in=waiting, status=RunItem.Status.QUEUED).update(joined=None)
    for run_id in set(waiting.values()):
        transaction.on_commit(partial(enqueueing.enqueue, run_id))
    return freed


def free_joined() -> int:
    """Free those who wait for work that is no longer under way. Return how many."""
    stuck = RunItem.objects.filter(status=RunItem.Status.QUEUED, joined__isnull=False)
    return free(stuck.exclude(joined__status=RunItem.Status.RUNNING))
