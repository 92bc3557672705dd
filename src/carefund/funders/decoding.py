"""From bytes to typed rows: strictly and fast when the answer is spelled as expected, patiently when it is not.

The fast way is one pass of msgspec into the payload types. The patient way is taken when a row is spelled otherwise
(see `normalising`) or holds what it cannot (see `bounds`), and ends in the same types or in an error that names the
field, never the value. Whatever the bytes, nothing but rows or a FunderError comes out. No network.
Source: rules SA-06 to SA-08 and NDIS-04.
"""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import msgspec

from carefund.funders.any_json import decode_any, decode_cut
from carefund.funders.bounds import MOST_MONEY, Bounds
from carefund.funders.dialect import PLAIN, Dialect, bind, touches
from carefund.funders.errors.answers import ImpossibleValue, TooDeep, WrongType
from carefund.funders.errors.people import NotFound
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.normalising import Spellings, shape_of
from carefund.funders.refusals import details_in, is_business, says_nothing_found
from carefund.funders.unreadable import UnreadableRow, describe_content, is_kept
from carefund.plain_numbers import may_be_misread

Row = TypeVar("Row", bound=msgspec.Struct)
# What tells a row's bytes from others, as the caller wants it.
Fingerprint = Callable[[bytes], int]

_PLACE = re.compile(r"at `\$?\.?(?P<place>[^`]*)`")
_INDEX = re.compile(r"\[[^]]*\]")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]*)`")
_NO_ID = "matching regex"  # ids alone have one: see `bounds.IssuedId`
_TOO_LONG = re.compile(r"of length <= (?P<most>\d+)")
# What the patient way must take up: errors of these kinds, and no others, come from msgspec's decoders.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
# In the bytes of texts that no database keeps, whoever wrote them.
_NUL = b"\\u0000"


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
        if body[:1] == b"[" and not self._is_rewritten and not _needs_a_look(body):
            try:
                rows = self._many.decode(self._without_blank_dates(body))
            except _UNREADABLE:
                pass  # the patient way finds out why, or reads it all the same
            else:
                if self._is_all(rows, body):
                    return rows
        return self._convert([self._shape.tidy(row) for row in self._find_rows(body, operation)], operation)

    def read_list(self, body: bytes, operation: str) -> list[Row | UnreadableRow]:
        """The rows of a list about many people or things; one that holds what it cannot concerns nothing but itself.

        Raises what `read_rows` raises, but for such a row only where all are such, or where it names nothing at all
        and stands alone: then the answer is another than was asked for.
        """
        try:
            return [*self.read_rows(body, operation)]
        except (ImpossibleValue, WrongType, TooDeep) as problem:
            rows = [self._read_apart(row, operation) for row in self._find_rows(body, operation, decode_cut)]
            unreadable = [row for row in rows if isinstance(row, UnreadableRow)]
            if rows and len(unreadable) == len(rows) and (len(rows) > 1 or not unreadable[0].names_something):
                raise problem from None
            return rows

    def read_unknown(
        self, body: bytes, operation: str, fingerprint: Fingerprint, known: Container[int]
    ) -> list[tuple[int, Row | UnreadableRow | None]]:
        """The rows of a list as `read_list` gives them, each with the fingerprint of its bytes. One whose fingerprint
        is `known` is not decoded, and None stands for it. Where rows cannot be told apart, each is decoded and has 0.
        """
        try:
            raws = _split(body) if body[:1] == b"[" else []
        except _UNREADABLE:
            raws = []
        if not raws:
            return [(0, row) for row in self.read_list(body, operation)]
        prints = [fingerprint(raw) for raw in raws]
        new = [place for place, found in enumerate(prints) if found not in known]
        if len(new) == len(raws):
            return list(zip(prints, self.read_list(body, operation), strict=True))
        read: dict[int, Row | UnreadableRow] = {}
        if new:
            # Beside a known one: rows that hold what they cannot speak against the answer only where all are such.
            places = [next(place for place, found in enumerate(prints) if found in known), *new]
            rows = self.read_list(b"[%b]" % b",".join(raws[place] for place in places), operation)
            read = dict(zip(places[1:], rows[1:], strict=True))
        return [(found, read.get(place)) for place, found in enumerate(prints)]

    def _read_apart(self, raw: Any, operation: str) -> Row | UnreadableRow:
        tidied = self._shape.tidy(raw)
        try:
            return self._convert([tidied], operation)[0]
        except (ImpossibleValue, WrongType, TooDeep) as problem:
            texts = self._read_texts(tidied) if isinstance(tidied, dict) else ()
            return UnreadableRow(texts, describe_content(raw), problem.message)

    def _read_texts(self, tidied: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        required = self._shape.identifying
        found = (
            (member.name, tidied.get(member.wire_name, None if member.wire_name in required else ""))
            for member in self._shape.members
        )
        return tuple((name, value) for name, value in found if isinstance(value, str) and is_kept(value))

    def _find_rows(self, body: bytes, operation: str, decode: Callable[[bytes, str], Any] = decode_any) -> list[Any]:
        document = decode(body, operation)
        return document if isinstance(document, list) else self._rows_within(document, operation)

    def read_one(self, body: bytes, operation: str) -> Row:
        """The one row of an object, or of an array of one. Raises NotFound when there is none."""
        if body[:1] == b"{" and self._shape.identifying and not self._is_rewritten and not _needs_a_look(body):
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


def _needs_a_look(body: bytes) -> bool:
    """Whether the bytes hold what the fast way takes and should not: NUL, or a number in signs that are none."""
    has_nul = b"\\" in body and _NUL in body  # a backslash is rare, and looked for at no cost
    return has_nul or may_be_misread(body)


def _ending(name: str) -> str:
    """How names of dates end, so that one replacement serves several; names that end otherwise stand for themselves."""
    return next((ending for ending in ("Date", "_date") if name.endswith(ending)), f'"{name}')


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
    if _NO_ID in text:
        return ImpossibleValue(f"The field {field} is not an ID.", field=field, operation=operation)
    if too_long := _TOO_LONG.search(text):
        said = f"is longer than {too_long['most']} characters"
        return ImpossibleValue(f"The field {field} {said}.", field=field, operation=operation)
    said = "is missing" if missing else "has an unexpected type"
    return WrongType(f"The field {field or 'at the top'} {said}.", field=field, operation=operation)
