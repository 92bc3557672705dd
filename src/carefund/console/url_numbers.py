"""Numbers that arrive as text, in addresses and forms: those that a database's key can be.

Whoever writes `<number:…>` in an address imports this module, which makes it known.
"""

from django.urls import register_converter

_DIGITS = 18  # of the largest key less one, so that no number is too large for a database


def read_number(text: object) -> int:
    """Return the number that a text is in plain digits, at most 18 of them; 0, which no row has, for anything else."""
    is_plain = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(str(text)) if is_plain else 0


class NumberConverter:
    """A number in an address. A longer one is an address that does not exist."""

    regex = f"[0-9]{{1,{_DIGITS}}}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """Return its digits."""
        return str(value)


register_converter(NumberConverter, "number")
