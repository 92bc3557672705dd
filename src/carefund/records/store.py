"""The only writer of synced tables: set-based, straight through the database driver, from the models' own columns.

What lives here knows tables and rows, not care recipients. The ORM's own bulk writes cannot tell new from changed and
cost several times as much (docs/decisions/0003-writing.md); everywhere else use the ORM.
Callers hold the transaction.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import msgspec
from django.db import connection, models

Row = Sequence[Any]


def insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows; each holds the attributes named by `columns`, in that order."""
    if rows:
        _execute(_insert_statement(model, tuple(columns)), model, columns, rows)


def insert_unless_known(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows whose key is not there yet; leave the others as they are."""
    if rows:
        _execute(_insert_statement(model, tuple(columns)) + " ON CONFLICT DO NOTHING", model, columns, rows)


def update(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Update rows by primary key: each row holds the new values of `columns`, then the key."""
    if rows:
        _execute(_update_statement(model, tuple(columns)), model, (*columns, model._meta.pk.attname), rows)


def read(model: type[models.Model], columns: Sequence[str], where: str, ids: Iterable[int]) -> list[tuple[Any, ...]]:
    """Rows whose `where` attribute is among `ids`, as tuples of `columns`."""
    return list(model._default_manager.filter(**{f"{where}__in": list(ids)}).values_list(*columns))


@lru_cache(maxsize=256)
def _insert_statement(model: type[models.Model], columns: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(_field(model, name).column)) for name in columns)
    marks = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({marks})"  # noqa: S608 names, no values


@lru_cache(maxsize=256)
def _update_statement(model: type[models.Model], columns: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    marks = ", ".join(f"{quote(str(_field(model, name).column))} = %s" for name in columns)
    key = quote(str(model._meta.pk.column))
    return f"UPDATE {quote(model._meta.db_table)} SET {marks} WHERE {key} = %s"  # noqa: S608 names, no values


def _execute(statement: str, model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    converters = _converters(model, tuple(columns), connection.vendor)
    if converters:
        prepared = [list(row) for row in rows]
        for position, convert in converters:
            for row in prepared:
                if row[position] is not None:
                    row[position] = convert(row[position])
        rows = prepared
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


@lru_cache(maxsize=256)
def _converters(
    model: type[models.Model], columns: tuple[str, ...], vendor: str
) -> list[tuple[int, Callable[[Any], Any]]]:
    """What the driver does not convert by itself: JSON everywhere; dates, instants and decimals on SQLite."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for position, name in enumerate(columns):
        field = _field(model, name)
        if isinstance(field, models.JSONField):
            found.append((position, _json))
        elif vendor == "sqlite":
            if isinstance(field, models.DateTimeField):
                found.append((position, _sqlite_instant))
            elif isinstance(field, models.DateField):
                found.append((position, date.isoformat))
            elif isinstance(field, models.DecimalField):
                found.append((position, str))
    return found


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


@lru_cache(maxsize=64)  # the rows of a group carry few instants
def _sqlite_instant(value: datetime) -> str:
    """As Django stores it: UTC without a zone."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def _field(model: type[models.Model], attname: str) -> "models.Field[Any, Any]":
    return _fields(model)[attname]


@lru_cache(maxsize=64)
def _fields(model: type[models.Model]) -> "dict[str, models.Field[Any, Any]]":
    return {field.attname: field for field in model._meta.concrete_fields}
