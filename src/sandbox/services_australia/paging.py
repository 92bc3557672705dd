"""Lists as Services Australia gives them: filters, sorting, paging with a default limit of 10, bare arrays.

Source: rule SA-06. Nothing about what a row means.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sandbox.gateway import not_found, schema_error
from sandbox.switches import Switches
from sandbox.wire import Answer, encode

Row = dict[str, Any]
MAX_LIMIT = 10_000


class BadQuery(ValueError):
    """A paging or filter parameter is not of the schema."""


class Page:
    """The window that a query asks for."""

    def __init__(self, query: dict[str, str], default_limit: int) -> None:
        self.page = _whole(query, "page", 1, 1, 10**9)
        self.limit = _whole(query, "limit", default_limit, 1, MAX_LIMIT)
        self.descending = query.get("sort", "desc").lower() != "asc"
        if query.get("sort", "desc").lower() not in ("asc", "desc"):
            raise BadQuery("Invalid string: sort is not one of asc, desc")
        self.fields = [name for name in (query.get("sortFields") or query.get("sort-fields") or "").split(",") if name]
        self.start = (self.page - 1) * self.limit


def list_answer(rows: list[Row], query: dict[str, str], switches: Switches, default_fields: tuple[str, ...]) -> Answer:
    """Rows filtered, sorted and cut to the page asked for; an empty result is 'Not found' unless switched."""
    try:
        page = Page(query, switches.default_limit)
        rows = filtered(rows, query)
    except BadQuery as bad:
        return schema_error(str(bad))
    fields = page.fields or default_fields
    rows = sorted(rows, key=lambda row: tuple(str(row.get(name) or "") for name in fields), reverse=page.descending)
    return page_answer(rows[page.start : page.start + page.limit], switches)


def page_answer(rows: list[Row], switches: Switches) -> Answer:
    """One page of rows as an answer."""
    if not rows and switches.not_found == "error":
        return not_found()
    return Answer(
        200,
        encode({"items": rows} if switches.envelope == "object" else rows, money_as_text=switches.money == "string"),
    )


def _whole(query: dict[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise BadQuery(f"Invalid integer: {name} is not between {lowest} and {highest}")
    return int(text)


def _day(query: dict[str, str], name: str) -> date | None:
    if not query.get(name):
        return None
    try:
        return date.fromisoformat(query[name])
    except ValueError:
        raise BadQuery(f"Invalid string: {name} is not a date") from None


def filtered(rows: list[Row], query: dict[str, str]) -> list[Row]:
    """The rows that the effective-date and updated-at parameters let through. Raises BadQuery."""
    if not query:
        return rows
    effective_from, effective_to = _day(query, "effectiveDateFrom"), _day(query, "effectiveDateTo")
    updated_from, updated_to = query.get("updatedAtDateTimeFrom", ""), query.get("updatedAtDateTimeTo", "")
    if effective_from:
        rows = [row for row in rows if not (end := _end(row)) or end >= effective_from]
    if effective_to:
        rows = [row for row in rows if not (start := _start(row)) or start <= effective_to]
    if updated_from:
        rows = [row for row in rows if str(row.get("updatedAtDateTime", "")) >= updated_from]
    if updated_to:
        rows = [row for row in rows if str(row.get("updatedAtDateTime", "")) <= updated_to]
    return rows


def _start(row: Row) -> date | None:
    found = row.get("startDate") or row.get("effectiveDateFrom")
    return found if isinstance(found, date) else None


def _end(row: Row) -> date | None:
    found = row.get("endDate") or row.get("effectiveDateTo")
    return found if isinstance(found, date) else None
