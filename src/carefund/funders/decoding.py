"""From bytes to typed rows: strictly and fast when the answer is spelled as expected, patiently when it is not.

The fast way is one pass of msgspec into the payload types. The patient way is taken when a row is spelled otherwise
(see `normalising`) or holds what it cannot (see `bounds`), and ends in the same types or in an error that names the
field, never the value. Whatever the bytes, nothing but rows or a FunderError comes out. No network.
Source: rules SA-06 to SA-08 and NDIS-04.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import msgspec

from carefund.funders.bounds import MOST_MONEY, Bounds
from carefund.funders.dialect import PLAIN, Dialect, bind, touches
from carefund.funders.errors.answers import ImpossibleValue, NotJson, TooDeep, WrongCharacters, WrongType
from carefund.funders.errors.outages import Incomplete
from carefund.funders.errors.people import NotFound
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.errors.root import FunderError
from carefund.funders.normalising import Spellings, shape_of
from carefund.funders.refusals import details_in, is_business, says_nothing_found

Row = TypeVar("Row", bound=msgspec.Struct)

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PLACE = re.compile(r"at `\$?\.?(?P<place>[^`]*)`")
_INDEX = re.compile(r"\[[^]]*\]")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]*)`")
_TOO_LONG = re.compile(r"of length <= (?P<most>\d+)")
_NO_NUMBER = Decimal("NaN")
_LONGEST_WHOLE = 40  # digits; no id and no amount has more
# What the patient way must take up: errors of these kinds, and no others, come from msgspec's decoders.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# In the bytes of texts that no database keeps, whoever wrote them.
_NUL = b"\\u0000"


class UnreadableRow(msgspec.Struct, frozen=True):
    """A row of a list of many people that holds what it cannot: whom it is about, and its content to compare."""

    care_recipient_id: str
    content: bytes


class RowReader(Generic[Row]):
    """Reads answers that hold rows of one payload type; build one per type and keep it.

    `spellings` are an installation's own, beside those of the type: "Budget.used" → the member's further names. What
    the `dialect` calls the members is bound here, once.
    """

    def __init__(self, kind: type[Row], spellings: Spellings = MappingProxyType({}), dialect: Dialect = PLAIN) -> None:
        self._dialect = dialect
        self._envelopes = {operation: place.split(".") for operation, place in dialect.envelopes}
        # Signs and codes are made the usual ones member by member, so no answer of such a type goes the fast way.
        self._is_rewritten = touches(kind, dialect)
        kind = bind(kind, dialect)  # type: ignore[assignment]  # a subtype with the same members
        self._kind = kind
        self._shape = shape_of(kind, spellings, dialect)
        self._bounds = Bounds(kind)
        self._many = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]  # a type known at run time only
        self._one = msgspec.json.Decoder(kind)
        self._blank_dates = tuple(
            (f'{ending}":""'.encode(), f'{ending}":null'.encode())
            for ending in sorted({_ending(name) for name in self._shape.dates()})
        )

    @property
    def description(self) -> str:
        """How rows are read, as one text: members, types, spellings. Equal texts read equal answers alike."""
        return self._shape.description + self._dialect.description

    def name_of(self, member: str) -> str:
        """What the wire calls a member."""
        return next(known_member.wire_name for known_member in self._shape.members if known_member.name == member)

    def mentions(self, body: bytes, *members: str) -> bool:
        """Whether an answer's bytes hold any of these members, under whatever name."""
        wanted = [member for member in self._shape.members if member.name in members]
        return any(
            f'"{name}"'.encode() in body for member in wanted for name in (member.wire_name, *member.other_names)
        )

    def read_rows(self, body: bytes, operation: str) -> list[Row]:
        """The rows of an array, of an object that holds one array, or of one bare object.

        Raises NotFound for a body that says so, and BadAnswer or Incomplete for one that cannot be read.
        """
        if body[:1] == b"[" and not self._is_rewritten and not _has_nul(body):
            try:
                rows = self._many.decode(self._without_blank_dates(body))
            except _UNREADABLE:
                pass  # the patient way finds out why, or reads it all the same
            else:
                if self._is_all(rows, body):
                    return rows
        return self._convert([self._shape.tidy(row) for row in self._find_rows(body, operation)], operation)

    def read_list(self, body: bytes, operation: str) -> list[Row | UnreadableRow]:
        """The rows of a list of many people; one that holds what it cannot concerns nobody but its person.

        Raises what `read_rows` raises, but for such a row only where it names nobody, or where all are such.
        """
        try:
            return [*self.read_rows(body, operation)]
        except (ImpossibleValue, WrongType) as problem:
            rows = [self._read_apart(row, operation) for row in self._find_rows(body, operation)]
            if all(isinstance(row, UnreadableRow) for row in rows):
                raise problem from None
            return rows

    def _read_apart(self, raw: Any, operation: str) -> Row | UnreadableRow:
        tidied = self._shape.tidy(raw)
        try:
            return self._convert([tidied], operation)[0]
        except (ImpossibleValue, WrongType):
            person = tidied.get(self.name_of("care_recipient_id")) if isinstance(tidied, dict) else None
            if not isinstance(person, str) or not person:
                raise
            return UnreadableRow(person, repr(raw).encode(errors="backslashreplace"))

    def _find_rows(self, body: bytes, operation: str) -> list[Any]:
        document = decode_any(body, operation)
        return document if isinstance(document, list) else self._rows_within(document, operation)

    def read_one(self, body: bytes, operation: str) -> Row:
        """The one row of an object, or of an array of one. Raises NotFound when there is none."""
        if body[:1] == b"{" and self._shape.identifying and not self._is_rewritten and not _has_nul(body):
            try:
                row = self._one.decode(self._without_blank_dates(body))
            except _UNREADABLE:
                pass
            else:
                if self._is_all((row,), body):
                    return row
        document = decode_any(body, operation)
        found = document if isinstance(document, list) else self._rows_within(document, operation, alone=True)
        rows = self._convert([self._shape.tidy(row) for row in found], operation)
        if not rows:
            raise NotFound(operation=operation)
        if len(rows) > 1:
            raise WrongType("One record was expected, but the funder returned several.", operation=operation)
        return rows[0]

    def require_possible_sum(self, rows: Sequence[Row], operation: str) -> None:
        """Raise ImpossibleValue when the amounts of rows that are kept as sums come to more than an amount can be."""
        if self._bounds.total(rows) > MOST_MONEY:
            raise ImpossibleValue("The amounts in this response add up to an impossible total.", operation=operation)

    def _without_blank_dates(self, body: bytes) -> bytes:
        # Some views always have one; in compact JSON it costs little to keep the fast way open for them.
        for blank, null in self._blank_dates:
            body = body.replace(blank, null)
        return body

    def _is_all(self, rows: Sequence[Row], body: bytes) -> bool:
        """Whether decoded rows are within bounds and hold all that the body says in any spelling."""
        if not self._bounds.are_kept(rows):
            return False
        # Another name seen in the bytes means that the fast way succeeded and yet lost something. Looking for one costs
        # a tenth of decoding, so it is done only for what is missing.
        return not any(mark in body for mark in self._shape.list_gaps(rows))

    def _rows_within(self, document: Any, operation: str, *, alone: bool = False) -> list[Any]:
        """The rows of an object: itself, or what its one list of rows holds; lists beside that are of no interest.

        `alone`: one record is wanted, so an object that can be it is it.
        """
        if not isinstance(document, dict):
            raise WrongType("The response is neither an array nor an object.", operation=operation)
        if (within := self._find_within(document, operation)) is not None:
            return within if isinstance(within, list) else [within]
        is_row = self._shape.looks_like_row(document)
        if is_row and self._shape.identifying:
            return [document]
        raise_business_error(document, operation)
        lists = [value for value in document.values() if isinstance(value, list)]
        if is_row and (alone or not lists):
            return [document]
        holding = [rows for rows in lists if any(self._shape.looks_like_row(row) for row in rows)]
        if len(holding) > 1:
            raise WrongType("One list of records was expected, but the funder returned several.", operation=operation)
        if holding:
            return holding[0]
        if details := details_in({"errors": document.get("errors")}):
            raise RequestRejected(operation=operation, details=details)
        if any(not rows for rows in lists):  # no rows, and perhaps words about that beside it
            return []
        if self._shape.identifying:
            return lists[0] if len(lists) == 1 else [document]  # refused by the type, which says what is missing
        raise WrongType("The response has no list of records.", operation=operation)

    def _find_within(self, document: Any, operation: str) -> Any:
        """What stands where the dialect says that this operation's rows are; None when nothing does."""
        if operation not in self._envelopes:
            return None
        for name in self._envelopes[operation]:
            document = document.get(name) if isinstance(document, dict) else None
        return document

    def _convert(self, rows: list[Any], operation: str) -> list[Row]:
        try:
            found = msgspec.convert(rows, list[self._kind])  # type: ignore[name-defined]  # known at run time only
        except msgspec.ValidationError as problem:
            raise bad_field(problem, operation) from None
        except RecursionError:
            raise TooDeep(operation=operation) from None
        if fault := self._bounds.find_fault(found):
            field, wrong = fault
            raise ImpossibleValue(f"The field {field} {wrong}.", field=field, operation=operation)
        return found


