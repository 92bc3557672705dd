"""How a dated record stands on a day: in force, still future, or ended. A first and a last day are included.

Source: rule SYNC-15.
"""

from datetime import date
from enum import Enum

from carefund.domain.periods import Period


class Standing(Enum):
    """How a record stands, as people read it, in the order in which records are listed."""

    IN_FORCE = "in force"
    TO_COME = "future"
    ENDED = "ended"
    NO_LONGER_RETURNED = "no longer returned"


def stand(start: date | None, end: date | None, today: date, *, returned: bool = True) -> Standing:
    """How a record with these dates stands; one that ends before it starts was never in force, and has ended."""
    if not returned:
        return Standing.NO_LONGER_RETURNED
    if Period(start, end).covers(today):
        return Standing.IN_FORCE
    is_over = end is not None and (end < today or (start is not None and end < start))
    return Standing.ENDED if is_over else Standing.TO_COME
