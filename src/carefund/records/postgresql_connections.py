"""What each connection to PostgreSQL begins with: how it plans what we ask, and how long it waits for a lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

# PostgreSQL takes a row by its index to cost as much as four rows one after the other, as on a turning disk, and so
# reads the whole of a large table where some thousand rows were wanted. To compile a plan takes longer than any of our
# questions, and to start workers for it longer than most of them.
_PLANNING = "SET random_page_cost = 1.1; SET jit = off; SET max_parallel_workers_per_gather = 0"
# It would wait for ever for what another session holds, such as an upgrade's ALTER TABLE, and with it a page's thread.
_PATIENCE = "SELECT set_config('lock_timeout', %s, false)"


def begin(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Say so to a connection that was just opened."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_PLANNING)
            cursor.execute(_PATIENCE, [f"{max(settings.DATABASE_TIMEOUT, 1)}s"])


@contextmanager
def waiting_for_ever() -> Iterator[None]:
    """Wait for locks as long as it takes: a set-up waits for whoever works, and nobody waits at a page for it."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        before = cursor.fetchone()[0]
        cursor.execute(_PATIENCE, ["0"])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(_PATIENCE, [before])
