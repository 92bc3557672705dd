"""A real installation in a folder of its own, used by typing commands: `carefund` as a process, the sandbox over HTTP.

Import the fixtures into a folder's conftest. On SQLite each test gets a copy of one prepared database file; on
PostgreSQL the commands share the test's own database.
"""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.db import connection

from carefund.funders.configuration import configure
from carefund.funders.devices import DeviceState, InMemoryDeviceStore
from carefund.funders.sessions import open_proda
from carefund.records.device_keys import DatabaseDeviceStore
from tests.conftest import DEVICE, Sandbox
from tests.runs.launching import run_command
from tests.set_up import CAREFUND, copy_tables

COMMAND = [sys.executable, "-m", "carefund.cli.main"]
PATIENCE = 120
TABLES = (
    "plan", "classification", "approvedservice", "supplement", "individualcontribution", "planbudget", "entitlement",
    "budgetusage", "change", "answer", "payload", "client",
)  # fmt: skip


@dataclass
class Typed:
    """What came of a command: exit status, and what it wrote where."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


@dataclass
class Installation:
    """Carefund as installed for one provider."""

    folder: Path
    sandbox: Sandbox
    environment: dict[str, str] = field(default_factory=dict)

    def type(self, *words: str, **settings: str) -> Typed:
        """Run a command; `settings` are further CAREFUND_ variables without that beginning."""
        done = run_command([CAREFUND, *words], self.environment_with(settings), self.folder, PATIENCE)
        return Typed(done.returncode, done.stdout, done.stderr)

    def begin(self, *words: str, **settings: str) -> "subprocess.Popen[str]":
        """Start a command and leave it running."""
        return subprocess.Popen(
            [*COMMAND, *words],
            env=self.environment_with(settings),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def environment_with(self, settings: dict[str, str]) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("CAREFUND_")}
        given = {f"CAREFUND_{name.upper()}": value for name, value in settings.items()}
        return outside | self.environment | given

    def rows(self, query: str) -> list[Sequence[Any]]:
        """What the database holds, read by another connection."""
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(query)
                return list(cursor.fetchall())
        with closing(sqlite3.connect(self.file, timeout=PATIENCE)) as database:
            return list(database.execute(query).fetchall())

    def change_rows(self, statement: str) -> None:
        """Change what the database holds, past the product."""
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(statement)
            return
        with closing(sqlite3.connect(self.file, timeout=PATIENCE)) as database, database:
            database.execute(statement)

    def is_locked(self) -> bool:
        """Whether somebody is writing (SQLite), or waits for a lock (PostgreSQL)."""
        if connection.vendor == "postgresql":
            return bool(self.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))
        with closing(sqlite3.connect(self.file, timeout=0.3, isolation_level=None)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            database.execute("ROLLBACK")
            return False

    @property
    def file(self) -> Path:
        """The database on SQLite."""
        return self.folder / "carefund.sqlite3"

    def records(self) -> dict[str, list[Sequence[Any]]]:
        """Every row about people, the ledger and the device's token apart."""
        return {table: self.rows(f"SELECT * FROM records_{table} ORDER BY 1") for table in TABLES}

    def last_item(self) -> dict[str, Any]:
        """The newest entry of the ledger."""
        columns = ("status", "outcome", "error_code", "failed_step", "message", "advice")
        found = self.rows(f"SELECT {', '.join(columns)} FROM runs_runitem ORDER BY id DESC LIMIT 1")
        return dict(zip(columns, found[0], strict=True)) if found else {}


@pytest.fixture(scope="session")
def one_sandbox() -> Iterator[Sandbox]:
    """A sandbox for commands alone, so that its device stays."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    yield Sandbox(process.stdout.readline().split()[-1])
    process.terminate()
    process.wait(10)


@dataclass
class Prepared:
    """What every installation of the session starts from."""

    environment: dict[str, str]
    folder: Path
    encryption_key: str
    device: DeviceState | None = None


@pytest.fixture(scope="session")
def prepared(one_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Tables and an activated device, made once: by commands on SQLite, in memory for PostgreSQL."""
    folder = tmp_path_factory.mktemp("installation")
    key = Fernet.generate_key().decode()
    environment = {
        "CAREFUND_ENVIRONMENT_FILE": os.devnull,
        "CAREFUND_SECRET_KEY": "only-for-this-test",
        "CAREFUND_ENCRYPTION_KEYS": key,
        "CAREFUND_SANDBOX_URL": one_sandbox.url,
        "CAREFUND_CALL_ATTEMPTS": "1",
        "CAREFUND_LOG_LEVEL": "WARNING",
    }
    made = Prepared(environment, folder, key)
    code = one_sandbox.ask("POST", "/proda/devices", {"deviceName": DEVICE})["activationCode"]
    if connection.vendor == "postgresql":
        made.device = asyncio.run(_activate(one_sandbox, code))
        return made
    first = Installation(folder, one_sandbox, environment | {"CAREFUND_DATA_FOLDER": str(folder)})
    copy_tables(folder)
    done = first.type("device", "activate", code)
    assert done.status == 0, done.err
    first.change_rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return made


async def _activate(sandbox: Sandbox, code: str) -> DeviceState:
    async with open_proda(configure("services-australia", sandbox_url=sandbox.url), InMemoryDeviceStore()) as proda:
        return await proda.activate(code)


@pytest.fixture
def installation(transactional_db: None, prepared: Prepared, one_sandbox: Sandbox, tmp_path: Path) -> Installation:
    """A fresh installation with one client, 400000003, and the sandbox as at its beginning."""
    one_sandbox.begin_anew()
    environment = prepared.environment | {"CAREFUND_DATA_FOLDER": str(tmp_path)}
    if connection.vendor == "postgresql":
        address = urlsplit(os.environ["CAREFUND_DATABASE_URL"])
        environment["CAREFUND_DATABASE_URL"] = urlunsplit(address._replace(path=f"/{connection.settings_dict['NAME']}"))
        assert prepared.device is not None
        asyncio.run(_store(prepared.encryption_key, prepared.device))
    else:
        shutil.copy(prepared.folder / "carefund.sqlite3", tmp_path / "carefund.sqlite3")
    made = Installation(tmp_path, one_sandbox, environment)
    made.change_rows(
        "INSERT INTO records_client (care_recipient_id, first_name, last_name, service_provider_id, "
        "external_reference_id, is_active, created_at) "
        "VALUES ('400000003', 'Wilma', 'Example', '', '', true, '2026-01-01 00:00:00')"
    )
    return made


async def _store(key: str, device: DeviceState) -> None:
    organisation = django_settings.SERVICES_AUSTRALIA.organisation_id
    store = DatabaseDeviceStore("sandbox", organisation, DEVICE, [key])
    async with store.exclusive():
        await store.save(device)
