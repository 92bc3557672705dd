"""What a field of an answer can hold: the types that payloads are made of, and the look that finds what is outside.

What is outside would be stored on one database, refused by the other, and break the page that shows it. So it is
refused here, by field and kind of fault; the value itself is never told. Lengths are those of the narrowest column that
keeps such a field. Amounts come out with at most two decimals, rounded half to even, so that no database rounds them
its own way. No network.
See docs/decisions/0015-what-an-answer-can-hold.md.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import chain
from operator import attrgetter
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import msgspec

from carefund.plain_numbers import FIRST_YEAR, LAST_YEAR

# Takes some attributes of rows.
Take = Callable[[Collection[Any]], Iterator[Any]]
CENT, TENTH, WHOLE = Decimal("0.01"), Decimal("0.1"), Decimal(1)
_NOTHING = Decimal(0)
_MOST_DIGITS = 16
_UNKEPT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Within:
    """A number between plus and minus `most`."""

    most: Decimal


MOST_MONEY = Decimal(10) ** 11
Money = Annotated[Decimal, Within(MOST_MONEY)]
Percentage = Annotated[Decimal, Within(Decimal(1000))]
Quantity = Annotated[Decimal, Within(Decimal(10) ** 7)]
# Texts by how long they can be: as long as the narrowest column that keeps one of their kind.
ShortId = Annotated[str, msgspec.Meta(max_length=20)]  # of people, providers and branches
Id = Annotated[str, msgspec.Meta(max_length=24)]
# Of what is asked for by its id, which stands in an address: `operations.path_for` sends no other.
IssuedId = Annotated[str, msgspec.Meta(max_length=24, pattern=r"^[A-Za-z0-9_-]+\Z")]
ShortCode = Annotated[str, msgspec.Meta(max_length=20)]
Code = Annotated[str, msgspec.Meta(max_length=40)]
Stamp = Annotated[str, msgspec.Meta(max_length=40)]
Label = Annotated[str, msgspec.Meta(max_length=120)]  # also of what a record is known by: indexes take no more
Name = Annotated[str, msgspec.Meta(max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=255)]
Sentence = Annotated[str, msgspec.Meta(max_length=2000)]


class MemberType(NamedTuple):
    """What a member's type comes to: its options without None, and, of a number, how large it can be."""

    options: tuple[Any, ...]
    most: Decimal | None


def kind_of(annotation: Any) -> MemberType:
    """The options of a payload type's annotation, with what stands around them taken off."""
    options, most = [], None
    for option in get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,):
        plain = option
        if get_origin(option) is Annotated:
            plain, *marks = get_args(option)
            most = next((mark.most for mark in marks if isinstance(mark, Within)), most)
        if plain is not type(None):
            options.append(plain)
    return MemberType(tuple(options), most)


def rounded(amount: Decimal) -> Decimal:
    """An amount with at most two decimals; one that is no number, or far too large, as it is."""
    if not amount.is_finite() or amount.adjusted() > _MOST_DIGITS:  # not abs(): it overflows on what we look for
        return amount
    return amount if _has_cents(amount) else amount.quantize(CENT)


def _has_cents(amount: Decimal) -> bool:
    return amount.same_quantum(CENT) or amount.same_quantum(WHOLE) or amount.same_quantum(TENTH)


def _is_within(amount: Decimal, most: Decimal) -> bool:
    return _has_cents(amount) and -most <= amount <= most


class Bounds:
    """The bounds of one payload type with what is nested in it. Build one per type and keep it."""

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        amounts: dict[Decimal, list[str]] = {}
        days: list[str] = []
        self._names = {info.name: info.encode_name for info in msgspec.structs.fields(kind)}
        self._texts: list[str] = []
        self._most: dict[str, Decimal] = {}
        self._days = days
        self._inner: list[tuple[str, Callable[[Any], Any], Bounds]] = []
        for info in msgspec.structs.fields(kind):
            options, most = kind_of(info.type)
            for option in options:
                item = get_args(option)[0] if get_origin(option) in (tuple, list) else None
                if option is Decimal:
                    if most is None:
                        raise TypeError(f"{kind.__name__}.{info.name} needs a type of `bounds`")
                    self._most[info.name] = most
                    amounts.setdefault(most, []).append(info.name)
                elif option is date:
                    days.append(info.name)
                elif option is str:
                    self._texts.append(info.name)
                elif isinstance(item, type) and issubclass(item, msgspec.Struct):
                    self._inner.append((info.name, attrgetter(info.name), Bounds(item)))
        self._take_amounts = tuple(
            (take, most.adjusted(), most) for most, names in amounts.items() if (take := taker(names))
        )
        self._take_inner = tuple((take, bounds) for _, take, bounds in self._inner)
        self._take_days = taker(days)

    def are_kept(self, rows: Collection[Any]) -> bool:
        """Whether all amounts and dates of decoded rows are within bounds. Made to cost little: every answer passes."""
        for take, digits, most in self._take_amounts:
            for amount in take(rows):
                # Nearly always cents or dollars of a usual size; what is not is looked at once more.
                if amount is None or (
                    (amount.same_quantum(CENT) or amount.same_quantum(WHOLE)) and amount.adjusted() < digits
                ):
                    continue
                if not _is_within(amount, most):
                    return False
        if self._take_days is not None:
            for day in self._take_days(rows):
                if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
                    return False
        for take_inner, bounds in self._take_inner:
            inner = list(chain.from_iterable(map(take_inner, rows)))
            if inner and not bounds.are_kept(inner):
                return False
        return True

    def total(self, rows: Iterable[Any]) -> Decimal:
        """The sizes of all amounts of rows, of what is nested too, added up."""
        found = sum((abs(getattr(row, name) or _NOTHING) for row in rows for name in self._most), _NOTHING)
        return found + sum((bounds.total(take(row)) for row in rows for take, bounds in self._take_inner), _NOTHING)

    def find_fault(self, rows: Sequence[Any]) -> tuple[str, str] | None:
        """The way to the first field that is out of bounds, and what is wrong with it; None when all is well."""
        return next((fault for row in rows for fault in self._faults(row)), None)

    def _faults(self, row: Any) -> Iterator[tuple[str, str]]:
        for name, most in self._most.items():
            amount = getattr(row, name)
            if amount is not None and not amount.is_finite():
                yield self._names[name], "is not a number"
            elif amount is not None and not _is_within(amount, most):
                yield self._names[name], "has a number that is too large"
        for name in self._days:
            day = getattr(row, name)
            if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
                yield self._names[name], "has a date before 1900 or after 2200"
        for name in self._texts:
            text = getattr(row, name)
            if isinstance(text, str) and _UNKEPT.search(text):
                yield self._names[name], "has a character that cannot be stored"
        for name, take, bounds in self._inner:
            for field, fault in (found for item in take(row) for found in bounds._faults(item)):
                yield f"{self._names[name]}.{field}", fault


def taker(names: Sequence[str]) -> Take | None:
    """A function that takes these attributes of all rows, one value after the other; None where there are none."""
    if not names:
        return None
    take = attrgetter(*names)
    return partial(map, take) if len(names) == 1 else lambda rows: chain.from_iterable(map(take, rows))
