"""Quarters and financial years as the Australian government counts them.

Budgets are released for calendar quarters (January, April, July, October); the financial year runs from July.
Source: rule SAH-01.
"""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """Three calendar months. `number` counts within the financial year: 1 is July to September."""

    start_date: date

    @property
    def end_date(self) -> date:
        return next_quarter(self).start_date - timedelta(days=1)

    @property
    def days(self) -> int:
        return (next_quarter(self).start_date - self.start_date).days

    @property
    def financial_year(self) -> int:
        """The year in which the financial year starts: 2026 stands for 2026-27."""
        return self.start_date.year if self.start_date.month >= 7 else self.start_date.year - 1

    @property
    def number(self) -> int:
        return (self.start_date.month - 7) % 12 // 3 + 1

    @property
    def name(self) -> str:
        """Months and year, since people number quarters differently."""
        months = {1: "January to March", 4: "April to June", 7: "July to September", 10: "October to December"}
        return f"{months[self.start_date.month]} {self.start_date.year}"

    def overlaps(self, start: date | None, end: date | None) -> bool:
        """Whether a period shares a day with this quarter; a missing end reaches on for ever."""
        return (start is None or start <= self.end_date) and (end is None or end >= self.start_date)


def quarter_of(day: date) -> Quarter:
    """The quarter that a day falls in."""
    return Quarter(date(day.year, (day.month - 1) // 3 * 3 + 1, 1))


def next_quarter(quarter: Quarter) -> Quarter:
    start = quarter.start_date
    return Quarter(date(start.year + 1, 1, 1) if start.month == 10 else date(start.year, start.month + 3, 1))


def previous_quarter(quarter: Quarter) -> Quarter:
    return quarter_of(quarter.start_date - timedelta(days=1))
