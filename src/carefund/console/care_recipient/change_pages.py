"""The change log cut into pages at the borders of syncs, so that no page tells half a story. No words live here."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from carefund.records.models import Change


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
