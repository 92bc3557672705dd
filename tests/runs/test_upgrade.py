"""An installation of an earlier commit comes up and goes on with all that was under way (tools/old_installation.py)."""

import contextlib
import gzip
import json
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.runs.conftest import another_database
from tests.runs.installation import Installation, running_sandbox, wait_until
from tests.set_up import create_database, only_one

pytestmark = pytest.mark.slow

OLD = Path(__file__).parent.parent / "fixtures" / "e5c2240.sqlite3.gz"
# Without the signal after it, which today's code answers with today's columns.
MIGRATE = """
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
executor = MigrationExecutor(connection)
leaves = dict(executor.loader.graph.leaf_nodes())
old = {"records": "0005_usage_without_line", "runs": "0003_failed_items", "access": "0003_token_expiry"}
executor.migrate(list((leaves | old).items()))
"""
PEOPLE = 8
NOBODY = "http://127.0.0.1:9"
UPGRADED = "carefund_upgraded"


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Installation]:
    with only_one("upgraded") as made:
        if not made.exists():
            installation = Installation(made, NOBODY)
            made.mkdir()
            (made / "carefund.sqlite3").write_bytes(gzip.decompress(OLD.read_bytes()))
            set_up(installation)
    with running_sandbox(60) as sandbox_url:
        installation = Installation(made, sandbox_url).copy(tmp_path / "data")
        yield installation
        installation.stop()


@pytest.fixture
def on_postgresql(tmp_path: Path) -> Iterator[Installation]:
    """The same rows in a PostgreSQL database that had the old tables."""
    with only_one(UPGRADED) as made:
        if not made.exists():
            installation = Installation(made, NOBODY, create_database(UPGRADED))
            made.mkdir()
            installation.carefund("manage", "shell", "-c", MIGRATE)
            old = made / "old.sqlite3"
            old.write_bytes(gzip.decompress(OLD.read_bytes()))
            with (
                contextlib.closing(sqlite3.connect(old)) as source,
                psycopg.connect(installation.database_url) as target,
            ):
                copy_rows(source, target)
            set_up(installation)
    with running_sandbox(60) as sandbox_url, another_database("carefund_old", template=UPGRADED) as database_url:
        installation = Installation(made, sandbox_url).copy(tmp_path / "data", database_url)
        yield installation
        installation.stop()


def set_up(installation: Installation) -> None:
    """Upgrade it by this code; once for all tests."""
    installation.carefund("setup", "--environment-file", str(installation.folder / "carefund.env"))


def copy_rows(source: sqlite3.Connection, target: "psycopg.Connection[tuple[object, ...]]") -> None:
    """All rows of all of our tables, as PostgreSQL's columns want them."""
    target.execute("SET session_replication_role = replica")  # in any order of tables
    tables = [row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        if table.startswith(("sqlite_", "django_migrations", "procrastinate")):
            continue
        columns = dict(
            target.execute(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s", [table]
            ).fetchall()
        )
        rows = source.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in rows.description]
        target.execute(f"DELETE FROM {table}")
        places = ", ".join(["%s"] * len(names))
        quoted = ", ".join(f'"{name}"' for name in names)
        for row in rows:
            values = [as_postgresql(value, columns[name]) for name, value in zip(names, row, strict=True)]
            target.execute(f"INSERT INTO {table} ({quoted}) VALUES ({places})", values)
        if columns.get("id") == "bigint" or columns.get("id") == "integer":
            target.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), COALESCE(max(id), 1)) FROM {table}")


def as_postgresql(value: object, kind: str) -> object:
    if value is None:
        return None
    if kind == "boolean":
        return bool(value)
    if kind == "jsonb":
        return Jsonb(json.loads(str(value)))
    if kind == "timestamp with time zone":
        return f"{value}+00"
    return value


@pytest.fixture(
    params=[
        pytest.param("on_sqlite", marks=pytest.mark.one_database),
        pytest.param("on_postgresql", marks=pytest.mark.postgresql),
    ]
)
def upgraded(request: pytest.FixtureRequest) -> Installation:
    """The old installation after `carefund setup` by this code, with a device of today's sandbox."""
    installation: Installation = request.getfixturevalue(request.param)
    device = {"deviceName": "carefund-sandbox-device"}
    installation.carefund("device", "activate", installation.ask("POST", "/proda/devices", device)["activationCode"])
    return installation


