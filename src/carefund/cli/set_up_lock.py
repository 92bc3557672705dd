"""One set-up at a time: whoever comes second waits until the first has made the tables, and finds them."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

from carefund.cli.output import screen

_KEY = 7_236_003_114  # of PostgreSQL's advisory lock; any number that nothing else here uses
_WAITING = "Another set-up is under way; waiting until it is done."


@contextlib.contextmanager
def only_set_up() -> Iterator[None]:
    """Hold the lock; the system takes it from a process that dies."""
    with _on_server() if settings.ON_POSTGRESQL else _beside_file():
        yield


@contextlib.contextmanager
def _on_server() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_KEY])
        if not cursor.fetchone()[0]:
            screen.print(_WAITING)
            cursor.execute("SELECT pg_advisory_lock(%s)", [_KEY])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_KEY])


@contextlib.contextmanager
def _beside_file() -> Iterator[None]:
    database = Path(settings.DATABASES["default"]["NAME"])
    with database.with_name(database.name + ".setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            screen.print(_WAITING)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
