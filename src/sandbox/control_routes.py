"""What every part of the control API shares: its lines of the route table, and how a refusal looks.

Handlers return what is to be JSON. Errors are 400 with {"error": "..."}, 404 for what does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from sandbox.wire import Answer, Call, Route, json_answer

Work = Callable[[Call], Any]


def control_routes(
    base: str, table: Iterable[tuple[str, str, Work]], before: Callable[[], None] | None = None
) -> list[Route]:
    """The lines of the route table for (method, path, handler); `before` is done before each of them."""
    return [Route("control", method, f"{base}{path}", _answering(work, before)) for method, path, work in table]


def _answering(work: Work, before: Callable[[], None] | None) -> Callable[[Call], Answer]:
    """Turn what a handler returns into an answer, and what it raises into a refusal."""

    def handler(call: Call) -> Answer:
        if before is not None:
            before()
        try:
            return json_answer(work(call))
        except (LookupError, StopIteration):
            return json_answer({"error": "nothing was found, or a member is missing"}, 404)
        except (ValueError, TypeError, ArithmeticError) as wrong:
            return json_answer({"error": str(wrong)}, 400)

    return handler


def body_of(call: Call) -> dict[str, Any]:
    """The body as an object, empty if there is none. Raises ValueError."""
    return msgspec.convert(call.json() if call.body else {}, dict[str, Any])
