"""Which backups are kept: the newest of each of the last days and weeks that have one."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from carefund.domain.backups import choose_kept

SYDNEY = ZoneInfo("Australia/Sydney")
NIGHT = datetime(2026, 11, 21, 1, 0, tzinfo=SYDNEY)  # a Saturday
NIGHTS = [NIGHT - timedelta(days=days) for days in range(60)]


def test_seven_days_and_five_weeks_are_kept_of_two_months():
    kept = sorted(choose_kept(NIGHTS, 7, 5), reverse=True)
    sundays = [datetime(2026, 11, 15, 1, tzinfo=SYDNEY) - timedelta(weeks=week) for week in range(4)]
    assert kept == sorted({*NIGHTS[:7], *sundays}, reverse=True)


def test_what_was_kept_is_kept_again():
    kept = choose_kept(NIGHTS, 7, 5)
    assert choose_kept(kept, 7, 5) == kept


def test_of_several_on_one_day_the_newest_is_kept():
    on_one_day = [NIGHT + timedelta(hours=hours) for hours in range(3)]
    assert choose_kept(on_one_day, 7, 0) == {on_one_day[-1]}


def test_days_without_a_backup_do_not_count():
    """A machine that was off for a year, or a clock that is a year ahead, has nothing removed that counting keeps."""
    a_year_later = NIGHT + timedelta(days=365)
    assert choose_kept([*NIGHTS, a_year_later], 3, 0) == {a_year_later, *NIGHTS[:2]}


def test_the_newest_is_always_kept_and_without_numbers_all_are():
    assert choose_kept(NIGHTS, 1, 0) == {NIGHT}
    assert choose_kept(NIGHTS, 0, 0) == set(NIGHTS)
    assert choose_kept([], 7, 5) == set()
