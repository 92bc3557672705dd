"""Background work in tests: runs carried out in this process, and whole installations in processes of their own."""

import asyncio
import contextlib
import itertools
import os
import sqlite3
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections

from carefund.records.models import Client
from carefund.runs.database_threads import DatabaseThreads
from carefund.runs.execution import Worker, work_on_run
from carefund.runs.funder_sessions import open_sources
from carefund.runs.models import Run
from carefund.runs.requests import request_run
from tests.conftest import Sandbox
from tests.runs.installation import Installation, running_sandbox
from tests.set_up import find_template, server_address

collect_ignore = []
if "CAREFUND_BACKUP_PROOF" not in os.environ:  # minutes; `make backup-proof` runs it
    collect_ignore.append("test_backup_proof.py")
PEOPLE = 60
MANY = 160  # more shares than one worker takes at a time, so that two workers both get some

ADD_CLIENT = (
    "INSERT INTO records_client (care_recipient_id, first_name, last_name, service_provider_id, external_reference_id, "
    "is_active, created_at) VALUES ('400000003', 'Wilma', 'Example', '', '', true, '2026-01-01 00:00:00')"
)


@pytest.fixture
def clients(world: Sandbox, add_client: Callable[..., Client]) -> list[Client]:
    """Twenty people whom the sandbox knows and whose records hold no surprise."""
    return [add_client(care_recipient_id) for care_recipient_id in world.scenario("ordinary")[:20]]


@pytest.fixture
def bulk() -> Callable[..., Run]:
    """Ask for a bulk run for these clients."""

    def ask(clients: list[Client], **values: Any) -> Run:
        return request_run(**({"trigger": Run.Trigger.BULK, "clients": clients, "scope": "test"} | values))

    return ask


@pytest.fixture
def carry_out() -> Callable[..., Run]:
    """Work on a run in this process; `meanwhile` is awaited beside it. Gives the run as it is then."""

    def work(run: Run, meanwhile: Callable[[Worker], Awaitable[None]] | None = None, **values: Any) -> Run:
        async def both() -> None:
            database = DatabaseThreads()
            async with open_sources() as sources:
                worker = Worker(sources, database, "test", **values)
                beside = asyncio.create_task(meanwhile(worker)) if meanwhile else None
                await work_on_run(worker, run.pk)
                if beside:
                    await beside
            await database.close()

        asyncio.run(both())
        run.refresh_from_db()
        return run

    return work


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with a sandbox of its own, a device and 60 clients, to be copied."""
    with running_sandbox(PEOPLE) as sandbox_url:
        installation = Installation(tmp_path_factory.mktemp("installed") / "data", sandbox_url)
        installation.prepare(PEOPLE)
        yield installation


@pytest.fixture
def installation(installed: Installation, tmp_path: Path) -> Iterator[Installation]:
    """One of our own beside SQLite. The funder answers after 50 ms, four at a time: a run takes some seconds."""
    installed.ask("POST", "/reset", {})
    installed.ask("POST", "/switches", {"latencyMs": 50})
    copy = installed.copy(tmp_path / "data")
    copy.settings["CAREFUND_CALLS_AT_ONCE"] = "4"
    yield copy
    copy.stop()


@pytest.fixture(scope="session")
def installed_on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The same on PostgreSQL, in a database beside the tests' own."""
    with (
        running_sandbox(MANY) as sandbox_url,
        another_database("carefund_installed", template=find_template()) as database_url,
    ):
        installation = Installation(tmp_path_factory.mktemp("installed") / "data", sandbox_url, database_url)
        installation.prepare(MANY)
        yield installation


@pytest.fixture(scope="session")
def tables(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """The tests' own tables with one client, as a database beside them, to be copied."""
    folder = tmp_path_factory.mktemp("tables")
    if not settings.ON_POSTGRESQL:
        with django_db_blocker.unblock(), contextlib.closing(sqlite3.connect(folder / "carefund.sqlite3")) as file:
            connection.ensure_connection()
            connection.connection.backup(file)
        made = Installation(folder, "http://127.0.0.1:9")
        made.write(ADD_CLIENT)
        yield made
        return
    name = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        connections.close_all()
    with another_database("carefund_tables", copied=name) as database_url:
        made = Installation(folder, "http://127.0.0.1:9", database_url)
        made.write(ADD_CLIENT)
        yield made


@pytest.fixture
def own(tables: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A database of one's own, which the settings name."""
    if tables.database_url:
        with another_database("carefund_own", template=tables.database_url.rsplit("/", 1)[-1]) as database_url:
            own = tables.copy(tmp_path / "here", database_url)
            use(own, monkeypatch)
            yield own
            own.stop()
        return
    own = tables.copy(tmp_path / "here")
    use(own, monkeypatch)
    yield own
    own.stop()


def use(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the settings name another database than the tests' own, as they do elsewhere."""
    name = installation.database_url.rsplit("/", 1)[-1] or str(installation.folder / "carefund.sqlite3")
    monkeypatch.setattr(settings, "DATABASES", {"default": {**settings.DATABASES["default"], "NAME": name}})
    monkeypatch.setattr(settings, "DATA_FOLDER", installation.folder)


def open_database(installation: Installation) -> "sqlite3.Connection | psycopg.Connection":
    """A connection as a worker has one, which writes nothing at the moment."""
    if installation.database_url:
        return psycopg.connect(installation.database_url)
    opened = sqlite3.connect(installation.folder / "carefund.sqlite3")
    opened.execute("PRAGMA journal_mode=WAL")
    opened.execute("SELECT count(*) FROM records_client").fetchall()
    return opened


_numbers = itertools.count(1)


@pytest.fixture
def distributed(installed_on_postgresql: Installation, tmp_path: Path) -> Iterator[Installation]:
    """One of our own on PostgreSQL, for workers that share the work."""
    template = installed_on_postgresql
    template.ask("POST", "/reset", {})
    template.ask("POST", "/switches", {"latencyMs": 50})
    name = template.database_url.rsplit("/", 1)[-1]
    with another_database(f"carefund_run_{next(_numbers)}", template=name) as database_url:
        copy = template.copy(tmp_path / "data", database_url)
        copy.settings["CAREFUND_CALLS_AT_ONCE"] = "8"
        yield copy
        copy.stop()


@contextlib.contextmanager
def another_database(name: str, template: str = "template1", copied: str = "") -> Iterator[str]:
    """A database of one's own on the server of the tests; yields its URL and drops it."""
    address = server_address()
    unique = f"{name}_{settings.DATABASES['default']['NAME']}"[:60]
    with psycopg.connect(f"{address}/postgres", autocommit=True) as database:
        database.execute(f'DROP DATABASE IF EXISTS "{unique}" WITH (FORCE)')
        database.execute(f'CREATE DATABASE "{unique}" TEMPLATE "{template}"')
        if copied:  # CREATE DATABASE copies only what nobody uses, and threads of other tests may still hold a session
            dump = subprocess.run(["pg_dump", "-d", f"{address}/{copied}"], check=True, capture_output=True).stdout
            subprocess.run(["psql", "-q", "-d", f"{address}/{unique}"], input=dump, check=True, capture_output=True)
        yield f"{address}/{unique}"
        database.execute(f'DROP DATABASE IF EXISTS "{unique}" WITH (FORCE)')
