"""The only writer of synced tables, and the reader of what a sync compares with: set-based, straight through the
database driver, from the models' own columns.

What lives here knows tables and rows, not care recipients. The ORM's own bulk writes cannot tell new from changed and
cost several times as much (docs/decisions/0003-writing.md); everywhere else use the ORM.
Callers hold the transaction.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from django.db import connection, models

from carefund.records.amounts import UNREADABLE, readable

Row = Sequence[Any]
Converters = Sequence[tuple[int, Callable[[Any], Any]]]
_WORTH_A_STREAM = 10  # rows; below, the extra round trips cost more than they save
_TOGETHER = 32  # rows of one INSERT on SQLite: two thirds of the time of single ones, and more gain nothing


def insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows; each holds the attributes named by `columns`, in that order."""
    if not rows:
        return
    if connection.vendor == "postgresql" and len(rows) >= _WORTH_A_STREAM:
        _stream(_copy_statement(model, tuple(columns)), _prepared(model, columns, rows))
    else:
        _insert(model, tuple(columns), rows)


def insert_new(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows whose key is not there yet; leave the others as they are."""
    if rows:
        _insert(model, tuple(columns), rows, " ON CONFLICT DO NOTHING")


def update(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Update rows by primary key: each row holds the new values of `columns`, then the key."""
    if not rows:
        return
    prepared = _prepared(model, (*columns, model._meta.pk.attname), rows)
    if connection.vendor == "postgresql" and len(rows) > 1:
        with connection.cursor() as cursor:
            given = [list(values) for values in zip(*prepared, strict=True)]
            for position, _ in _converters(model, tuple(columns), connection.vendor):
                given[position] = f"[{','.join('null' if value is None else value for value in given[position])}]"  # type: ignore[call-overload]
            cursor.execute(_update_many_statement(model, tuple(columns)), given)
    else:
        _execute(_update_statement(model, tuple(columns)), prepared)


def read(
    model: type[models.Model],
    columns: Sequence[str],
    where: str,
    ids: Collection[int],
    *,
    also: Mapping[str, str] | None = None,
    lock: bool = False,
) -> list[tuple[Any, ...]]:
    """Rows whose `where` attribute is among `ids`, as tuples of `columns`; a column of a parent is `parent__column`.

    `also` are texts that further attributes must equal. With `lock`, in the order of the primary key and held until
    the transaction ends. One statement whatever the number of ids, which the driver keeps prepared.
    """
    if not ids:
        return []
    statement = _select_statement(model, tuple(columns), where, tuple(also or ()), lock, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(statement, [_given(ids), *(also or {}).values()])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    converters = _read_converters(model, tuple(columns), connection.vendor)
    return [tuple(row) for row in _converted(rows, converters)] if converters else rows


def holds_any(model: type[models.Model], where: str, ids: Collection[int]) -> bool:
    """Whether there is a row whose `where` attribute is among `ids`."""
    if not ids:
        return False
    statement = _select_statement(model, (where,), where, (), False, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} LIMIT 1", [_given(ids)])
        return cursor.fetchone() is not None


def plan_by_index() -> None:
    """For the rest of the transaction let PostgreSQL find rows by index, however small it takes a table to be.

    It plans the checks of foreign keys once per session and keeps that plan. Planned on tables that were still empty,
    each check would read the whole table for as long as the session lasts.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")


def _given(ids: Collection[int]) -> Any:
    """Ids as a statement of `_select_statement` takes them."""
    return list(ids) if connection.vendor == "postgresql" else _json(list(ids))


@lru_cache(maxsize=256)
def _select_statement(
    model: type[models.Model], columns: tuple[str, ...], where: str, also: tuple[str, ...], lock: bool, vendor: str
) -> str:
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    names, joins = [], {}
    for name in columns:
        parent, _, column = name.rpartition("__")
        if not parent:
            names.append(f"{table}.{quote(_column(model, name))}")
            continue
        key = _field(model, f"{parent}_id")
        related = key.related_model
        assert isinstance(related, type)
        other, ours = quote(related._meta.db_table), quote(key.column or key.attname)
        joins[parent] = f" JOIN {other} ON {other}.{quote(str(related._meta.pk.column))} = {table}.{ours}"
        names.append(f"{other}.{quote(_column(related, column))}")
    among = "= ANY(%s)" if vendor == "postgresql" else "IN (SELECT value FROM json_each(%s))"
    chosen = f"{table}.{quote(_column(model, where))}"
    further = "".join(f" AND {table}.{quote(_column(model, name))} = %s" for name in also)
    statement = f"SELECT {', '.join(names)} FROM {table}{''.join(joins.values())} WHERE {chosen} {among}{further}"  # noqa: S608 names, no values
    if lock:
        statement += f" ORDER BY {table}.{quote(str(model._meta.pk.column))}"
        if vendor == "postgresql":  # SQLite's writer holds the whole database
            statement += f" FOR UPDATE OF {table}"
    return statement


@lru_cache(maxsize=256)
def _insert_statement(model: type[models.Model], columns: tuple[str, ...], rows: int, vendor: str) -> str:
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(_field(model, name).column)) for name in columns)
    mark = "?" if vendor == "sqlite" else "%s"  # SQLite's own, so that Django need not replace hundreds
    marks = f"({', '.join([mark] * len(columns))})"
    table = quote(model._meta.db_table)
    return f"INSERT INTO {table} ({names}) VALUES {', '.join([marks] * rows)}"  # noqa: S608 names, no values


@lru_cache(maxsize=256)
def _update_statement(model: type[models.Model], columns: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    marks = ", ".join(f"{quote(str(_field(model, name).column))} = %s" for name in columns)
    key = quote(str(model._meta.pk.column))
    return f"UPDATE {quote(model._meta.db_table)} SET {marks} WHERE {key} = %s"  # noqa: S608 names, no values


@lru_cache(maxsize=256)
def _copy_statement(model: type[models.Model], columns: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    names = ", ".join(quote(_column(model, name)) for name in columns)
    return f"COPY {quote(model._meta.db_table)} ({names}) FROM STDIN"


@lru_cache(maxsize=256)
def _update_many_statement(model: type[models.Model], columns: tuple[str, ...]) -> str:
    """One statement for all rows, fed with one array per column, the key's last: of JSON one text that holds them all,
    since the driver would look at each of its quotation marks."""
    quote = connection.ops.quote_name
    fields = [_field(model, name) for name in (*columns, model._meta.pk.attname)]
    names = [quote(_column(model, field.attname)) for field in fields]
    # Without a length, so that a text that is too long is refused and not cut.
    kinds = [(field.db_type(connection) or "").partition("(")[0] for field in fields]
    arrays = ", ".join(
        "jsonb_array_elements(%s::jsonb)" if kind == "jsonb" else f"unnest(%s::{kind}[])" for kind in kinds
    )
    # JSON's own null is stored nowhere: it stands for a value that is missing.
    given = [
        f"NULLIF(given.{name}, 'null')" if kind == "jsonb" else f"given.{name}"
        for name, kind in zip(names, kinds, strict=True)
    ]
    marks = ", ".join(f"{name} = {value}" for name, value in zip(names[:-1], given[:-1], strict=True))
    return (
        f"UPDATE {quote(model._meta.db_table)} AS ours SET {marks} "  # noqa: S608 names, no values
        f"FROM ROWS FROM ({arrays}) AS given ({', '.join(names)}) WHERE ours.{names[-1]} = given.{names[-1]}"
    )


def _prepared(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> Sequence[Row]:
    """The rows as the driver takes them."""
    return _converted(rows, _converters(model, tuple(columns), connection.vendor))


def _converted(rows: Sequence[Row], converters: Converters) -> Sequence[Row]:
    """The rows with the columns at these positions converted, as far as they hold anything."""
    if not converters:
        return rows
    converted = [list(row) for row in rows]
    for position, convert in converters:
        for row in converted:
            if row[position] is not None:
                row[position] = convert(row[position])
    return converted


def _insert(model: type[models.Model], columns: tuple[str, ...], rows: Sequence[Row], ending: str = "") -> None:
    """Insert rows, on SQLite as many at a time as pay; to PostgreSQL the driver sends them all before it waits."""
    vendor, width = connection.vendor, len(columns)
    if vendor != "sqlite":
        _execute(_insert_statement(model, columns, 1, vendor) + ending, _prepared(model, columns, rows))
        return
    values = list(chain.from_iterable(rows))
    for position, convert in _converters(model, columns, vendor):
        values[position::width] = [value if value is None else convert(value) for value in values[position::width]]
    begin = 0
    for together in (_TOGETHER, 1):
        size = together * width
        end = len(values) - (len(values) - begin) % size
        if begin < end:
            statement = _insert_statement(model, columns, together, vendor) + ending
            _execute(statement, [values[start : start + size] for start in range(begin, end, size)])
        begin = end


def _execute(statement: str, rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def _stream(statement: str, rows: Sequence[Row]) -> None:
    """PostgreSQL's fastest way in."""
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as stream:
        for row in rows:
            stream.write_row(row)


@lru_cache(maxsize=256)
def _converters(model: type[models.Model], columns: tuple[str, ...], vendor: str) -> Converters:
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


@lru_cache(maxsize=256)
def _read_converters(model: type[models.Model], columns: tuple[str, ...], vendor: str) -> Converters:
    """What the driver leaves as it is stored: JSON everywhere; instants and decimals on SQLite."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for position, name in enumerate(columns):
        if "__" in name:  # texts and dates
            continue
        field = _field(model, name)
        if isinstance(field, models.JSONField):
            found.append((position, msgspec.json.decode))
        elif vendor == "sqlite":
            if isinstance(field, models.DateTimeField):
                found.append((position, _in_utc))
            elif isinstance(field, models.DecimalField):
                found.append((position, _with_places(field.decimal_places)))
    return found


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)


def _with_places(places: int) -> Callable[[Any], Decimal | None]:
    """SQLite keeps a decimal as the number nearest to it; its digits, as many as were written, are the decimal."""
    return lambda value: UNREADABLE if isinstance(value, str) else readable(Decimal(f"{value:.{places}f}"))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


@lru_cache(maxsize=64)  # the rows of a group carry few instants
def _sqlite_instant(value: datetime) -> str:
    """As Django stores it: UTC without a zone."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def _column(model: type[models.Model], attname: str) -> str:
    return _field(model, attname).column or attname


def _field(model: type[models.Model], attname: str) -> "models.Field[Any, Any]":
    return _fields(model)[attname]


@lru_cache(maxsize=64)
def _fields(model: type[models.Model]) -> "dict[str, models.Field[Any, Any]]":
    return {field.attname: field for field in model._meta.concrete_fields}
