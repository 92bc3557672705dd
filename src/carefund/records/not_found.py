"""What a question for one record says when there is none; each interface translates it in one place."""

from typing import TypeVar

from django.db.models import Model, QuerySet

# Records that are read as one walks through them: whoever gets such a list may count, cut and show it.
Listing = QuerySet

Record = TypeVar("Record", bound=Model)
NOTHING_HERE = "Nothing was found."


class NotHere(Exception):
    """There is no such record here, or none for whoever asks: which of the two is told to nobody."""

    def __init__(self, message: str = NOTHING_HERE, advice: str = "") -> None:
        self.message, self.advice = message, advice
        super().__init__(message)


def find_one(records: QuerySet[Record], message: str = NOTHING_HERE, advice: str = "") -> Record:
    """The one record, or the first, of those asked for. Raises NotHere with this message."""
    found = records.first()
    if found is None:
        raise NotHere(message, advice)
    return found
