"""How PostgreSQL plans what we ask: for short questions, by index, on disks without moving parts."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

# PostgreSQL takes a row by its index to cost as much as four rows one after the other, as on a turning disk, and so
# reads the whole of a large table where some thousand rows were wanted. To compile a plan takes longer than any of our
# questions.
_PLANNING = "SET random_page_cost = 1.1; SET jit = off"


def plan_short_questions(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Say so to a connection that was just opened."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_PLANNING)
