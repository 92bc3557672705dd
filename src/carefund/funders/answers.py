"""What a client hands back: the answer as received and as understood, together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from carefund.funders.errors.access import NotAllowedIn, NotPermitted
from carefund.funders.errors.outages import Unavailable
from carefund.funders.errors.root import FunderError

Value = TypeVar("Value", covariant=True)  # noqa: PLC0105 it reads as what it is
# Told the pages of an answer: whether the caller has understood exactly these bytes before.
Recognise = Callable[[tuple[bytes, ...]], bool]


class FunderAnswer(Generic[Value]):
    """One question answered: the pages byte for byte, for the archive, and their value; `fetched_at`: when it began.

    An answer that the caller recognised by its bytes is decoded when its value is first asked for.
    """

    __slots__ = ("_read", "_value", "fetched_at", "operation", "pages", "recognised", "subject_id")

    def __init__(
        self,
        operation: str,
        subject_id: str,
        pages: tuple[bytes, ...],
        value: Value | None,
        fetched_at: datetime,
        read: Callable[[], Value] | None = None,
    ) -> None:
        """With `read`, `value` is None and made by calling it once, if at all."""
        self.operation = operation
        self.subject_id = subject_id
        self.pages = pages
        self.fetched_at = fetched_at
        self.recognised = read is not None
        self._value = value
        self._read = read

    @property
    def value(self) -> Value:
        """What the answer says. Raises whatever decoding it raises, which is nothing if it was decoded before."""
        if self._read is not None:
            self._value, self._read = self._read(), None
        return self._value  # type: ignore[return-value]  # None only where None is the value


@dataclass(frozen=True, slots=True)
class TrialAnswer:
    """What came of one question: bytes, or the problem in their place; or which id nobody knew, and so nothing."""

    operation: str
    milliseconds: float = 0.0
    body: bytes | None = None
    problem: FunderError | None = None
    missing_id: str = ""


def says_nothing(problem: FunderError) -> bool:
    """Whether a refusal is of this installation as a whole, or the funder is down: then a trial can say nothing."""
    is_shut = isinstance(problem, NotAllowedIn) and not isinstance(problem, NotPermitted)
    return is_shut or isinstance(problem, Unavailable)
