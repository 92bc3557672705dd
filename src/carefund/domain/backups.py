"""Which backups are kept: the newest of each of the last days and weeks that have one. No clock, no files."""

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime

LEAST_CHARACTERS = 12  # of a passphrase


def choose_kept(made_at: Iterable[datetime], daily: int, weekly: int) -> set[datetime]:
    """Return which of these local times to keep: of so many days and so many weeks, counting only those with a backup.

    So a clock that is wrong, or a machine that was off, removes nothing that counting would keep. The newest is always
    kept; with 0 days and 0 weeks all are.
    """
    newest_first = sorted(made_at, reverse=True)
    if not daily and not weekly:
        return set(newest_first)
    kept = set(newest_first[:1])
    kept.update(_newest_of_each(newest_first, daily, lambda instant: instant.date()))
    kept.update(_newest_of_each(newest_first, weekly, lambda instant: instant.isocalendar()[:2]))
    return kept


def _newest_of_each(
    newest_first: Iterable[datetime], most: int, period_of: Callable[[datetime], Hashable]
) -> list[datetime]:
    newest: dict[Hashable, datetime] = {}
    for instant in newest_first:
        newest.setdefault(period_of(instant), instant)
    return list(newest.values())[:most]
