"""Emptying the tables after a test that committed.

Django's own flush empties every table and makes anew what each installation begins with (permissions, roles,
schedules): more than most tests cost. Here only tables that hold rows are touched, and the first rows come back where
a test changed them. A database that does not let us is emptied by Django's flush.
"""

from collections.abc import Callable

from django.db import DatabaseError, connection, transaction
from django.test import TransactionTestCase

from carefund.access.log_triggers import install_guards
from tests.rows import list_filled_tables, read_rows, write_rows
from tests.unguarded import remove_guards

_django_flush: Callable[[TransactionTestCase], None] = TransactionTestCase._fixture_teardown
_first_rows: dict[str, list[str]] = {}


def empty_tables(case: TransactionTestCase) -> None:
    """Empty the tables after a test, the logs too, which nobody else may; the guards stay, or come back."""
    if _first_rows and _put_back():
        return
    remove_guards()
    _django_flush(case)
    _remember()


def _remember() -> None:
    """Keep the rows that Django's flush leaves: those that are made anew after each migration."""
    _first_rows.clear()
    with connection.cursor() as cursor:
        for table in list_filled_tables(cursor):
            _first_rows[table] = read_rows(cursor, table)


def _put_back() -> bool:
    """Put every table back to its first rows; false if the database does not let us."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            changed = [
                table
                for table in list_filled_tables(cursor) | _first_rows.keys()
                if table not in _first_rows or read_rows(cursor, table) != _first_rows[table]
            ]
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL session_replication_role = replica")  # neither foreign keys nor guards fire
            elif any(table.startswith("access_") for table in changed):
                remove_guards()  # SQLite looks at foreign keys at the end alone, but cannot pass guards by
            for table in changed:
                cursor.execute(f'DELETE FROM "{table}"')
                write_rows(cursor, table, _first_rows.get(table, []))
            if connection.vendor == "sqlite":
                install_guards()
    except DatabaseError:
        return False
    return True
