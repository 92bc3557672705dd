"""How entries of the access log are written without keeping the reader of a page waiting for other writers.

SQLite lets one connection write at a time, and a bulk run writes all the time. So an entry about a look waits a moment
for its turn and is then written by a thread of its own, which a process that stops waits for. Exports and syncs are
never left for later, and PostgreSQL needs none of this.
"""

import logging
import queue
import threading
import time
from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction

from carefund.access.models import AccessLogEntry
from carefund.records.models import Client

log = logging.getLogger(__name__)
_PATIENCE_MILLISECONDS = 20
_TROUBLE_SECONDS = 1.0
_AT_ONCE = 500

_waiting: "queue.SimpleQueue[AccessLogEntry]" = queue.SimpleQueue()
_starting = threading.Lock()
_writer: threading.Thread | None = None


def write_soon(entries: Sequence[AccessLogEntry]) -> None:
    """Write entries at once if it is our turn within a moment, else leave them to the thread, with their time."""
    if settings.ON_POSTGRESQL or connection.in_atomic_block:
        AccessLogEntry.objects.bulk_create(entries)
    elif not _write_if_free(entries):
        for entry in entries:
            _waiting.put(entry)
        _see_that_somebody_writes()


def _write_if_free(entries: Sequence[AccessLogEntry]) -> bool:
    """Write with little patience; False if another connection was writing all the while."""
    with connection.cursor() as cursor:
        patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE_MILLISECONDS}")
        try:
            AccessLogEntry.objects.bulk_create(entries)
        except OperationalError:
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
    return True


def _see_that_somebody_writes() -> None:
    global _writer
    with _starting:
        if _writer is None or not _writer.is_alive():
            _writer = threading.Thread(target=_write_waiting, name="access-log")
            _writer.start()


def _write_waiting() -> None:
    """Write what waits, then end; whatever the trouble, nothing that waits is given up."""
    try:
        while entries := _take():
            while not _written(entries):
                time.sleep(_TROUBLE_SECONDS)
    finally:
        connection.close()


def _take() -> list[AccessLogEntry]:
    """Some of what waits. The thread counts as ended before anybody can see that nothing was left."""
    global _writer
    taken: list[AccessLogEntry] = []
    with _starting:
        while not _waiting.empty() and len(taken) < _AT_ONCE:
            taken.append(_waiting.get())
        if not taken:
            _writer = None
    return taken


def _written(entries: Sequence[AccessLogEntry]) -> bool:
    try:
        with transaction.atomic():
            AccessLogEntry.objects.bulk_create(entries)
    except OperationalError as error:
        log.warning("the access log waits for the database (%s)", type(error).__name__)
        return False
    except IntegrityError:  # an account or a client was deleted meanwhile: the entries outlive them
        users = set(User.objects.filter(pk__in={entry.user_id for entry in entries}).values_list("pk", flat=True))
        clients = set(Client.objects.filter(pk__in={entry.client_id for entry in entries}).values_list("pk", flat=True))
        for entry in entries:
            entry.user_id = entry.user_id if entry.user_id in users else None
            entry.client_id = entry.client_id if entry.client_id in clients else None
        return False
    return True
