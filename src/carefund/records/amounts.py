"""Amounts as they are read back, also where a row holds what no amount can be: NaN, or more digits than its column.

Rows from before such values were refused at the wire (docs/decisions/0015) may hold them. Reading them must not break
the page that shows them, so they come back as `UNREADABLE`, which says so wherever an amount is written.
"""

from decimal import Decimal
from typing import Any


class Unreadable(Decimal):
    """An amount that cannot be shown. Whatever is calculated with it cannot be shown either; it is never more or less
    than another, and takes no room in a drawing."""

    def __new__(cls) -> "Unreadable":
        return super().__new__(cls, "NaN")

    def __str__(self) -> str:
        return "cannot be shown"

    __repr__ = __str__

    def __format__(self, specifier: str, context: Any = None) -> str:
        return str(self)

    def __float__(self) -> float:
        return 0.0

    def __int__(self) -> int:
        return 0

    def _itself(self, *_: object, **__: object) -> "Unreadable":
        return self

    def _never(self, _: object) -> bool:
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _itself
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _itself
    __neg__ = __pos__ = __abs__ = __round__ = quantize = normalize = _itself  # type: ignore[assignment]
    __lt__ = __le__ = __gt__ = __ge__ = _never


UNREADABLE = Unreadable()


def readable(amount: Decimal | None) -> Decimal | None:
    """The amount, or UNREADABLE in place of one that is no number."""
    return amount if amount is None or amount.is_finite() else UNREADABLE
