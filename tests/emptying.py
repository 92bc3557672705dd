"""Emptying the tables after a test that committed.

Django's own flush truncates every table, which PostgreSQL pays with new files for each. Here only tables that hold rows
are touched, and what each installation begins with (permissions, roles, schedules) comes back if a test changed it.
A server that does not let us switch its triggers off is emptied by Django's flush.
"""

from collections.abc import Callable
from typing import Any

from django.db import ProgrammingError, connection, transaction
from django.test import TransactionTestCase

from tests.unguarded import remove_guards

_django_flush: Callable[[TransactionTestCase], None] = TransactionTestCase._fixture_teardown
_first_rows: dict[str, list[tuple[Any, ...]]] = {}


def empty_tables(case: TransactionTestCase) -> None:
    """Empty the tables after a test, the logs too, which nobody else may; the guards stay, or come back."""
    if connection.vendor == "postgresql" and _first_rows and _put_back():
        return
    remove_guards()
    _django_flush(case)
    if connection.vendor == "postgresql":
        _remember()


def _remember() -> None:
    """Keep the rows that Django's flush leaves: those that are made anew after each migration."""
    _first_rows.clear()
    with connection.cursor() as cursor:
        for table in _list_filled_tables(cursor):
            cursor.execute(f'SELECT "{table}"::text FROM "{table}" ORDER BY 1')
            _first_rows[table] = cursor.fetchall()


def _put_back() -> bool:
    """Put every table back to its first rows; false if the server does not let us."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")  # neither foreign keys nor guards fire
            for table in _list_filled_tables(cursor) | _first_rows.keys():
                if table in _first_rows:
                    cursor.execute(f'SELECT "{table}"::text FROM "{table}" ORDER BY 1')
                    if cursor.fetchall() == _first_rows[table]:
                        continue
                cursor.execute(f'DELETE FROM "{table}"')
                for (row,) in _first_rows.get(table, []):
                    cursor.execute(f'INSERT INTO "{table}" SELECT (%s::"{table}").*', [row])
    except ProgrammingError:
        return False
    return True


def _list_filled_tables(cursor: Any) -> set[str]:
    """Return the tables that hold a row."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables))
    return {table for (table,) in cursor.fetchall()}