def test_what_was_under_way_goes_on_and_ends(upgraded: Installation):
    if upgraded.database_url:  # another machine's leases end by themselves; half a minute passes
        upgraded.write("UPDATE runs_runitem SET held_until = now() - interval '1 s' WHERE status = 'running'")
    paused = "SELECT id FROM runs_run WHERE status = 'paused' AND scope = 'paused'"
    assert len(upgraded.rows(paused)) == 1
    upgraded.start("worker")
    left = "SELECT count(*) FROM runs_run WHERE status IN ('queued', 'running')"
    wait_until(lambda: upgraded.rows(left) == [(0,)], lambda: upgraded.log)
    assert "Traceback" not in upgraded.log
    [(run_id,)] = upgraded.rows("SELECT id FROM runs_run WHERE scope = 'under way'")
    upgraded.assert_each_once(PEOPLE, run_id)
    assert len(upgraded.rows(paused)) == 1, "what a person paused stays paused"
    upgraded.carefund("runs", "resume", str(upgraded.rows(paused)[0][0]))
    wait_until(lambda: upgraded.rows(paused) == [], lambda: upgraded.log)
    assert upgraded.rows("SELECT count(*) FROM runs_runitem WHERE status = 'running' OR holder <> ''") == [(0,)]


def test_searches_for_service_providers_become_runs(upgraded: Installation):
    found = upgraded.rows(
        "SELECT r.status, i.status, i.outcome, i.result IS NULL FROM runs_run r JOIN runs_runitem i ON i.run_id = r.id"
        " WHERE r.kind = 'service-providers' ORDER BY r.id"
    )
    assert [tuple(row) for row in found] == [
        ("finished", "done", "changed", False),
        ("finished", "done", "failed", True),
        ("queued", "queued", "", True),
    ]


def test_a_failure_of_old_can_be_retried_and_a_preview_of_old_is_there(upgraded: Installation):
    assert "requested: 1 " in upgraded.carefund("runs", "retry", "1")
    assert upgraded.rows("SELECT count(*) FROM runs_preview WHERE applied_at IS NULL") == [(1,)]


def test_contracts_that_waited_to_be_compared_become_a_run(upgraded: Installation):
    query = "SELECT i.holds, i.status FROM runs_runitem i JOIN runs_run r ON r.id = i.run_id WHERE r.kind = '{}'"
    assert upgraded.rows(query.format("contract-comparison")) == [("contract:2", "queued")]
    outcomes = "SELECT contract_id, outcome FROM records_pacecomparison ORDER BY 1"
    assert upgraded.rows(outcomes) == [(1, "in step"), (2, "in step")]
    assert upgraded.rows(query.format("claim-batch")) == [("batch:2", "queued")]


def test_schedules_that_people_changed_stay_and_new_ones_are_there(upgraded: Installation):
    schedules = dict(upgraded.rows("SELECT kind, CAST(at AS text) FROM runs_schedule"))
    assert schedules["nightly"] == "03:15:00"
    assert {"retention", "claim-batches", "claim-checks"} <= set(schedules)


def test_every_figure_is_as_before(upgraded: Installation):
    compared = 0
    with contextlib.closing(sqlite3.connect(":memory:")) as old:
        old.deserialize(gzip.decompress(OLD.read_bytes()))
        for (table,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = old.execute(f"PRAGMA table_info({table})").fetchall()
            amounts = [column[1] for column in columns if column[2].startswith("decimal")]
            if not amounts:
                continue
            key = next(column[1] for column in columns if column[5])
            query = f"SELECT {key}, {', '.join(amounts)} FROM {table} ORDER BY 1"
            before = [as_figures(row) for row in old.execute(query)]
            assert [as_figures(row) for row in upgraded.rows(query)] == before, table
            compared += sum(figure is not None for row in before for figure in row[1:])
    assert compared > 700


def as_figures(row: tuple[object, ...]) -> tuple[object, ...]:
    """The key of a row and its figures, to the cent, as either database gives them."""
    return row[0], *(None if value is None else round(Decimal(str(value)), 2) for value in row[1:])
