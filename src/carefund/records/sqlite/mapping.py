"""How a serving process reads SQLite's file: where the system keeps it."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_MAPPED_BYTES = 2_147_418_112  # the most that SQLite maps


def map_files() -> None:
    """Let every connection that this process opens from now on read the file where the system keeps it.

    Each write of another process empties SQLite's own cache, and pages would have to be copied anew. For serving alone:
    a worker's memory is counted, and it reads little twice.
    """
    connection_created.connect(_map_file)


def _map_file(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
