"""A SQLite database as a backup: SQLite's own online copy, made in one step while others go on writing.

In one step, because a copy in several begins anew whenever another process writes; beside the write-ahead log a long
reader keeps nobody waiting.
"""

import hashlib
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from django.conf import settings
from django.db import connections

from carefund.records.backups.manifest import BackupRefused, DatabaseState, OnStep, TableState
from carefund.records.backups.packing import packing

ENGINE, MEMBER = "sqlite", "database.sqlite3.zst"
_CHUNK = 1024 * 1024
_ROWS = 500
_BESIDE = ("-wal", "-shm", "-journal")
_IN_USE = (
    "Another process uses the database.",
    "Stop Carefund and every worker first. Nothing was changed.",
)


def pack(packed: Path, on_step: OnStep) -> DatabaseState:
    """Copy the database as it is now, and pack the copy."""
    file = _file()
    if not file.is_file():
        raise BackupRefused("There is no database to back up.", "Run `carefund setup` first.")
    copy = packed.with_suffix(".copy")
    with closing(_open(file)) as source:
        source.execute("BEGIN")  # what is described and what is copied is one moment's
        state = describe(source, on_step)
        with closing(_open(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    size = copy.stat().st_size or 1
    with copy.open("rb") as plain, packing(packed) as stream:
        while chunk := plain.read(_CHUNK):
            stream.write(chunk)
            on_step(plain.tell() * 100 // size, 100, "percent packed")
    copy.unlink()
    return state


def try_restoring(database: Path) -> DatabaseState | None:
    """Open a copy that was unpacked, and read all of it."""
    return _read_whole(database)


def find_state() -> DatabaseState | None:
    """What is in the file; one that cannot be read counts as one that holds something."""
    if not _file().exists():
        return None
    try:
        with closing(_open(_file())) as database:
            state = describe(database)
    except sqlite3.DatabaseError:
        return DatabaseState({}, {"unreadable": 1}, [])
    return state if state.tables else None


def name_place() -> str:
    """The database's file."""
    return str(_file())


def put_in_place(database: Path, expected: DatabaseState) -> str:
    """Rename the file into place. What was there stays beside it under another name."""
    if expected.find_differences(_read_whole(database)):
        raise BackupRefused(
            "The unpacked database differs from the backup.", "Nothing was changed. Use another backup."
        )
    file, kept = _file(), ""
    if file.exists():
        require_alone()
        aside = file.with_name(f"{file.name}.replaced-{datetime.now(UTC):%Y%m%d-%H%M%S}")
        kept = str(aside)
        file.rename(aside)
        _move_logs(file, aside.name)
    else:
        _move_logs(file, f"{file.name}.left")
    with database.open("rb") as plain:
        os.fsync(plain.fileno())
    database.chmod(0o600)
    database.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return kept


def _move_logs(file: Path, name: str) -> None:
    """A log that stayed beside the file would be read into the next one of that name."""
    for end in _BESIDE:
        log = file.with_name(file.name + end)
        if log.exists():
            log.rename(file.with_name(name + end))


def require_alone() -> None:
    """Raise BackupRefused while others have the file open: SQLite gives its log up for nobody but a lone connection.

    A file that is damaged is nobody's to use.
    """
    connections.close_all()
    try:
        with closing(sqlite3.connect(_file(), timeout=2, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode=DELETE")
            database.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "lock" in str(error):
            raise BackupRefused(*_IN_USE) from None
    except sqlite3.DatabaseError:
        return


def _read_whole(file: Path) -> DatabaseState:
    with closing(_open(file)) as database:
        sound = database.execute("PRAGMA integrity_check").fetchall()
        if sound != [("ok",)]:
            raise BackupRefused("The copied database is damaged.", "Check the disk, then try again.")
        return describe(database)


def _ignore(done: int, total: int, words: str) -> None:
    pass


def describe(database: sqlite3.Connection, on_step: OnStep = _ignore) -> DatabaseState:
    """Return what a connection sees, every row of it in the digests."""
    database.text_factory = str
    found = database.execute("SELECT type, count(*) FROM sqlite_master GROUP BY type").fetchall()
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
    names = [str(name) for (name,) in database.execute(tables)]
    applied: list[str] = []
    if "django_migrations" in names:
        listed = database.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
        applied = [f"{app}.{name}" for app, name in listed]
    states = {}
    database.text_factory = bytes  # as stored: a text that is no text must not keep anybody from a backup
    for number, name in enumerate(names):
        on_step(number, len(names), "tables read")
        states[name] = _describe_table(database, name)
    return DatabaseState(states, {kind: number for kind, number in found if kind != "table"}, applied)


def _describe_table(database: sqlite3.Connection, name: str) -> TableState:
    digest, number = hashlib.sha256(), 0
    rows = database.execute(f'SELECT * FROM "{name}" ORDER BY rowid')  # noqa: S608 a name of the database's own
    while some := rows.fetchmany(_ROWS):
        number += len(some)
        digest.update(msgspec.msgpack.encode(some))
    return TableState(number, digest.hexdigest())


def _file() -> Path:
    return Path(str(settings.DATABASES["default"]["NAME"]))


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=60, isolation_level=None)
