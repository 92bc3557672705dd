"""From bytes to typed rows: strictly and fast when the answer is spelled as expected, patiently when it is not.

The fast way is one pass of msgspec into the payload types. The patient way is taken when a row is spelled otherwise
(another member name, a number for a text id, "" or a zero date for no date, an object around the array) and ends in the
same types or in an error that names the field, never the value. No network.
Source: rules SA-06 to SA-08 and NDIS-04.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec

from carefund.funders.errors import FunderError, Incomplete, NotFound, NotJson, RequestRejected, WrongType
from carefund.funders.refusals import details_in, is_business, says_nothing_found

Row = TypeVar("Row", bound=msgspec.Struct)
Spellings = Mapping[str, tuple[str, ...]]

NO_DATES = ("0000-00-00", "0001-01-01")
_PLACE = re.compile(r"at `\$?\.?(?P<place>[^`]*)`")
_INDEX = re.compile(r"\[[^]]*\]")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]*)`")
_ANY = msgspec.json.Decoder(float_hook=Decimal)
_LEAVE_OUT = object()
_DATE_LENGTH = 10


class RowReader(Generic[Row]):
    """Reads answers that hold rows of one payload type; build one per type and keep it.

    `spellings` are an installation's own, beside those of the type: "Budget.used" → the member's further names.
    """

    def __init__(self, kind: type[Row], spellings: Spellings = MappingProxyType({})) -> None:
        self._kind = kind
        self._shape = _shape_of(kind, spellings)
        self._many = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]  # a type known at run time only
        self._one = msgspec.json.Decoder(kind)
        self._blank_dates = tuple(
            (f'"{member.wire_name}":""'.encode(), f'"{member.wire_name}":null'.encode())
            for member in self._shape.dates()
        )
        # Seen in the bytes, these mean that the fast way would succeed and yet lose something.
        self._marks = (b'"0001-01-01', *(f'"{name}"'.encode() for name in sorted(self._shape.other_names())))

    @property
    def description(self) -> str:
        """How rows are read, as one text: members, types, spellings. Equal texts read equal answers alike."""
        return self._shape.description

    def mentions(self, body: bytes, *members: str) -> bool:
        """Whether an answer's bytes hold any of these members, under whatever name."""
        wanted = [member for member in self._shape.members if member.name in members]
        return any(
            f'"{name}"'.encode() in body for member in wanted for name in (member.wire_name, *member.other_names)
        )

    def read_rows(self, body: bytes, operation: str) -> list[Row]:
        """The rows of an array, of an object that holds one array, or of one bare object.

        Raises NotFound for a body that says so, NotJson, Incomplete, WrongType.
        """
        if body[:1] == b"[" and not self._is_marked(body):
            try:
                return self._many.decode(self._without_blank_dates(body))
            except (msgspec.DecodeError, UnicodeDecodeError):
                pass  # the patient way finds out why, or reads it all the same
        document = decode_any(body, operation)
        rows = document if isinstance(document, list) else self._rows_within(document, operation)
        return self._convert([self._shape.tidy(row) for row in rows], operation)

    def read_one(self, body: bytes, operation: str) -> Row:
        """The one row of an object, or of an array of one. Raises NotFound when there is none."""
        if body[:1] == b"{" and not self._is_marked(body):
            try:
                return self._one.decode(self._without_blank_dates(body))
            except (msgspec.DecodeError, UnicodeDecodeError):
                pass
        rows = self.read_rows(body, operation)
        if not rows:
            raise NotFound(operation=operation)
        if len(rows) > 1:
            raise WrongType("One record was asked for and several came.", operation=operation)
        return rows[0]

    def _without_blank_dates(self, body: bytes) -> bytes:
        # Some views always have one; in compact JSON it costs little to keep the fast way open for them.
        if b'Date":""' in body:
            for blank, null in self._blank_dates:
                body = body.replace(blank, null)
        return body

    def _is_marked(self, body: bytes) -> bool:
        return any(mark in body for mark in self._marks)

    def _rows_within(self, document: Any, operation: str) -> list[Any]:
        if not isinstance(document, dict):
            raise WrongType("Neither an array nor an object came.", operation=operation)
        if any(name in document for name in self._shape.identifying):
            return [document]
        raise_business_error(document, operation)
        arrays = [value for value in document.values() if isinstance(value, list)]
        if len(arrays) == 1:
            return arrays[0]
        return [document]

    def _convert(self, rows: list[Any], operation: str) -> list[Row]:
        try:
            return msgspec.convert(rows, list[self._kind])  # type: ignore[name-defined]  # known at run time only
        except msgspec.ValidationError as problem:
            raise wrong_type(problem, operation) from None


