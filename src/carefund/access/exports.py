"""Exports at the gate: who may have which kind, whose rows are in it, and the entry in the access log before it."""

from collections.abc import Container, Iterable, Iterator
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet

from carefund.access.access_log import store_export
from carefund.access.alerts import list_alerts_for
from carefund.access.gate import (
    Operator,
    Visitor,
    list_clients_for,
    list_hidden_ids,
    list_invoices_for,
    reads_every_branch,
)
from carefund.access.roles import may_claim, may_export, may_read_pools, rights_of
from carefund.records.models import Alert, CareManagementUse, Client, Invoice
from carefund.sync.export_kinds import Export, Lines, Subject
from carefund.sync.exports import EXPORTS


def list_exports_for(user: Visitor) -> list[Export]:
    """The kinds that somebody may take out."""
    return [export for export in EXPORTS.values() if may_have(user, export)]


def may_have(user: Visitor, export: Export) -> bool:
    """Whether somebody may take a kind out; what cannot be told apart by branch needs every branch."""
    if isinstance(user, Operator):
        return True
    if not may_export(user) or (export.is_of_all and not reads_every_branch(user)):
        return False
    if export.subject is Subject.CLAIMS:
        return may_claim(user)
    return export.subject is not Subject.CARE_MANAGEMENT or may_read_pools(user)


def open_export(user: Visitor, export: Export, day: date | None, where: str) -> Iterator[Iterable[object]]:
    """Return the headings of a kind, then its lines, of the rows that somebody may read; as of a day if one is given.

    The access log names the clients who are in it before the first line is read; `where` says by which way it goes.
    Raises PermissionDenied.
    """
    if not may_have(user, export):
        raise PermissionDenied
    rows = list_clients_for(user) if day else _list_rows(user, export)
    named = rows if day else _list_named(user, export, rows)
    store_export(user if isinstance(user, User) else None, f"{export.label} ({where})", clients=named)
    lines = export.as_of(rows, day) if day and export.as_of else export.list_lines(rows)
    if export.model is CareManagementUse:
        hidden = list_hidden_ids(user, rows.order_by().values("care_recipient_id"))
        lines = _blank(lines, list(export.types).index("care_recipient_id"), hidden)
    return _with_headings(export, lines)


def _with_headings(export: Export, lines: Iterable[Iterable[object]]) -> Iterator[Iterable[object]]:
    yield tuple(export.types)
    yield from lines


def _blank(lines: Iterable[Iterable[object]], place: int, hidden: Container[object]) -> Lines:
    """Lines with an empty text for whom somebody may not read: who has moved to another branch since."""
    for line in lines:
        cells = list(line)
        yield [*cells[:place], "" if cells[place] in hidden else cells[place], *cells[place + 1 :]]


def _list_rows(user: Visitor, export: Export) -> "QuerySet[Any, Any]":
    """The rows of a kind that somebody may read."""
    if export.model is Alert:
        return list_alerts_for(user).order_by("pk")
    if export.model is Invoice:
        return list_invoices_for(user).order_by("pk")
    rows = export.find_rows()
    if isinstance(user, Operator) or reads_every_branch(user):
        return rows
    if export.of_client:
        return rows.filter(**{f"{export.of_client}__in": list_clients_for(user).order_by().values("pk")})
    return rows.filter(**{f"{export.of_branch}__in": (rights_of(user).service_provider_ids or frozenset()) - {""}})


def _list_named(user: Visitor, export: Export, rows: "QuerySet[Any, Any]") -> QuerySet[Client]:
    """The clients who are in these rows."""
    if export.model is Client:
        return rows
    if export.model is CareManagementUse:
        return list_clients_for(user).filter(care_recipient_id__in=rows.order_by().values("care_recipient_id"))
    if export.of_client:
        return Client.objects.filter(pk__in=rows.order_by().values(export.of_client))
    return Client.objects.none()
