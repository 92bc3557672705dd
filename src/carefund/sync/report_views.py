"""Read-only SQL views for BI tools: one for each kind of export that is stored as such, with the same columns.

Each view is the query of its export. On PostgreSQL they are in a schema of their own, which can be granted without the
tables; on SQLite, which has no schemas, the name begins with it. Migrations find none: a table that a view reads cannot
be rebuilt.
"""

import logging
from dataclasses import dataclass
from hashlib import sha256

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from carefund.records.view_schema import SCHEMA
from carefund.sync.export_kinds import Export
from carefund.sync.exports import EXPORTS

_OURS, _OURS_ON_SQLITE = "Carefund: ", "/* Carefund */"
_MAY_NOT = (
    "The SQL views were not made, because this account may not create them in the schema %s: make it the owner of the "
    "schema %s, then run carefund setup again."
)
_TAKEN = (
    "Some SQL views were not made, because something else has their name (%s): rename or drop it, then run carefund "
    "setup again."
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """One view: its name as a query has it, what it shows, and the statement that makes it."""

    name: str
    export: Export
    statement: str

    @property
    def mark(self) -> str:
        """What the database keeps beside it, which changes with the view."""
        return f"{_OURS}{self.export.about} [{sha256(self.statement.encode()).hexdigest()[:16]}]"


def name_view(kind: str) -> str:
    """What the view of a kind is called in this database."""
    return f"{SCHEMA}.{kind}" if _is_postgresql() else f"{SCHEMA}_{kind}"


def list_views() -> list[View]:
    """The views as they should be."""
    return [_describe(export) for export in EXPORTS.values() if export.worked_out is None]


def _describe(export: Export) -> View:
    query, values = export.select(export.find_rows().order_by()).query.get_compiler(connection=connection).as_sql()
    assert not values, "a view has no parameters"
    quote, name = connection.ops.quote_name, name_view(export.kind)
    columns = ", ".join(quote(column) for column in export.types)
    return View(name, export, f"CREATE VIEW {name} ({columns}) AS {_OURS_ON_SQLITE} {query}")


def store_views() -> None:
    """Make the views anew unless each is there as it should be: all of them, or none if that fails.

    Where this account may not, or somebody else has a name, a warning says so.
    """
    wanted = {view.name: view for view in list_views()}
    if _list_existing() == {name: _kept(view) for name, view in wanted.items()}:
        return
    with transaction.atomic():
        if not _may_make_views():
            _log.warning(_MAY_NOT, SCHEMA, SCHEMA)
            return
        drop_views()
        taken = sorted(_list_names() & wanted.keys())
        with connection.cursor() as cursor:
            for view in wanted.values():
                if view.name not in taken:
                    _make(cursor, view)
    if taken:
        _log.warning(_TAKEN, ", ".join(taken))


def _make(cursor: CursorWrapper, view: View) -> None:
    cursor.execute(view.statement)
    if _is_postgresql():
        words = view.mark.replace("'", "''")
        cursor.execute(f"COMMENT ON VIEW {view.name} IS '{words}'")


def drop_views() -> None:
    """Drop our views, if they are there: all of them, or none if one is in use. What somebody else made stays."""
    with transaction.atomic(), connection.cursor() as cursor:
        for name in _list_existing():
            cursor.execute(f"DROP VIEW {name}")


def _kept(view: View) -> str:
    return view.mark if _is_postgresql() else view.statement


def _list_existing() -> dict[str, str]:
    """Our views that are there, each with what the database keeps of it."""
    with connection.cursor() as cursor:
        if _is_postgresql():
            cursor.execute(
                "SELECT %s || '.' || relname, obj_description(oid, 'pg_class') FROM pg_class "
                "WHERE relnamespace = to_regnamespace(%s) AND relkind = 'v' "
                "AND starts_with(obj_description(oid, 'pg_class'), %s)",
                [SCHEMA, SCHEMA, _OURS],
            )
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'view' AND name GLOB %s AND instr(sql, %s)",
                [f"{SCHEMA}_*", _OURS_ON_SQLITE],
            )
        return dict(cursor.fetchall())


def _list_names() -> set[str]:
    """What no new view can be called, since something has that name."""
    with connection.cursor() as cursor:
        if _is_postgresql():
            cursor.execute(
                "SELECT %s || '.' || relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) "
                "UNION SELECT %s || '.' || typname FROM pg_type WHERE typnamespace = to_regnamespace(%s)",
                [SCHEMA] * 4,
            )
        else:
            cursor.execute("SELECT lower(name) FROM sqlite_master")
        return {name for (name,) in cursor.fetchall()}


def _may_make_views() -> bool:
    """Make the schema if it is not there; whether this account may make views in it."""
    if not _is_postgresql():
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE') "
            "FROM pg_namespace WHERE nspname = %s",
            [SCHEMA],
        )
        found = cursor.fetchone()
        if found is not None:
            return bool(found[0])
        cursor.execute("SELECT has_database_privilege(current_database(), 'CREATE')")
        may_create = bool(cursor.fetchone()[0])
        if may_create:
            cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        return may_create


def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"
