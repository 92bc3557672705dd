"""Read-only SQL views for BI tools: one for each kind of export that is stored as such, with the same columns.

Each view is the query of its export. On PostgreSQL they are in a schema of their own, which can be granted without the
tables; on SQLite, which has no schemas, the name begins with it. Migrations find none: a table that a view reads cannot
be rebuilt.
"""

import logging
from dataclasses import dataclass
from hashlib import sha256

from django.db import connection

from carefund.records.view_schema import SCHEMA
from carefund.sync.export_kinds import Export
from carefund.sync.exports import EXPORTS

_OURS = "Carefund: "
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
    return View(name, export, f"CREATE VIEW {name} ({columns}) AS {query}")


def store_views() -> None:
    """Make the views anew unless each is there as it should be."""
    wanted = {view.name: view for view in list_views()}
    if _list_existing() == {name: _kept(view) for name, view in wanted.items()}:
        return
    if not _may_make_views():
        _log.warning("The views for BI tools were not made: this account may not create the schema %s.", SCHEMA)
        return
    drop_views()
    with connection.cursor() as cursor:
        for view in wanted.values():
            cursor.execute(view.statement)
            if _is_postgresql():
                words = view.mark.replace("'", "''")
                cursor.execute(f"COMMENT ON VIEW {view.name} IS '{words}'")


def drop_views() -> None:
    """Drop our views, if they are there. What somebody else made in the schema stays."""
    with connection.cursor() as cursor:
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
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view' AND name GLOB %s", [f"{SCHEMA}_*"])
        return dict(cursor.fetchall())


def _may_make_views() -> bool:
    """Make the schema if it is not there; whether it is there in the end."""
    if not _is_postgresql():
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regnamespace(%s) IS NOT NULL, has_database_privilege(current_database(), 'CREATE')", [SCHEMA]
        )
        is_there, may_create = cursor.fetchone()
        if not is_there and may_create:
            cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        return bool(is_there or may_create)


def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"
