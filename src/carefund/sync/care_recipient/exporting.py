"""Every client's records of one kind as they were known at the end of a day, as lines of a table.

A client at a time, so that memory is bounded however many people there are.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.db.models import QuerySet

from carefund.records.care_recipient.funding import Funding
from carefund.records.models import Client
from carefund.sync.care_recipient.as_of import end_of, rebuild_funding
from carefund.sync.care_recipient.history import find_funding_as_of
from carefund.sync.care_recipient.recordsets import RecordSet

_AT_ONCE = 1000
_FLAT = {
    "classifications": "classifications",
    "approved_services": "approved_services",
    "supplements": "supplements",
    "individual_contributions": "contributions",
}
_IN_BUDGETS = {"entitlements": "entitlements", "budget_usage": "usage"}


def list_own(record_set: RecordSet) -> tuple[str, ...]:
    """The names of a kind's own columns, each once; a child's begin with the budget that it belongs to."""
    parent = ("budget_id",) if record_set.is_child else ()
    return tuple(dict.fromkeys((*parent, *record_set.key, *record_set.fields)))


def list_as_of(record_set: RecordSet, clients: QuerySet[Client], day: date) -> Iterator[Iterable[object]]:
    """Return a line for each record of these clients: client, own columns, and no day on which it disappeared."""
    names = list_own(record_set)
    for client in clients.order_by("pk").iterator(chunk_size=_AT_ONCE):
        of_client = (client.pk, client.care_recipient_id, client.external_reference_id)
        known = rebuild_funding(find_funding_as_of(client, end_of(day)), day)
        for row, budget_id in _list_rows(known, record_set.kind):
            values = (
                budget_id if record_set.is_child and name == "budget_id" else getattr(row, name) for name in names
            )
            yield (*of_client, *values, None)


def _list_rows(known: Funding, kind: str) -> Iterator[tuple[Any, str]]:
    """The records of a kind, each with the budget that it belongs to, if it belongs to one."""
    if kind in _FLAT:
        yield from ((row, "") for row in getattr(known, _FLAT[kind]))
        return
    for figures in known.budgets:
        budget = figures.budget
        rows = getattr(figures, _IN_BUDGETS[kind]) if kind in _IN_BUDGETS else (budget,)
        yield from ((row, budget.budget_id) for row in rows)
