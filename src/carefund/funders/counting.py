"""How many calls this process made, by funder and status, until somebody asks for the counts to keep them."""

from collections import Counter
from collections.abc import Awaitable
from threading import Lock
from typing import Protocol, TypeVar

from carefund.funders.tracing import CLIENT, span

NO_ANSWER = 0  # in place of a status: timed out, refused to connect, or an answer that cannot be read
_counts: Counter[tuple[str, int]] = Counter()
_lock = Lock()


class _HasStatus(Protocol):
    @property
    def status(self) -> int: ...


_Answer = TypeVar("_Answer", bound=_HasStatus)


async def count_answer(funder: str, operation: str, call: Awaitable[_Answer]) -> _Answer:
    """Return the answer to a call, count it by its status, and measure it where spans are asked for."""
    status = NO_ANSWER
    with span(f"call {operation}", CLIENT, **{"carefund.funder": funder}) as known:
        try:
            answer = await call
            status = answer.status
            return answer
        finally:
            known.attributes["http.response.status_code"] = status
            with _lock:
                _counts[funder, status] += 1


def take_counts() -> dict[tuple[str, int], int]:
    """Return what was counted since the last time, by funder and status."""
    with _lock:
        taken = dict(_counts)
        _counts.clear()
    return taken


def give_back(counts: dict[tuple[str, int], int]) -> None:
    """Count again what could not be kept."""
    with _lock:
        _counts.update(counts)
