"""A row of a list that holds what it cannot, so that it costs nothing but itself. No network."""

from typing import Any

import msgspec

_LONGEST_TEXT = 40  # as the longest id or code


class UnreadableRow(msgspec.Struct, frozen=True):
    """What is known of such a row: its short texts that can be read, its content to compare, and what is wrong with it.

    A text that the row may leave out, and does, is "". `fault` names the field and the kind of fault, never the value.
    """

    texts: tuple[tuple[str, str], ...]
    content: bytes
    fault: str

    def find_text(self, member: str) -> str | None:
        """What a member holds; None when it cannot be read."""
        return dict(self.texts).get(member)

    @property
    def names_something(self) -> bool:
        """Whether any text can be read."""
        return any(text for _, text in self.texts)

    @property
    def care_recipient_id(self) -> str:
        """Whom it is about; "" when that cannot be read."""
        return self.find_text("care_recipient_id") or ""


def is_kept(text: str) -> bool:
    """Whether a text of a row that cannot be read is good for finding out what the row is about."""
    return len(text) <= _LONGEST_TEXT and text.isprintable()


def describe_content(raw: Any) -> bytes:
    """A row's content, to be compared with what it is another time."""
    try:
        return repr(raw).encode(errors="backslashreplace")
    except RecursionError:
        return b"too deep"
