"""Calls to funders in the database, by status: what all processes together have counted, for monitoring."""

import time

from django.db import DatabaseError, transaction
from django.db.models import F

from carefund.funders.counting import give_back, take_counts
from carefund.runs.models import CallCount

_SELDOM_SECONDS = 10.0
_stored_at = [0.0]


def store_call_counts() -> None:
    """Add what this process has counted since the last time. Raise DatabaseError; then nothing is lost."""
    _stored_at[0] = time.monotonic()
    counts = take_counts()
    if not counts:
        return
    try:
        with transaction.atomic():
            for (funder, status), number in sorted(counts.items()):
                CallCount.objects.get_or_create(funder=funder, status=status)
                CallCount.objects.filter(funder=funder, status=status).update(count=F("count") + number)
    except DatabaseError:
        give_back(counts)
        raise


def store_call_counts_seldom() -> None:
    """The same, but not more than once in ten seconds."""
    if time.monotonic() - _stored_at[0] >= _SELDOM_SECONDS:
        store_call_counts()
