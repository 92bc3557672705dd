"""Lists over all care recipients of a provider, page after page, without container the whole list.

A page that follows the one before goes on where that one stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.gateway import schema_error
from sandbox.pools import list_numbers
from sandbox.services_australia.paging import BadQuery, Page, filtered, page_answer
from sandbox.switches import Switches
from sandbox.wire import Answer
from sandbox.world import Entry, World

Row = dict[str, Any]


class Rolls:
    """Remembers, per list, which person each already served row number belongs to."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stops: dict[tuple[object, ...], tuple[int, int]] = {}

    def answer(
        self,
        name: str,
        query: dict[str, str],
        switches: Switches,
        rows_of: Callable[[Entry], list[Row]],
        first: list[Row],
    ) -> Answer:
        """One page of `first` and then every person's rows, by care recipient id in the direction asked for."""
        provider_id = query["serviceProviderId"]
        try:
            page = Page(query, switches.default_limit)
            filtered([], query)
        except BadQuery as bad:
            return schema_error(str(bad))
        kept = {key: value for key, value in query.items() if key not in ("page", "limit")}
        key = (name, self._world.overall_version(), *sorted(kept.items()))
        numbers = list(list_numbers(self._world, provider_id, descending=page.descending))
        first = filtered(first, query)
        # (rows before, index into numbers) of the page that begins exactly where this one is asked to begin.
        offset, index = self._stops.get((*key, page.start), (len(first), 0))
        rows = first[page.start : page.start + page.limit] if index == 0 else []
        while index < len(numbers) and len(rows) < page.limit:
            entry = self._world.entry(numbers[index])
            found = filtered(rows_of(entry), query) if entry.person.known else []
            wanted = (
                found[max(0, page.start - offset) :][: page.limit - len(rows)]
                if offset + len(found) > page.start
                else []
            )
            rows += wanted
            if len(rows) == page.limit and offset + len(found) > page.start + page.limit:
                break
            offset += len(found)
            index += 1
        if len(self._stops) > 1_000:
            self._stops.clear()
        if index:
            self._stops[(*key, page.start + page.limit)] = (offset, index)
        return page_answer(rows, switches)
