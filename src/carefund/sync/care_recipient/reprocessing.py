"""Reprocess archived answers, the way answers are read today: an upgrade reaches everybody without a call.

What was read is known together with how it was read. Where that differs from today's reading (a new field, a new
spelling, another column), the answers last applied are taken from the archive, compared and applied like any others.
The change log says that it was our reading that changed, and not the funder's word.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime

from django.db import transaction

from carefund.funders.errors.root import FunderError
from carefund.records.archive import find_current_answers
from carefund.records.models import SyncState
from carefund.sync.care_recipient.answers import fingerprint, read_archived
from carefund.sync.care_recipient.applying import write_decisions
from carefund.sync.care_recipient.deciding import decide
from carefund.sync.care_recipient.fetching import Fetched, understand
from carefund.sync.care_recipient.results import SyncResult
from carefund.sync.care_recipient.stored_rows import read_people

Results = Mapping[int, SyncResult | FunderError]


def list_outdated(client_ids: Sequence[int] | None = None) -> list[int]:
    """Return the ids of those whose answers were read otherwise than today, in order; of these or of all clients."""
    states = SyncState.objects.filter(version__gt=0).exclude(reader=fingerprint()).order_by("client_id")
    if client_ids is not None:
        states = states.filter(client_id__in=client_ids)
    return list(states.values_list("client_id", flat=True))


def reprocess(
    client_ids: Sequence[int],
    today: date,
    *,
    dry_run: bool = False,
    on_applied: Callable[[Results], None] | None = None,
) -> Results:
    """Compare these people with their archived answers and write what differs, in one transaction.

    Return what came of each: a result, or the reason why an archived answer cannot be read today, in which case nothing
    of that person is changed. Doing it again changes nothing. `on_applied` runs inside the transaction.
    """
    with transaction.atomic():
        fetched, unreadable = _load(client_ids)
        people = read_people(fetched, lock=not dry_run)
        decisions = [decide(people[fetch.client_id], fetch, today) for fetch in fetched]
        results = unreadable | {decision.stored.client_id: decision.result for decision in decisions}
        if not dry_run:
            write_decisions(decisions, datetime.now(UTC), today)
            if on_applied:
                on_applied(results)
    return results


def _load(client_ids: Sequence[int]) -> tuple[list[Fetched], dict[int, SyncResult | FunderError]]:
    """The answers last applied, as they are read today, and for whom that is not possible.

    Each carries the time of its fetch: if another one has been applied meanwhile, it is superseded.
    """
    states = SyncState.objects.filter(client_id__in=client_ids, version__gt=0, fetch_started_at__isnull=False)
    pages = find_current_answers(client_ids)
    loaded: list[Fetched] = []
    unreadable: dict[int, SyncResult | FunderError] = {}
    for client_id, care_recipient_id, started_at in states.values_list(
        "client_id", "client__care_recipient_id", "fetch_started_at"
    ):
        assert started_at is not None  # by the filter
        try:
            answers = list(read_archived(pages.get(client_id, ())))
        except FunderError as error:
            unreadable[client_id] = error
            continue
        loaded.append(understand(client_id, care_recipient_id or "", started_at, answers, is_archived=True))
    return loaded, unreadable
