"""One set-up at a time: whoever comes second waits until the first has made the tables, and finds them."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

from carefund.records.postgresql_connections import waiting_for_ever

_KEY = 7_236_003_114  # of PostgreSQL's advisory lock; any number that nothing else here uses


@contextlib.contextmanager
def only_set_up(on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock; the system takes it from a process that dies. `on_wait` is called if another one holds it."""
    with _on_server(on_wait) if settings.ON_POSTGRESQL else _beside_file(on_wait):
        yield


@contextlib.contextmanager
def _on_server(on_wait: Callable[[], None]) -> Iterator[None]:
    with waiting_for_ever():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_KEY])
            if not cursor.fetchone()[0]:
                on_wait()
                cursor.execute("SELECT pg_advisory_lock(%s)", [_KEY])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_KEY])


@contextlib.contextmanager
def _beside_file(on_wait: Callable[[], None]) -> Iterator[None]:
    database = Path(settings.DATABASES["default"]["NAME"])
    if not database.is_absolute():  # in memory: no other process has it
        yield
        return
    with database.with_name(database.name + ".setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
