"""Loose spellings made strict: an object as the funder may write it becomes one that a payload type accepts.

Other member names, a number for a text id, "" or a zero date for no date, null for an empty text or list. No network;
what cannot be tidied is left as it is, for the type to refuse.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import chain, repeat
from operator import attrgetter, is_
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from carefund.funders.bounds import kind_of, rounded
from carefund.funders.dialect import DATE_FORMATS, PLAIN, Dialect, find_ancestor
from carefund.plain_numbers import read_scientific

NO_DATES = ("0000-00-00", "0001-01-01")
NO_END = "9999-12-31"
Spellings = Mapping[str, tuple[str, ...]]
_LEAVE_OUT = object()
_DATE_LENGTH = 10
_NO_NUMBER = Decimal("NaN")  # which bounds refuse


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a payload type: its name here and on the wire, its other names there, its type in words, and how to
    tidy its value."""

    name: str
    kind: str
    wire_name: str
    other_names: tuple[str, ...]
    tidy: Callable[[Any], Any]
    is_date: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """How to turn a loosely spelled object into one that the payload type accepts.

    `identifying` are the required members: an object that has one is a row, not an envelope.
    """

    members: tuple[Member, ...]
    identifying: tuple[str, ...]
    inner: tuple["Shape", ...]
    take_spelled: tuple[tuple[Any, Callable[[Any], Any], tuple[bytes, ...]], ...]
    take_inner: tuple[tuple[Callable[[Any], Any], "Shape"], ...]

    @property
    def description(self) -> str:
        """The members in words: names, other names, types with their bounds."""
        members = (
            f"{member.name}={'|'.join((member.wire_name, *member.other_names))}:{member.kind}"
            for member in self.members
        )
        return f"{{{', '.join(members)}}}"

    def other_names(self) -> set[str]:
        """Every other name, of what is nested too."""
        names = {name for member in self.members for name in member.other_names}
        return names.union(*(shape.other_names() for shape in self.inner))

    def dates(self) -> set[str]:
        """The names of the dates."""
        return {member.wire_name for member in self.members if member.is_date}

    def list_gaps(self, rows: Collection[Any]) -> Iterator[bytes]:
        """What to look for in the bytes of these decoded rows: the other names of each member that is nowhere to be
        seen in one of them, since it may have come by one of those."""
        for default, take, marks in self.take_spelled:
            found = map(take, rows)
            # By identity, since an amount takes long to say that it does not equal None.
            if any(map(is_, found, repeat(None))) if default is None else default in found:
                yield from marks
        for take_inner, shape in self.take_inner:
            yield from shape.list_gaps(list(chain.from_iterable(map(take_inner, rows))))

    def looks_like_row(self, row: Any) -> bool:
        """Whether an object has what identifies a row, or, where nothing does, any member that a row can have."""
        if not isinstance(row, dict):
            return False
        if self.identifying:
            return any(name in row for name in self.identifying)
        return any(name in row for member in self.members for name in (member.wire_name, *member.other_names))

    def tidy(self, row: Any) -> Any:
        """The row spelled as the payload type wants it."""
        if not isinstance(row, dict):
            return row
        tidied = {}
        for member in self.members:
            name = next((name for name in (member.wire_name, *member.other_names) if name in row), None)
            if name is not None and (value := member.tidy(row[name])) is not _LEAVE_OUT:
                tidied[member.wire_name] = value
        return tidied


def shape_of(kind: type[msgspec.Struct], spellings: Spellings, dialect: Dialect = PLAIN) -> Shape:
    """The shape of a payload type, under its own spellings and further ones ("Budget.used" → names), and under the
    dialect's dates, signs and codes."""
    known: dict[str, tuple[str, ...]] = {}
    for ancestor in reversed(kind.__mro__):
        known |= vars(ancestor).get("other_spellings", {})
    members, inner, required = [], [], []
    spelled: list[tuple[Any, Callable[[Any], Any], tuple[bytes, ...]]] = []
    for info in msgspec.structs.fields(kind):
        options = kind_of(info.type).options
        may_have_no_end = info.name.endswith(("end_date", "_to"))
        tidy, shape = _tidier(options, spellings, dialect, may_have_no_end=may_have_no_end)
        tidy = _in_dialect(tidy, find_ancestor(kind, info.name), options, dialect)
        if shape is not None:
            inner.append((attrgetter(info.name), shape))
        if info.required:
            required.append(info.encode_name)
        further = (spellings.get(f"{ancestor.__name__}.{info.name}", ()) for ancestor in kind.__mro__)
        names = tuple(dict.fromkeys([*known.get(info.name, ()), *chain.from_iterable(further)]))
        if names and not info.required:
            spelled.append((info.default, attrgetter(info.name), tuple(f'"{name}"'.encode() for name in names)))
        description = shape.description if shape else _describe(info.type)
        members.append(Member(info.name, description, info.encode_name, names, tidy, date in options))
    return Shape(
        tuple(members),
        tuple(required),
        tuple(shape for _, shape in inner),
        tuple(spelled),
        tuple((take, shape) for take, shape in inner if shape.other_names()),
    )


