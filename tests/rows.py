"""Rows of the tests' database as texts, to be compared and put back; and worlds of rows that are made once.

Nothing here knows a model: a table is read and written as the database has it.
"""

import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection
from django.utils import timezone

_LONGEST_SECONDS = 30.0  # that a world may be older than it says: what happened two hours ago is shown so
Result = TypeVar("Result")


def list_filled_tables(cursor: Any) -> set[str]:
    """Return the tables that hold a row."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables))
    return {table for (table,) in cursor.fetchall()}


def read_rows(cursor: Any, table: str) -> list[str]:
    """Return the rows of a table, each as a text that `write_rows` takes."""
    if connection.vendor == "postgresql":
        values = f'"{table}"::text'
    else:
        values = "||','||".join(f"quote({name})" for name in _list_columns(cursor, table))
    cursor.execute(f'SELECT {values} FROM "{table}" ORDER BY 1')
    return [text for (text,) in cursor.fetchall()]


def write_rows(cursor: Any, table: str, rows: Sequence[str]) -> None:
    """Insert rows as they were read."""
    if not rows:
        return
    if connection.vendor == "postgresql":
        each = f'SELECT one::"{table}" AS one FROM unnest(%s::text[]) AS one OFFSET 0'
        cursor.execute(f'INSERT INTO "{table}" SELECT (one).* FROM ({each}) AS each', [list(rows)])
    else:
        names = ", ".join(_list_columns(cursor, table))
        cursor.execute(f'INSERT INTO "{table}" ({names}) VALUES {", ".join(f"({row})" for row in rows)}')


def _list_columns(cursor: Any, table: str) -> list[str]:
    """Return a table's columns on SQLite by name: a table that was rebuilt has them in another order."""
    cursor.execute(f"SELECT name FROM pragma_table_info('{table}') ORDER BY name")
    return [f'"{name}"' for (name,) in cursor.fetchall()]


@dataclass(frozen=True)
class _World:
    """What a function made, and what was there before."""

    made_at: float
    day: object
    before: dict[str, list[str]]
    rows: dict[str, list[str]]
    result: bytes


_worlds: dict[Callable[[], object], _World] = {}


def make_once(make: Callable[[], Result]) -> Result:
    """Return what a function returns that fills tables: it is called now and then, and its rows are put back for every
    other test. Where a test commits, it is called."""
    if not connection.in_atomic_block:
        return make()
    with connection.cursor() as cursor:
        before = _read_all(cursor)
        world = _worlds.get(make)
        if world is None or not _is_fit(world, before):
            result = make()
            after = _read_all(cursor)
            rows = {table: sorted(set(after[table]) - set(before.get(table, []))) for table in after}
            if all(set(before[table]) <= set(after.get(table, [])) for table in before):
                _worlds[make] = _World(time.monotonic(), timezone.localdate(), before, rows, pickle.dumps(result))
            return result
        for table, texts in world.rows.items():
            write_rows(cursor, table, texts)
        found: Result = pickle.loads(world.result)
        return found


def _read_all(cursor: Any) -> dict[str, list[str]]:
    return {table: read_rows(cursor, table) for table in list_filled_tables(cursor)}


def _is_fit(world: _World, before: dict[str, list[str]]) -> bool:
    """Whether a world still says the truth, and stands on the same ground."""
    is_fresh = time.monotonic() - world.made_at < _LONGEST_SECONDS and world.day == timezone.localdate()
    return is_fresh and world.before == before
