"""Australian financial-year quarters: where a day falls, what a quarter is called in a budget id. Dates only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple


class Quarter(NamedTuple):
    """One quarter by its first and last day."""

    start_date: date
    end_date: date

    @property
    def code(self) -> str:
        """Two digits of the financial year's first year, and the quarter: 261 is July to September 2026."""
        month = self.start_date.month
        year = self.start_date.year if month >= 7 else self.start_date.year - 1
        return f"{year % 100:02d}{((month - 7) % 12) // 3 + 1}"

    @property
    def ordinal(self) -> int:
        """Quarters since the one that began on 1 July 2025."""
        return (self.start_date.year - 2025) * 4 + (self.start_date.month - 7) // 3

    def next(self) -> Quarter:
        """The quarter after this one."""
        return quarter_of(self.end_date + timedelta(days=1))


def quarter_of(day: date) -> Quarter:
    """The quarter that holds a day."""
    first_month = (day.month - 1) // 3 * 3 + 1
    start = date(day.year, first_month, 1)
    following = date(day.year + first_month // 10, (first_month + 2) % 12 + 1, 1)
    return Quarter(start, following - timedelta(days=1))


def quarters_between(first: date, last: date) -> Iterator[Quarter]:
    """Every quarter from the one that holds `first` to the one that holds `last`."""
    quarter = quarter_of(first)
    while quarter.start_date <= last:
        yield quarter
        quarter = quarter.next()


def add_year(day: date) -> date:
    """The same day a year later; 29 February becomes 28."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)
