"""Many values a few at a time, so that no statement grows with a file or a table."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Value = TypeVar("Value")


def batched(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """Yield these values in lists of at most `size`."""
    waiting = iter(values)
    while some := list(islice(waiting, size)):
        yield some
