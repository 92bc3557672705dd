"""What both peers share: which addresses to ask, and which tables the answers fill. Standard library only."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

BASE = "/service/support-at-home"
Rows = Iterator[tuple[str, dict[str, Any]]]


def addresses(url: str, person: str) -> dict[str, str]:
    """The first three questions about one person."""
    return {
        "summary": f"{url}{BASE}/care-recipient/v1/{person}/summary",
        "contributions": f"{url}{BASE}/care-recipient/v1/individual-contribution?careRecipientId={person}&page=1",
        "budgets": f"{url}{BASE}/budget/v1/care-recipient/{person}?page=1",
    }


def rows_of(url: str, number: int, fetch: Callable[[str], Any]) -> Rows:
    """Every row about the n-th person with its table; each row carries a `key` that is unique in its table."""
    person = str(40_000_000 + number)
    answers = {name: fetch(address) for name, address in addresses(url, person).items()}
    for table, name in (
        ("classifications", "classifications"),
        ("approved_services", "approvedServices"),
        ("supplements", "supplements"),
    ):
        yield from _keyed(table, person, answers["summary"][name])
    yield "plans", {"key": person, "careRecipientId": person, "startDate": "2025-11-01"}
    yield from _keyed("contributions", person, answers["contributions"])
    yield from _keyed("budgets", person, answers["budgets"])
    for budget in answers["budgets"]:
        if budget["endDate"] < "2026":
            continue
        details = fetch(f"{url}{BASE}/budget/v1/{budget['budgetId']}")
        yield from _keyed("entitlements", budget["budgetId"], details["entitlements"])
        yield from _keyed("usage", budget["budgetId"], details["usage"])


def _keyed(table: str, parent: str, rows: list[dict[str, Any]]) -> Rows:
    for position, row in enumerate(rows):
        yield table, {"key": f"{parent}-{position}", "parent": parent, **row}


def report(people: int, work: Callable[[], None]) -> None:
    """Time the work, twice: the first time everything is new, the second nothing has changed. Prints JSON."""
    figures = []
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        figures.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "people": people})
    json.dump({"first": figures[0], "same": figures[1]}, sys.stdout)
