"""Writing an entry of a log, at once or not at all.

SQLite lets one connection write at a time, and a bulk run writes all the time, in small groups. So an entry waits for
its turn, but not for as long as other writes may: somebody waits for the page. SQLite's own waiting looks less and less
often and misses the gaps between two groups; here it is asked every few milliseconds.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import OperationalError, connection

from carefund.access.models import LogEntry

_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.003


def write(entry: LogEntry) -> None:
    """Write an entry now. Raises DatabaseError: then what it is about must not happen."""
    if settings.ON_POSTGRESQL or connection.in_atomic_block:
        entry.save(force_insert=True)
    else:
        _write_in_turn(entry)


def _write_in_turn(entry: LogEntry) -> None:
    with _without_waiting() as usual_seconds:
        until = time.monotonic() + min(usual_seconds, _PATIENCE_SECONDS)
        while True:
            try:
                entry.save(force_insert=True)
            except OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(_POLL_SECONDS)
            else:
                return


@contextmanager
def _without_waiting() -> Iterator[float]:
    """Let SQLite answer at once; yields how long it usually waits, in seconds."""
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            yield usual / 1000
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
