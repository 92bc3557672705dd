"""Putting the pages of a list together: until one is not full, and never more than can be right. No network.

The funder gives no total, so a page that is not full is the last one.
Source: rule SA-06.
"""

from typing import Generic, TypeVar

import msgspec

from carefund.funders.configuration import Timing
from carefund.funders.errors.answers import RepeatedPage, TooLarge

Row = TypeVar("Row", bound=msgspec.Struct)
Listed = TypeVar("Listed")
_BYTES_PER_ROW = 2048  # several times what a row takes; pages are kept as received, so their sum is bounded too


class PageGuard(Generic[Listed]):
    """Whether another page may follow, by what came so far. It keeps no page. Without `most_rows`, pages alone are
    counted."""

    def __init__(self, operation: str, page_limit: int, timing: Timing, most_rows: int | None = None) -> None:
        self._operation = operation
        self._page_limit = page_limit
        self._most_rows = most_rows
        self._most_pages = timing.most_pages
        self._first_of_last: Listed | None = None
        self._rows = 0
        self.number = 0

    def add(self, page: list[Listed]) -> bool:
        """Take note of one page; gives whether another may follow. Raises TooLarge, RepeatedPage."""
        self.number += 1
        self._rows += len(page)
        if self._most_rows is not None:
            require_few(self._rows, self._most_rows, self._operation)
        if len(page) < self._page_limit:
            return False
        if page[0] == self._first_of_last or self.number >= self._most_pages:
            raise RepeatedPage(operation=self._operation)
        self._first_of_last = page[0]
        return True


class PagedRows(Generic[Row]):
    """The rows of a list, page by page."""

    def __init__(self, operation: str, page_limit: int, timing: Timing, *, of_person: bool) -> None:
        most_rows = timing.most_rows if of_person else timing.most_provider_rows
        self._guard = PageGuard[Row](operation, page_limit, timing, most_rows)
        self._operation = operation
        self._most_bytes = max(timing.largest_answer, most_rows * _BYTES_PER_ROW)
        self.pages: list[list[Row]] = []
        self._bytes = 0

    def add(self, page: list[Row], size: int) -> bool:
        """Take one page, of so many bytes; gives whether another may follow. Raises TooLarge, RepeatedPage."""
        self.pages.append(page)
        self._bytes += size
        if not self._guard.add(page):
            return False
        if self._bytes > self._most_bytes:
            raise TooLarge(operation=self._operation)
        return True

    def rows(self) -> list[Row]:
        """All rows; those that slid from one page to the next while they were read, once."""
        if len(self.pages) == 1:
            return self.pages[0]
        return list(dict.fromkeys(row for page in self.pages for row in page))


def require_few(number: int, most: int, operation: str) -> None:
    """Raise TooLarge when there are more rows than are read."""
    if number > most:
        raise TooLarge(f"More than {most:,} rows came in one response.", operation=operation)
