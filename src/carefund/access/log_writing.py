"""Writing an entry of a log, at once or not at all.

SQLite lets one connection write at a time, and a bulk run writes all the time, in small groups. So an entry waits for
its turn, but not for as long as other writes may: somebody waits for the page. SQLite's own waiting looks less and less
often and misses the gaps between two groups; here it is asked every few milliseconds.
"""

import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import OperationalError, connection

from carefund.access.models import LogEntry

_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.003
_SIGNED_IN = Path("/proc/self/loginuid")  # as Linux keeps it, through su and sudo
_NOBODY = 2**32 - 1


def write(entry: LogEntry) -> None:
    """Write an entry now. Raises DatabaseError: then what it is about must not happen."""
    if settings.ON_POSTGRESQL or connection.in_atomic_block:
        entry.save(force_insert=True)
    else:
        _write_in_turn(entry)


def name_terminal() -> str:
    """Return whom both logs name for a command: the operating system's account, and who signed in to become it.

    The system is asked, not the environment, which whoever types the command can set.
    """
    account = _name_account(os.getuid())
    try:
        number = int(_SIGNED_IN.read_text())
    except (OSError, ValueError):  # another system than Linux
        number = _NOBODY
    if number in (_NOBODY, os.getuid()):
        return f"terminal ({account})"[:150]
    return f"terminal ({account}, signed in as {_name_account(number)})"[:150]


def _name_account(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # an account without a name, as in some containers
        return f"account {number}"


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
