"""Up to which number the change log is complete: no change with a lower number can still come.

On PostgreSQL a change gets its number when it is written and is seen when its transaction ends, so a slow transaction's
change appears after higher ones. Each transaction that writes changes therefore holds a shared advisory lock whose key
is the highest number given out before it began (a trigger takes it, so no writer can forget); nobody waits for it.
Whatever is not above the lowest of these keys is complete. SQLite has one writer at a time.
Source of the reasoning: docs/decisions/0028-order-of-changes.md.
"""

from django.db import connection

from carefund.records.models import Change

_TABLE = Change._meta.db_table
_PREFIX = 0x4346  # the upper 16 bits of every such key
TRIGGER = f"{_TABLE}_mark"
FUNCTION = "carefund_mark_changes"
_LAST = "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {sequence}"
_MARKS = """
SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND (classid::bigint >> 16) = %s AND pid <> pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def find_complete_id() -> int:
    """The number up to which the change log is complete, and which no change will have that is still to come.

    What the asking connection itself has written counts as there.
    """
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [_TABLE])
            found = cursor.fetchone()
            return int(found[0]) if found else 0
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [_TABLE])
        sequence = cursor.fetchone()[0]
        cursor.execute(_LAST.format(sequence=sequence))  # first: whoever marks after this writes higher numbers
        last = int(cursor.fetchone()[0])
        cursor.execute(_MARKS, [_PREFIX])
        mark = cursor.fetchone()[0]
    return last if mark is None else min(last, int(mark))
