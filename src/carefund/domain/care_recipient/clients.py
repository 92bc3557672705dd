"""What a care recipient id looks like, and when two descriptions may be of one person.

Source: rule SYNC-16.
"""

import re
from datetime import date

_ID = re.compile(r"[0-9A-Za-z-]{1,20}")


def is_care_recipient_id(text: str) -> bool:
    """Whether it can be a care recipient id at all: up to twenty letters, digits or hyphens."""
    return bool(_ID.fullmatch(text))


def name_key(first_name: str, last_name: str) -> str:
    """A name for comparing: case and the number of blanks say nothing."""
    return " ".join(f"{first_name} {last_name}".split()).casefold()


def may_be_born_alike(one: date | None, other: date | None) -> bool:
    """Whether two birth dates may be of one person: the same day, or one of them is not known."""
    return one is None or other is None or one == other
