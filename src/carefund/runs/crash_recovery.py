"""What dead processes held goes back into the queue; whatever has ended two processes is set aside as failed.

It is failed as any other item is, with what its kind keeps of failures and for whoever joined it. Over several nights a
thing that was set aside is worked on after all others, alone, and its next takedown sets it aside again: a night costs
one worker at most, and the thing is done as soon as it can be. What writes money (claim batches) waits for a person.
"""

from django.db import transaction
from django.db.models import F, QuerySet

from carefund.runs import leases, ledger
from carefund.runs.database_threads import DATABASE_TROUBLE
from carefund.runs.kinds import find_kind
from carefund.runs.leases import WORKER_ENDED, ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.work_kind import Failure
from carefund.unexpected_errors import note

_MOST = 2
_MESSAGE = "The process that did this work stopped twice, so this item was set aside."
_ADVICE = "All other items continued. Try this one alone. If the process stops again, report the time of this run."


def release_expired(*, holder_prefix: str = "") -> int:
    """Put back what dead processes held, and set aside what ended two of them. Return how many of both."""
    dead = leases.list_dead(holder_prefix=holder_prefix)
    if not dead.exists():  # so that a look around is one query
        return 0
    to_blame = list(dead.filter(crash_count__gte=_MOST - 1).values_list("id", flat=True))
    done = leases.release_dead(dead.filter(crash_count__lt=_MOST - 1))
    return done + sum(_set_aside(dead.filter(id=item_id)) for item_id in to_blame)


def _set_aside(found: "QuerySet[RunItem]") -> int:
    """Fail one item for its dead holder, unless it has come back or somebody else was quicker."""
    try:
        return _fail(found)
    except DATABASE_TROUBLE:
        raise
    except Exception as error:  # noqa: BLE001 what a kind cannot keep must not leave the item under way
        note("setting aside what ended two workers", error)
        return _fail(found, tells_kind=False)


def _fail(found: "QuerySet[RunItem]", *, tells_kind: bool = True) -> int:
    with transaction.atomic():
        row = found.select_for_update(of=("self",), skip_locked=True).select_related("run").first()
        if row is None:
            return 0
        if row.run.status == Run.Status.CANCELLED:
            return leases.release_dead(found)
        RunItem.objects.filter(id=row.pk).update(crash_count=F("crash_count") + 1)
        item = ClaimedItem(row.pk, row.holds, row.client_id, row.care_recipient_id, row.fence)
        failed = find_kind(row.run.kind).failed if tells_kind else None
        ledger.record_failures(row.holder, [Failure(item, WORKER_ENDED, "work", _MESSAGE, _ADVICE)], failed)
    return 1
