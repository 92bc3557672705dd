"""An installation's tables, made once for all of a session's tests: for whoever needs them and does not prove how they
come about. `carefund setup` makes them, and finds nothing left to do where they are.
"""

import fcntl
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from django.conf import settings

from tests.runs.launching import run_command

CAREFUND = str(Path(sys.executable).parent / "carefund")
NAME = "carefund.sqlite3"
TEMPLATE = "carefund_set_up"
_NOT_OURS = ("CAREFUND_", "PYTHONPATH")  # of another installation, or of a recipe's copy of the sources
_places: list[Path] = []


def share(place: Path) -> None:
    """Say which folder all processes of this session share."""
    _places[:] = [place]


def copy_tables(folder: Path) -> None:
    """Put SQLite's file as `carefund setup` leaves it into a data folder, which is made if it is not there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy(find_tables(), folder / NAME)


def find_tables() -> Path:
    """Return SQLite's file, which the first process that asks makes."""
    with only_one("tables") as folder:
        if not (folder / NAME).exists():
            _set_up(folder, "")
            with closing(sqlite3.connect(folder / NAME)) as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / NAME


def find_template() -> str:
    """Return the name of a database on PostgreSQL to copy, which the first process that asks makes."""
    with only_one("template") as folder:
        if not folder.exists():
            _set_up(folder, create_database(TEMPLATE))
    return TEMPLATE


def create_database(name: str) -> str:
    """Create an empty database on PostgreSQL, in place of one of an earlier session; give its URL."""
    with psycopg.connect(f"{server_address()}/postgres", autocommit=True) as database:
        database.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        database.execute(f'CREATE DATABASE "{name}"')
    return f"{server_address()}/{name}"


def server_address() -> str:
    """Return the address of the PostgreSQL of the tests, without a database's name."""
    server = settings.DATABASES["default"]
    credentials = f"{server['USER']}:{server['PASSWORD']}@" if server["PASSWORD"] else f"{server['USER']}@"
    return f"postgresql://{credentials}{server['HOST']}:{server['PORT']}"


@contextmanager
def only_one(name: str) -> Iterator[Path]:
    """A folder of the session's, for one process at a time."""
    with (_places[0] / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _places[0] / name


def _set_up(folder: Path, database_url: str) -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
    own = {"CAREFUND_DATA_FOLDER": str(folder), "CAREFUND_ENVIRONMENT_FILE": os.devnull}
    if database_url:
        own["CAREFUND_DATABASE_URL"] = database_url
    done = run_command([CAREFUND, "setup"], outside | own)
    assert done.returncode == 0, done.stderr
