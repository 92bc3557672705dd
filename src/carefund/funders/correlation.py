"""The correlation id: one for a request or command, for the run that it asked for, and for each call of that run.

It is random and says nothing about anybody, so that it may stand in logs and be told to a funder's help desk.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CURRENT: ContextVar[str] = ContextVar("carefund_correlation_id", default="")


def current_correlation_id() -> str:
    """Return the id of what is under way here; "" outside of any."""
    return _CURRENT.get()


def find_or_make_correlation_id() -> str:
    """Return the id of what is under way here, or a new one for what begins."""
    return _CURRENT.get() or str(uuid.uuid4())


@contextmanager
def correlated(correlation_id: str = "") -> Iterator[str]:
    """Let everything inside carry this id, or a new one; tasks and threads that are begun inside carry it too."""
    token = _CURRENT.set(correlation_id or str(uuid.uuid4()))
    try:
        yield _CURRENT.get()
    finally:
        _CURRENT.reset(token)