def _has_nul(body: bytes) -> bool:
    return b"\\" in body and _NUL in body  # a backslash is rare, and looked for at no cost


def _ending(name: str) -> str:
    """How names of dates end, so that one replacement serves several; names that end otherwise stand for themselves."""
    return next((ending for ending in ("Date", "_date") if name.endswith(ending)), f'"{name}')


def decode_any(body: bytes, operation: str) -> Any:
    """Any JSON, numbers with a point as Decimal; NaN stands for a number that is none. Raises BadAnswer, Incomplete."""
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        return _ANY.decode(body)
    except RecursionError:
        raise TooDeep(operation=operation) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        return _decode_oddly(body, operation, problem)


def _decode_oddly(body: bytes, operation: str, problem: Exception) -> Any:
    """What the standard library makes of JSON that is not quite JSON: NaN, half characters, endless digits. A field
    that holds such a thing can then be named, and one that nobody asks for does no harm."""
    # An empty body is no JSON; one that begins as JSON and ends too early broke off.
    begun = body.lstrip()[:1] in (b"[", b"{")
    try:
        return json.loads(body.decode(), parse_float=_number, parse_int=_whole, parse_constant=lambda _: _NO_NUMBER)
    except RecursionError:
        raise TooDeep(operation=operation) from None
    except UnicodeDecodeError:
        kind: type[FunderError] = WrongCharacters if begun else NotJson
    except ValueError:
        kind = Incomplete if begun and "truncated" in str(problem) else NotJson
    raise kind(operation=operation) from None


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return _NO_NUMBER


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _LONGEST_WHOLE else _NO_NUMBER


_ANY = msgspec.json.Decoder(float_hook=_number)


def raise_business_error(document: Mapping[str, Any], operation: str) -> None:
    """Raise NotFound or RequestRejected when a body sent as a success is in truth a business error."""
    details = details_in(document)
    if says_nothing_found(details):
        raise NotFound(operation=operation, details=details)
    if is_business(details):
        raise RequestRejected(operation=operation, details=details)


def bad_field(problem: msgspec.ValidationError, operation: str) -> WrongType | ImpossibleValue:
    """The error that names the field of a decoding problem, and never its value."""
    text = str(problem)
    place = _PLACE.search(text)
    missing = _MISSING.search(text)
    names = [_INDEX.sub("", place["place"]).strip(".")] if place else []
    if missing:
        names.append(missing["name"])
    field = ".".join(name for name in names if name)
    if too_long := _TOO_LONG.search(text):
        said = f"is longer than {too_long['most']} characters"
        return ImpossibleValue(f"The field {field} {said}.", field=field, operation=operation)
    said = "is missing" if missing else "has an unexpected type"
    return WrongType(f"The field {field or 'at the top'} {said}.", field=field, operation=operation)
