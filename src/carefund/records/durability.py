"""What must survive a power cut: a write that is on the disk before its transaction has ended.

Elsewhere a commit may be lost with the machine's power, because nothing outside rests on it and waiting for the disk
costs every commit some milliseconds. A mark that is set before a funder is called, and a device's new key, do.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, transaction


@contextmanager
def durable() -> Iterator[None]:
    """Write what is inside so that whoever goes on after the transaction finds it on the disk, with all before it.

    Within a transaction this holds for the whole of it.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('synchronous_commit', 'on', true)"
                    " WHERE current_setting('synchronous_commit') = 'off'"
                )
        else:
            # SQLite's own setting cannot be changed within a transaction, and most of ours are begun further up.
            transaction.on_commit(_flush_log)
        yield


def _flush_log() -> None:
    """Wait until SQLite's write-ahead log is on the disk; what was moved on into the database file is there already."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA database_list")
        path = str(cursor.fetchone()[2])
    log = Path(f"{path}-wal")
    if not path or not log.exists():  # in memory, or without such a log: then each commit is on the disk
        return
    # Another descriptor than SQLite's own flushes the same file; SQLite keeps no locks on its log.
    descriptor = os.open(log, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