def _describe(kind: Any) -> str:
    """A member's type in words that are the same in every version of Python."""
    if get_origin(kind) is Annotated:
        inner, *bounds = get_args(kind)
        return f"{_describe(inner)} {' '.join(map(repr, bounds))}"
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else ()
    if options:
        return " or ".join(sorted(map(_describe, options)))
    return getattr(kind, "__name__", None) or repr(kind)


def _tidier(
    options: tuple[Any, ...], spellings: Spellings, dialect: Dialect, *, may_have_no_end: bool
) -> tuple[Callable[[Any], Any], Shape | None]:
    for option in options:
        if option is str:
            return _text, None
        if option is date:
            return _last_day if may_have_no_end else _date, None
        if option is Decimal:
            return _amount, None
        if get_origin(option) in (tuple, list):
            item = get_args(option)[0]
            if isinstance(item, type) and issubclass(item, msgspec.Struct):
                shape = shape_of(item, spellings, dialect)
                return _list_of(shape), shape
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            shape = shape_of(option, spellings, dialect)
            return shape.tidy, shape
    return _as_it_is, None


def _in_dialect(
    tidy: Callable[[Any], Any], member: str, options: tuple[Any, ...], dialect: Dialect
) -> Callable[[Any], Any]:
    """What tidies a member of a dialect: its date, its code or its sign is made the usual one too."""
    if date in options and dialect.date_format:
        written = DATE_FORMATS[dialect.date_format]
        return lambda value: tidy(_usual_date(value, written))
    if codes := {theirs: ours for name, theirs, ours in dialect.codes if name == member}:
        return lambda value: tidy(codes.get(value, value) if isinstance(value, str) else value)
    if member in dialect.turned:
        return lambda value: _turned(tidy(value))
    return tidy


def _usual_date(value: Any, written: str) -> Any:
    """A date in ISO 8601; what is not written as the dialect says stays as it is."""
    if not isinstance(value, str) or not value.isascii():  # strptime reads the digits of every script
        return value
    if value.strip() and not value.strip("0/.-"):
        return NO_DATES[0]
    try:
        return datetime.strptime(value, written).date().isoformat()  # noqa: DTZ007 a date has no zone
    except ValueError:
        return value


def _turned(value: Any) -> Any:
    return 0 - value if isinstance(value, Decimal) else value  # not -value, which makes 0 a negative zero


def _as_it_is(value: Any) -> Any:
    return value


def _text(value: Any) -> Any:
    if value is None:
        return _LEAVE_OUT
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    is_plain = isinstance(value, Decimal) and value.is_finite() and "E" not in str(value)
    return f"{value}" if is_whole or is_plain else value


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value.strip() or value.startswith(NO_DATES):
        return None
    # A date dressed as midnight; any other time of day would have to be placed in a zone first, so it stays an error.
    return value[:_DATE_LENGTH] if value[_DATE_LENGTH:].startswith("T00:00:00") else value


def _last_day(value: Any) -> Any:
    return None if isinstance(value, str) and value.startswith(NO_END) else _date(value)


def _amount(value: Any) -> Any:
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            value = read_scientific(value)
        except ValueError:
            return _refused(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    return rounded(value) if isinstance(value, Decimal) else value


def _refused(text: str) -> Any:
    """What no type takes in place of a text that is no number: the text, unless the type could read it."""
    try:
        Decimal(text)
    except InvalidOperation:
        return text
    return _NO_NUMBER


def _list_of(shape: Shape) -> Callable[[Any], Any]:
    def tidy(value: Any) -> Any:
        if value is None:
            return _LEAVE_OUT
        return [shape.tidy(item) for item in value] if isinstance(value, list) else value

    return tidy
