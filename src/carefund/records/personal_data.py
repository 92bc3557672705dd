"""Everything that is kept of one person, found by following the tables' own relations, so that no table is forgotten.

For an access request it becomes a file; for an erasure it says what there is. Nothing is changed here.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db.models import CASCADE, PROTECT, ForeignObjectRel, Model, QuerySet

from carefund.records.compression import decompress
from carefund.records.models import CareManagementUse, Claim, Client, Payload

_OURS = ("records", "runs", "access")
# Columns for machines alone: a frozen copy of answers that are in the file already, and digests.
_LEFT_OUT = {"fetch", "digests", "row_counts", "figures", "details", "summary", "frame"}


@dataclass(frozen=True, slots=True)
class FoundRows:
    """Rows of one table that are about a person."""

    model: type[Model]
    rows: "QuerySet[Any]"

    @property
    def label(self) -> str:
        return str(self.model._meta.verbose_name).capitalize()


def list_found_rows(client: Client) -> list[FoundRows]:
    """Return the person's rows, table by table, each before those that hang on it."""
    found: dict[type[Model], set[Any]] = {Client: {client.pk}}
    waiting: list[type[Model]] = [Client]
    while waiting:
        model = waiting.pop(0)
        for relation in list_relations(model):
            child = relation.related_model
            keys = set(_filter(relation, found[model]).values_list("pk", flat=True))
            new = keys - found.get(child, set())
            if new:
                found.setdefault(child, set()).update(new)
                waiting.append(child)
    return [FoundRows(model, model._default_manager.filter(pk__in=keys)) for model, keys in found.items()]


def list_relations(model: type[Model]) -> list[Any]:
    """Return the relations through which rows of other tables of ours hang on a row of this one."""
    fields = model._meta.get_fields(include_hidden=True)
    relations = [
        field for field in fields if isinstance(field, ForeignObjectRel) and field.on_delete in (CASCADE, PROTECT)
    ]
    return [relation for relation in relations if relation.related_model._meta.app_label in _OURS]


def _filter(relation: Any, keys: set[Any]) -> "QuerySet[Any]":
    rows: QuerySet[Any] = relation.related_model._default_manager.filter(**{f"{relation.field.name}__in": keys})
    return rows


def list_claims_with(client: Client) -> list[Claim]:
    """Return the claims that name a person by their Care Recipient ID, also those that were made in the portal."""
    if not client.care_recipient_id:
        return []
    rows = Claim.objects.values_list("pk", "care_recipient_ids").iterator()
    return list(Claim.objects.filter(pk__in=[key for key, ids in rows if client.care_recipient_id in ids]))


def collect_personal_data(client: Client) -> dict[str, Any]:
    """Return all that is kept of a person as JSON data, by table: for an access request."""
    tables = {found.label: [_as_data(row) for row in found.rows.order_by("pk")] for found in list_found_rows(client)}
    tables["Claim"] = [
        {"claim_id": claim.claim_id, "status": claim.status, "made_at": claim.made_at}
        for claim in list_claims_with(client)
    ]
    if client.care_recipient_id:
        drawn = CareManagementUse.objects.filter(care_recipient_id=client.care_recipient_id).order_by("pk")
        tables["Drawn for care management"] = [_as_data(row) for row in drawn]
    return {label: rows for label, rows in tables.items() if rows}


def _as_data(row: Model) -> dict[str, Any]:
    return dict(_list_values(row))


def _list_values(row: Model) -> Iterator[tuple[str, Any]]:
    for column in row._meta.concrete_fields:
        value = getattr(row, column.attname)
        if column.attname in _LEFT_OUT or value in (None, ""):
            continue
        if column.related_model is Payload:
            yield "content", read_content(decompress(bytes(Payload.objects.get(pk=value).body)))
        elif not isinstance(value, bytes | memoryview):
            yield column.attname, value


def read_content(body: bytes) -> Any:
    """Return an answer's content as data; as base64 what is no JSON, or too deep to be written again."""
    try:
        content = msgspec.json.decode(body)
        json.dumps(content, indent=1)
    except (ValueError, RecursionError):  # both libraries' own errors are ValueErrors
        return base64.b64encode(body).decode()
    return content