def decode_any(body: bytes, operation: str) -> Any:
    """Any JSON, numbers with a point as Decimal. Raises NotJson or Incomplete."""
    try:
        return _ANY.decode(body)
    except UnicodeDecodeError:
        raise NotJson(operation=operation) from None
    except msgspec.DecodeError as problem:
        # An empty body is no JSON; one that begins as JSON and ends too early broke off.
        begun = body.lstrip()[:1] in (b"[", b"{")
        kind: type[FunderError] = Incomplete if begun and "truncated" in str(problem) else NotJson
        raise kind(operation=operation) from None


def raise_business_error(document: Mapping[str, Any], operation: str) -> None:
    """Raise NotFound or RequestRejected when a body sent as a success is in truth a business error."""
    details = details_in(document)
    if says_nothing_found(details):
        raise NotFound(operation=operation, details=details)
    if is_business(details):
        raise RequestRejected(operation=operation, details=details)


def wrong_type(problem: msgspec.ValidationError, operation: str) -> WrongType:
    """The error that names the field of a decoding problem, and never its value."""
    text = str(problem)
    place = _PLACE.search(text)
    missing = _MISSING.search(text)
    names = [_INDEX.sub("", place["place"]).strip(".")] if place else []
    if missing:
        names.append(missing["name"])
    field = ".".join(name for name in names if name)
    said = "is missing" if missing else "has another type than expected"
    return WrongType(f"The field {field or 'at the top'} {said}.", field=field, operation=operation)


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    wire_name: str
    other_names: tuple[str, ...]
    tidy: Callable[[Any], Any]
    kind: str


@dataclass(frozen=True, slots=True)
class _Shape:
    """How to turn a loosely spelled object into one that the payload type accepts.

    `identifying` are the required members: an object that has one is a row, not an envelope.
    """

    members: tuple[_Member, ...]
    identifying: tuple[str, ...]
    inner: tuple["_Shape", ...]

    @property
    def description(self) -> str:
        members = (
            f"{member.name}={'|'.join((member.wire_name, *member.other_names))}:{member.kind}"
            for member in self.members
        )
        return f"{{{', '.join(members)}}}"

    def other_names(self) -> set[str]:
        names = {name for member in self.members for name in member.other_names}
        return names.union(*(shape.other_names() for shape in self.inner))

    def dates(self) -> list["_Member"]:
        return [member for member in self.members if member.tidy is _date]

    def tidy(self, row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        tidied = {}
        for member in self.members:
            name = next((name for name in (member.wire_name, *member.other_names) if name in row), None)
            if name is not None and (value := member.tidy(row[name])) is not _LEAVE_OUT:
                tidied[member.wire_name] = value
        return tidied


def _shape_of(kind: type[msgspec.Struct], spellings: Spellings) -> _Shape:
    known: dict[str, tuple[str, ...]] = {}
    for ancestor in reversed(kind.__mro__):
        known |= vars(ancestor).get("other_spellings", {})
    members, inner, required = [], [], []
    for info in msgspec.structs.fields(kind):
        tidy, shape = _tidier(info.type, spellings)
        if shape is not None:
            inner.append(shape)
        if info.required:
            required.append(info.encode_name)
        further = (spellings.get(f"{ancestor.__name__}.{info.name}", ()) for ancestor in kind.__mro__)
        names = tuple(dict.fromkeys([*known.get(info.name, ()), *chain.from_iterable(further)]))
        description = shape.description if shape else _describe(info.type)
        members.append(_Member(info.name, info.encode_name, names, tidy, description))
    return _Shape(tuple(members), tuple(required), tuple(inner))


def _describe(kind: Any) -> str:
    """A member's type in words that are the same in every version of Python."""
    if get_origin(kind) is Annotated:
        inner, *bounds = get_args(kind)
        return f"{_describe(inner)} {' '.join(map(repr, bounds))}"
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return " or ".join(sorted(getattr(option, "__name__", None) or repr(option) for option in options))


def _tidier(kind: Any, spellings: Spellings) -> tuple[Callable[[Any], Any], _Shape | None]:
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    for option in options:
        if option is str:
            return _text, None
        if option is date:
            return _date, None
        if option is Decimal:
            return _amount, None
        if get_origin(option) in (tuple, list):
            item = get_args(option)[0]
            if isinstance(item, type) and issubclass(item, msgspec.Struct):
                shape = _shape_of(item, spellings)
                return _list_of(shape), shape
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            shape = _shape_of(option, spellings)
            return shape.tidy, shape
    return _as_it_is, None


def _as_it_is(value: Any) -> Any:
    return value


def _text(value: Any) -> Any:
    if value is None:
        return _LEAVE_OUT
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    return value


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value.strip() or value.startswith(NO_DATES):
        return None
    # A date dressed as midnight; any other time of day would have to be placed in a zone first, so it stays an error.
    return value[:_DATE_LENGTH] if value[_DATE_LENGTH:].startswith("T00:00:00") else value


def _amount(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _list_of(shape: _Shape) -> Callable[[Any], Any]:
    def tidy(value: Any) -> Any:
        if value is None:
            return _LEAVE_OUT
        return [shape.tidy(item) for item in value] if isinstance(value, list) else value

    return tidy
