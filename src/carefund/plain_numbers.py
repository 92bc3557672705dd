"""Numbers and days as text: which spellings mean one, whoever wrote them.

Digits are the ten of ASCII. Python's own readers take more: digits of any script, `1_000`, "Infinity", days without
hyphens. Answers, forms, addresses, calls and commands are read here; cells of a CSV, with the same digits, in
`domain.csv_tables`. No other package of ours is imported.
"""

import re
from datetime import date
from decimal import Decimal, InvalidOperation

FIRST_YEAR = 1900
LAST_YEAR = 2200
_BLANKS = " \t\r\n\f\v"
_WHOLE = re.compile(r"[0-9]+")
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_SCIENTIFIC = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# A text of JSON without letters, with a sign in it that is none of a number's: an underscore, or one beyond ASCII.
_BEYOND = rb"[_\x80-\xff]|\\u[0-9a-fA-F]{4}"
_ODD = re.compile(rb'"[\s0-9.eE+-]*(?:' + _BEYOND + rb")(?:[\s0-9.eE+-]|" + _BEYOND + rb')*"')
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def is_whole(text: str) -> bool:
    """Whether a text is digits and nothing else."""
    return _WHOLE.fullmatch(text) is not None


def read_decimal(text: str) -> Decimal:
    """Return the number that a person wrote: a sign, digits, a point; blanks around. Raise ValueError."""
    return _read(text, _DECIMAL)


def read_scientific(text: str) -> Decimal:
    """Return the number that a machine wrote, which may have an exponent. Raise ValueError."""
    return _read(text, _SCIENTIFIC)


def may_be_misread(body: bytes) -> bool:
    """Whether JSON holds a text that `Decimal` may take for a number and `read_scientific` does not."""
    is_plain = body.isascii() and b"_" not in body and b"\\" not in body
    return not is_plain and _ODD.search(body) is not None


def _read(text: str, wanted: re.Pattern[str]) -> Decimal:
    plain = text.strip(_BLANKS)
    if not wanted.fullmatch(plain):
        raise ValueError("not a number")
    try:
        return Decimal(plain)
    except InvalidOperation:  # an exponent beyond all bounds
        raise ValueError("not a number") from None


def read_day(text: str) -> date:
    """Return the day that a text such as 2026-07-09 means, of the years 1900 to 2200. Raise ValueError."""
    if not _DAY.fullmatch(text) or not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        raise ValueError("not a day")
    return date.fromisoformat(text)
