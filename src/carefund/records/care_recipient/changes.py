"""The change log as it is read: whose entries, and cut into pages at the borders of syncs, so that none tells half a
story. No words live here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from carefund.records.models import Change, Client, PlanBudget

_OF_BUDGETS = ("budgets", "entitlements", "budget_usage")


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes newest first, whole syncs only. `older_before`: the number to go on from; 0 if there is nothing older."""

    changes: Sequence[Change]
    older_before: int


def cut_at_sync(changes: QuerySet[Change], size: int, before_id: int = 0) -> ChangePage:
    """About `size` changes, newest first, older than a change's number; more if the last sync would be cut in two."""
    if before_id:
        changes = changes.filter(id__lt=before_id)
    shown = list(changes[:size])
    if shown:
        last = shown[-1]
        shown += changes.filter(client_id=last.client_id, fetched_at=last.fetched_at, id__lt=last.pk)
    older = bool(shown) and changes.filter(id__lt=shown[-1].pk).exists()
    return ChangePage(shown, shown[-1].pk if older else 0)


def list_changes(
    clients: QuerySet[Client] | None = None,
    *,
    client: Client | None = None,
    after_id: int = 0,
    since: datetime | None = None,
    only_news: bool = False,
) -> QuerySet[Change]:
    """Rows of the change log, newest first, of everybody or of some; what a first sync brought is left out.

    With `only_news` so is what Carefund reads otherwise than before from an answer that did not change.
    """
    changes = Change.objects.exclude(action=Change.FIRST).filter(id__gt=after_id).order_by("-id")
    if only_news:
        changes = changes.filter(cause=Change.FUNDER)
    if client is not None:
        return changes.filter(client=client)
    if clients is not None:
        # Asked per change, newest first, so that reading stops after the few that a page shows.
        changes = changes.filter(Exists(clients.order_by().filter(pk=OuterRef("client_id"))))
    if since is not None:  # by number, which grows with time, so that reading can stop at the newest few
        first = Change.objects.filter(fetched_at__gte=since).order_by("fetched_at").values_list("id", flat=True).first()
        changes = changes.filter(id__gte=first) if first is not None else changes.none()
    return changes.select_related("client")


def list_changes_of_budget(budget: PlanBudget) -> QuerySet[Change]:
    """Return the rows of the change log about one budget, its entitlements and its draws, newest first."""
    return list_changes(client=budget.client).filter(kind__in=_OF_BUDGETS, key__0=budget.budget_id)


def list_changes_after(
    clients: QuerySet[Client], after_id: int, *, until_id: int, client_id: int = 0
) -> QuerySet[Change]:
    """Every row of the change log of these clients, or of one of them, from one number to another, oldest first."""
    changes = Change.objects.filter(id__gt=after_id, id__lte=until_id)
    if client_id:
        changes = changes.filter(client_id=client_id)
    theirs = clients.order_by().filter(pk=OuterRef("client_id"))
    return changes.filter(Exists(theirs)).select_related("client").order_by("id")


def find_last_change_at(client: Client) -> datetime | None:
    """Return when a sync last found a change by the funder; what a first sync brought is none."""
    return list_changes(client=client, only_news=True).values_list("fetched_at", flat=True).first()


def find_newest_id(changes: QuerySet[Change]) -> int:
    """The number of the first of these changes; 0 if there is none."""
    return changes.values_list("id", flat=True).first() or 0


def find_last_change_id() -> int:
    """The number of the newest change; 0 if there was none yet."""
    return Change.objects.order_by("-id").values_list("id", flat=True).first() or 0
