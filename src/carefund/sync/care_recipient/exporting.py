"""Every client's records of one kind as lines of a table, now or as of a day.

A line at a time, so that memory is bounded however many people there are.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet

from carefund.records.care_recipient.funding import Funding
from carefund.records.models import Client
from carefund.sync.care_recipient.as_of import end_of, rebuild_funding
from carefund.sync.care_recipient.history import find_funding_as_of
from carefund.sync.care_recipient.recordsets import RECORD_SETS, RecordSet

_AT_ONCE = 1000
_OF_CLIENT = ("client_id", "care_recipient_id", "external_reference_id")
_CLIENT = ("first_name", "last_name", "birth_date", "service_provider_id", "is_active")
CLIENTS = "clients"
_FLAT = {
    "classifications": "classifications",
    "approved_services": "approved_services",
    "supplements": "supplements",
    "individual_contributions": "contributions",
}
_IN_BUDGETS = {"entitlements": "entitlements", "budget_usage": "usage"}


@dataclass(frozen=True, slots=True)
class Export:
    """What can be taken out: its name, and what people call it. `has_history`: also as of an earlier day."""

    kind: str
    label: str
    record_set: RecordSet | None = None

    @property
    def has_history(self) -> bool:
        return self.record_set is not None

    @property
    def headings(self) -> tuple[str, ...]:
        if self.record_set is None:
            return (*_OF_CLIENT, *_CLIENT)
        return (*_OF_CLIENT, *_list_own(self.record_set), "no_longer_returned_date")

    def list_lines(self, clients: QuerySet[Client], as_of: date | None = None) -> Iterator[Iterable[object]]:
        """Return the headings, then a line for each record of these clients."""
        yield self.headings
        if self.record_set is None:
            columns = ("pk", *_OF_CLIENT[1:], *_CLIENT)
            yield from clients.order_by("pk").values_list(*columns).iterator(chunk_size=_AT_ONCE)
        elif as_of is None:
            yield from _list_current(self.record_set, clients)
        else:
            yield from _list_as_of(self.record_set, clients, as_of)


EXPORTS = {
    CLIENTS: Export(CLIENTS, "Clients"),
    **{record_set.kind: Export(record_set.kind, record_set.label, record_set) for record_set in RECORD_SETS},
}


def _list_own(record_set: RecordSet) -> tuple[str, ...]:
    """The names of a kind's own columns, each once; a child's begin with the budget that it belongs to."""
    parent = ("budget_id",) if record_set.is_child else ()
    return tuple(dict.fromkeys((*parent, *record_set.key, *record_set.fields)))


def _list_current(record_set: RecordSet, clients: QuerySet[Client]) -> Iterator[Iterable[object]]:
    of_client = ("client_id", "client__care_recipient_id", "client__external_reference_id")
    own = [
        "plan_budget__budget_id" if record_set.is_child and name == "budget_id" else name
        for name in _list_own(record_set)
    ]
    rows: Any = record_set.model._default_manager
    theirs = rows.filter(client__in=clients.order_by()).order_by("client_id", "pk")
    yield from theirs.values_list(*of_client, *own, "no_longer_returned_date").iterator(chunk_size=_AT_ONCE)


def _list_as_of(record_set: RecordSet, clients: QuerySet[Client], day: date) -> Iterator[Iterable[object]]:
    names = _list_own(record_set)
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
