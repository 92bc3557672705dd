"""What a client hands back: the answer as received and as understood, together."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

Value = TypeVar("Value", covariant=True)


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """One question answered: the pages byte for byte, for the archive, and their value; `fetched_at`: when it began."""

    operation: str
    subject_id: str
    pages: tuple[bytes, ...]
    value: Value
    fetched_at: datetime
