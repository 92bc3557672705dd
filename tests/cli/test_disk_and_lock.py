"""A full disk, a database that may not be written, and one that another process holds: real processes, one sentence."""

import contextlib
import json
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_failures import PASSWORD, TRACEBACK, Visitor
from tests.runs.installation import CAREFUND, Installation, wait_until
from tests.set_up import copy_tables

pytestmark = [pytest.mark.slow, pytest.mark.one_database]
LINE = {
    "external_reference_id": "INV-1-1", "care_recipient_id": "400000001", "service_id": "SERV-0001",
    "delivery_date": "2026-07-09", "quantity": "1.50", "price_per_unit": "80.00",
}  # fmt: skip


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation with one account; nobody asks a funder here."""
    made = Installation(tmp_path_factory.mktemp("disk") / "data", "http://127.0.0.1:9")
    copy_tables(made.folder)
    made.carefund("setup", "--environment-file", str(made.folder / "carefund.env"))
    made.carefund("users", "add", "boss", "--password", PASSWORD)
    return made


@pytest.fixture
def installation(set_up: Installation, tmp_path: Path) -> Iterator[Installation]:
    copy = set_up.copy(tmp_path / "data")
    yield copy
    copy.stop()


def on_full_disk(installation: Installation, *arguments: str) -> str:
    """Run a command in which no file may grow, as on a disk that is full; it fails, and this is what it said."""
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", CAREFUND, *arguments],
        env=installation.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert not TRACEBACK.search(said), said
    return said


@pytest.mark.parametrize(
    "command", [("users", "add", "ann", "--password", PASSWORD), ("setup",), ("serve", "--port", "0")], ids=" ".join
)
def test_on_a_full_disk_a_command_ends_with_a_sentence(installation: Installation, command: tuple[str, ...]):
    shutil.rmtree(installation.folder / "static", ignore_errors=True)
    if command[0] in ("setup", "serve"):  # with something to write: the first tables, or an upgrade's
        installation.write("DELETE FROM django_migrations WHERE app = 'sessions'")
        installation.write("DROP TABLE django_session")
    assert "disk" in on_full_disk(installation, *command) or "size limit" in on_full_disk(installation, *command)


def test_a_first_start_on_a_full_disk_ends_with_a_sentence(tmp_path: Path):
    fresh = Installation(tmp_path / "data", "http://127.0.0.1:9")
    said = on_full_disk(fresh, "setup", "--environment-file", str(tmp_path / "carefund.env"))
    assert "size limit" in said or "disk" in said


def test_a_database_that_may_not_be_written_is_told(installation: Installation):
    """A version of the file's format that only newer programmes may write makes SQLite refuse, also to root."""
    installation.write("PRAGMA wal_checkpoint(TRUNCATE)")
    with (installation.folder / "carefund.sqlite3").open("r+b") as database:
        database.seek(18)
        database.write(b"\x03")
    said = installation.carefund("users", "add", "ann", "--password", PASSWORD, status=1)
    assert "The database is read-only." in said
    assert not TRACEBACK.search(said)


@pytest.fixture
def visitor(installation: Installation) -> Visitor:
    """Somebody at a server whose patience with the database is one second."""
    installation.settings["CAREFUND_DATABASE_TIMEOUT"] = "1"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    installation.start("serve", "--port", str(port), "--web-only")
    someone = Visitor(f"http://127.0.0.1:{port}")

    def answers() -> bool:
        with contextlib.suppress(OSError):
            return someone.get("/sign-in")[0] == 200
        return False

    wait_until(answers, lambda: installation.log)
    return someone


@contextlib.contextmanager
def held(installation: Installation) -> Iterator[None]:
    """Another process has the database to itself for writing."""
    file = installation.folder / "carefund.sqlite3"
    with contextlib.closing(sqlite3.connect(file, timeout=20, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


def test_while_another_process_holds_the_database_each_door_says_so(installation: Installation, visitor: Visitor):
    token = installation.carefund("tokens", "add", "boss").splitlines()[0]
    body = json.dumps({"external_reference_id": "INV-1", "line_items": [LINE]})
    status, page = visitor.post("/sign-in", username="boss", password=PASSWORD)
    assert "Sign out" in page, page
    with held(installation):
        status, page = visitor.get("/clients.csv")
        assert (status, "kept the database locked" in page) == (503, True), page
        status, page = visitor.post("/clients/new", first_name="Wilma", last_name="Example")
        assert status == 503
        assert '<input type="hidden" name="first_name" value="Wilma">' in page
        status, page = visitor.send("/api/v1/invoices", body, Authorization=f"Bearer {token}")
        assert (status, json.loads(page)["code"]) == (503, "unavailable")
        said = installation.carefund("users", "add", "ann", "--password", PASSWORD, status=1)
        assert "Another process kept the database locked" in said
    assert visitor.get("/clients.csv")[0] == 200
    assert visitor.post("/clients/new", first_name="Wilma", last_name="Example")[0] == 200
    assert not TRACEBACK.search(installation.log)


def test_a_database_server_that_says_nothing_is_told(tmp_path: Path):
    """As behind a firewall that drops what it does not let through."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://carefund@127.0.0.1:{silent.getsockname()[1]}/carefund"
        lonely = Installation(tmp_path / "data", "http://127.0.0.1:9", address)
        lonely.settings |= {"CAREFUND_DATABASE_TIMEOUT": "2", "CAREFUND_SECRET_KEY": "only for this test"}
        said = lonely.carefund("runs", "list", status=1)
    assert "The database server cannot be reached." in said
    assert not TRACEBACK.search(said)
