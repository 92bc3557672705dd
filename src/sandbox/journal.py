"""What the sandbox was asked: the newest requests in full, and counters of all of them. Tests read it back."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sandbox.wire import Call


class Line(NamedTuple):
    """One request with what was answered. `at` is a machine instant in epoch seconds."""

    at: float
    operation: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    status: int
    body: bytes


class Journal:
    """Keeps the newest `size` requests and counts all."""

    def __init__(self, size: int = 2_000) -> None:
        self.lines: deque[Line] = deque(maxlen=size)
        self.counts: Counter[tuple[str, int]] = Counter()

    def add(self, line: Line) -> None:
        """Note one request."""
        self.lines.append(line)
        self.counts[(line.operation, line.status)] += 1

    def clear(self) -> None:
        """Forget everything."""
        self.lines.clear()
        self.counts.clear()

    def report(self, call: Call) -> dict[str, Any]:
        """The newest ?limit= lines that match ?operation=, ?status=, ?path= (a part of it), and all counters."""
        query = call.query
        found: Iterable[Line] = self.lines
        if query.get("operation"):
            found = [line for line in found if line.operation == query["operation"]]
        if query.get("status"):
            found = [line for line in found if str(line.status) == query["status"]]
        if query.get("path"):
            found = [line for line in found if query["path"] in line.path]
        lines = list(found)
        limit = int(query.get("limit", "1000"))
        operations: dict[str, dict[str, int]] = {}
        for (operation, status), count in self.counts.items():
            operations.setdefault(operation, {})[str(status)] = count
        return {
            "total": sum(self.counts.values()),
            "counts": operations,
            "matched": len(lines),
            "requests": [_row(line) for line in lines[-limit:]] if limit else [],
        }


def _row(line: Line) -> dict[str, Any]:
    return {
        "at": line.at,
        "operation": line.operation,
        "method": line.method,
        "path": line.path,
        "query": line.query,
        "headers": {name.lower(): value for name, value in line.headers.items()},
        "status": line.status,
        "body": line.body.decode("utf-8", "replace"),
    }
