"""The chain over both logs: each entry carries the digest of what it says and of the entry before it.

Whoever writes an entry does not wait for the one before. Entries are sealed a moment later by the housekeeping, one
process at a time, so that no page and no act queues for the end of the chain. See decision 0026.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from carefund.access.log_triggers import is_guarded
from carefund.access.models import AccessLogEntry, AuditEntry, LogEntry, LogHead

LOGS: tuple[type[LogEntry], ...] = (AccessLogEntry, AuditEntry)
_AT_ONCE = 500
_KEY = 7_236_003_115  # of PostgreSQL's advisory lock
_OF_CHAIN = ("position", "digest")


@dataclass(frozen=True, slots=True)
class LogState:
    """What a look through a log found; `head` and `sealed` are what to note elsewhere as proof of today's state."""

    label: str
    sealed: int
    head: str
    missing: int
    changed: int
    waiting: int
    waiting_since: datetime | None
    is_guarded: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing was taken out or changed, and nothing could be by the way."""
        return not self.missing and not self.changed and self.is_guarded


def seal_logs() -> int:
    """Seal what was written since, a bounded number of entries of each log. Return how many."""
    return sum(_seal(log) for log in LOGS)


def _seal(log: type[LogEntry]) -> int:
    waiting = log._default_manager.filter(position__isnull=True).order_by("id")
    if not waiting.exists():
        return 0
    with transaction.atomic():
        if not _is_our_turn():
            return 0
        head, _ = LogHead.objects.get_or_create(log=log._meta.model_name)
        rows = []
        some: Any = waiting.values()[:_AT_ONCE]
        for values in some:
            head.position += 1
            head.digest = _digest(head.digest, values)
            rows.append((head.position, head.digest, values["id"]))
        if not rows:  # somebody sealed them since we looked
            return 0
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(log._meta.db_table)
            cursor.executemany(f"UPDATE {table} SET position = %s, digest = %s WHERE id = %s", rows)  # noqa: S608
        head.sealed_at = timezone.now()
        head.save()
    return len(rows)


def _is_our_turn() -> bool:
    """Whether no other process seals; SQLite's transaction is alone by itself."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_KEY])
        return bool(cursor.fetchone()[0])


def check_log(log: type[LogEntry]) -> LogState:
    """Read a whole log and work its chain out anew."""
    head = LogHead.objects.filter(log=log._meta.model_name).first() or LogHead()
    place, before, missing, changed = 0, "", 0, 0
    for values in _read_sealed(log, head.position):
        gap = values["position"] - place - 1
        missing += gap
        # After a gap the digest before is not known: the gap itself is what is said.
        changed += not gap and values["digest"] != _digest(before, values)
        place, before = values["position"], values["digest"]
    missing += head.position - place
    changed += place == head.position > 0 and before != head.digest
    waiting = log._default_manager.filter(position__isnull=True)
    return LogState(
        label=str(log._meta.verbose_name),
        sealed=head.position,
        head=head.digest,
        missing=missing,
        changed=changed,
        waiting=waiting.count(),
        waiting_since=waiting.order_by("id").values_list("at", flat=True).first(),
        is_guarded=is_guarded(log),
    )


def _read_sealed(log: type[LogEntry], until: int) -> Iterator[dict[str, Any]]:
    rows: Any = log._default_manager.filter(position__lte=until).order_by("position").values()
    yield from rows.iterator(chunk_size=2000)


def _digest(before: str, values: dict[str, Any]) -> str:
    """The digest of an entry; empty values are left out, so that a column added later changes no older digest."""
    told = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if name not in _OF_CHAIN and value not in (None, "", {}, [])
    }
    return sha256(f"{before}\n{json.dumps(told, sort_keys=True)}".encode()).hexdigest()
