"""SQL views for BI tools: the same rows as the exports, and nothing else for whom they are granted to."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction

from carefund.access.exports import open_export
from carefund.access.gate import OPERATOR
from carefund.records.cell_types import CellType
from carefund.records.models import Client
from carefund.sync.exports import EXPORTS
from carefund.sync.report_views import drop_views, list_views, name_view, store_views
from tests.export_world import make_a_row_of_each
from tests.house.tree import DOCS
from tools.schema import write_page

pytestmark = pytest.mark.django_db


def run(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def as_read(value: Any, cell_type: CellType) -> Any:
    """A value of a view as Django reads it: SQLite has neither decimals nor instants nor flags."""
    if value is None:
        return None
    if cell_type is CellType.AMOUNT:
        return Decimal(str(value)).quantize(Decimal("0.01"))
    if cell_type is CellType.INSTANT:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return bool(value) if cell_type is CellType.FLAG else str(value) if cell_type is CellType.DAY else value


def test_each_view_has_the_rows_of_the_export_of_its_kind(add_client: Callable[..., Client]):
    make_a_row_of_each(add_client("400000001", service_provider_id="4049000002"))
    views = {view.export.kind: view for view in list_views()}
    assert EXPORTS.keys() - views.keys() == {"exceptions"}, "worked out at the moment: say so in docs/schema.md"
    for kind, view in views.items():
        types = view.export.types
        exported = list(open_export(OPERATOR, view.export, None, "test"))[1:]
        wanted = [
            tuple(
                str(value) if types[name] is CellType.DAY and value else value
                for name, value in zip(types, line, strict=True)
            )
            for line in exported
        ]
        named = ", ".join(f'"{name}"' for name in types)
        found = [tuple(map(as_read, row, types.values())) for row in run(f"SELECT {named} FROM {view.name}")]
        assert sorted(found, key=repr) == sorted(wanted, key=repr), kind
        assert found, kind


def test_no_view_reads_what_is_encrypted_or_gives_a_way_in():
    secret = {"records_prodadevice", "records_webhookendpoint", "records_payload"}
    secret |= {
        model._meta.db_table
        for label in ("access", "axes", "sessions")
        for model in apps.get_app_config(label).get_models()
    }
    for view in list_views():
        read = set(re.findall(r'(?:FROM|JOIN) "?(\w+)', view.statement))
        assert not read & secret, view.name
        of_accounts = set(re.findall(r'"auth_user"\."(\w+)"', view.statement))
        assert of_accounts <= {"id", "username"}, view.name


def test_a_migration_finds_no_view_and_leaves_all_of_them(django_assert_max_num_queries: Any):
    def there() -> set[str]:
        return {name for view in list_views() for name in [view.name] if is_there(name)}

    every = {view.name for view in list_views()}
    assert there() == every
    drop_views()
    assert there() == set()
    store_views()
    assert there() == every
    with django_assert_max_num_queries(1):
        store_views()  # each is as it should be


def test_whoever_is_killed_between_two_views_leaves_what_was_there():
    first, _, third, *_ = every = [view.name for view in list_views()]
    run(f"DROP VIEW {first}")  # so that all are made anew

    def die_at_the_third(execute: Any, sql: str, *rest: Any) -> Any:
        done = execute(sql, *rest)
        if sql.startswith(f"CREATE VIEW {third} "):
            raise KeyboardInterrupt
        return done

    with pytest.raises(KeyboardInterrupt), connection.execute_wrapper(die_at_the_third):
        store_views()
    assert [name for name in every if not is_there(name)] == [first]
    store_views()
    assert all(map(is_there, every))


@pytest.mark.postgresql
def test_where_one_view_is_in_use_none_is_dropped():
    every = [view.name for view in list_views()]
    run(f"CREATE VIEW public.of_somebody AS SELECT 1 FROM {every[4]}")
    with pytest.raises(DatabaseError, match="depend"):
        drop_views()
    assert all(map(is_there, every))


def test_what_others_made_stays_and_a_warning_says_whose_name_is_taken(caplog: pytest.LogCaptureFixture):
    taken, theirs = name_view("clients"), name_view("of_somebody")
    drop_views()
    run(f"CREATE TABLE {taken} (id integer)")
    run(f"CREATE VIEW {theirs} AS SELECT 1 AS one")
    store_views()
    assert f"({taken})" in caplog.text
    assert all(is_there(view.name) for view in list_views())
    assert run(f"SELECT count(*) FROM {taken}") == [(0,)]
    drop_views()
    assert [is_there(taken), is_there(theirs)] == [True, True]
    run(f"DROP TABLE {taken}")
    caplog.clear()
    store_views()
    assert all(is_there(view.name) for view in list_views())
    assert not caplog.text


@pytest.mark.postgresql
def test_an_account_that_may_not_make_views_is_warned(caplog: pytest.LogCaptureFixture):
    drop_views()
    run("CREATE ROLE of_little_right")
    run("GRANT USAGE ON SCHEMA reporting TO of_little_right")
    run("SET LOCAL ROLE of_little_right")
    store_views()
    assert "this account may not create them in the schema reporting" in caplog.text
    run("RESET ROLE")


def is_there(name: str) -> bool:
    try:
        with transaction.atomic():
            run(f"SELECT 1 FROM {name} LIMIT 1")
    except DatabaseError:
        return False
    return True


@pytest.mark.postgresql
def test_the_role_of_the_page_reads_the_views_and_nothing_else(add_client: Callable[..., Client]):
    """The statements of docs/schema.md, word for word but for our own names."""
    make_a_row_of_each(add_client("400000001", service_provider_id="4049000002"))
    [owner], [database] = run("SELECT current_user"), run("SELECT current_database()")
    block = re.findall(r"^```sql\n(.*?)^```$", (DOCS / "schema.md").read_text(), re.MULTILINE | re.DOTALL)[0]
    for statement in block.replace("DATABASE carefund", f'DATABASE "{database[0]}"').split(";"):
        if statement.strip():
            run(statement.replace("ROLE carefund", f'ROLE "{owner[0]}"'))
    drop_views()  # as an upgrade does
    store_views()
    run("SET LOCAL ROLE powerbi")
    assert run("SELECT count(*) FROM reporting.budgets")[0][0] > 0
    for refused in ("SELECT 1 FROM records_client", "DELETE FROM reporting.clients", "SELECT 1 FROM access_apitoken"):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            run(refused)
    run("RESET ROLE")


def test_the_page_lists_each_view_with_its_columns():
    assert (DOCS / "schema.md").read_text() == write_page(), "run .venv/bin/python -m tools.schema"


def test_setup_again_keeps_the_views():
    call_command("migrate", verbosity=0)
    assert all(is_there(view.name) for view in list_views())
