"""Answers compared with what their types expect: what is unknown, never there, not decoded, or a code of its own.

What comes out names members, kinds and codes, never a value, and the lines of the interfaces file to change. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, get_args, get_origin

import msgspec

from carefund.funders.any_json import decode_any
from carefund.funders.bounds import kind_of
from carefund.funders.contract import Asked, Contract
from carefund.funders.decoding import RowReader
from carefund.funders.dialect import Dialect, bind, find_ancestor
from carefund.funders.errors.people import NotFound
from carefund.funders.errors.root import FunderError
from carefund.funders.interfaces.file_lines import Line
from carefund.funders.interfaces.member_matching import FoundRow, find_answer
from carefund.funders.interfaces.observed_members import (
    LEFT_OUT,
    SeenPlace,
    as_schema,
    find_written_date,
    is_code,
    is_name,
    kind_of_value,
    walk,
)
from carefund.funders.interfaces.similarity import DOUBTFUL, likeness_of_names, pair, words_of
from carefund.funders.normalising import Shape, Spellings, shape_of
from carefund.funders.services_australia.expected_answers import SERVICES_AUSTRALIA

_WHOSE_NAME = {
    "first", "last", "given", "family", "middle", "preferred", "recipient", "client", "participant", "person",
}  # fmt: skip


@dataclass
class Examination:
    """What came of examining answers, one after the other. `types`, `rows` and `names` (of people) hold values and stay
    in memory."""

    dialect: Dialect
    spellings: Spellings
    contract: Contract = SERVICES_AUSTRALIA
    types: dict[str, SeenPlace] = field(default_factory=dict)
    envelopes: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[Any]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    found: dict[str, set[str]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    undecoded: dict[tuple[str, str], int] = field(default_factory=dict)
    codes: set[tuple[str, str]] = field(default_factory=set)
    lines: set[Line] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def add(self, operation: str, body: bytes) -> Any:
        """Examine one answer; gives it as plain JSON. Raises FunderError for what is no JSON."""
        asked = self.contract.operations[operation]
        if asked.answer is None:
            return self._name_members(operation, body)
        kind = bind(asked.answer, self.dialect)
        document = decode_any(body, operation)
        self._note_names(document)
        this = SeenPlace()
        this.add(document)
        place, _, row = find_answer(replace(asked, answer=kind), as_schema(this))
        self._read(operation, asked, body)
        if row is None:
            return document
        self.envelopes[operation] = place
        is_safe = all(map(is_name, filter(None, place.split("."))))
        if operation in self.problems and place and is_safe and dict(self.dialect.envelopes).get(operation) != place:
            self._note_line("envelopes", operation, place, row.share)
        there = this.find(place)
        inner = there.rows if there and there.rows else there
        if inner is not None:
            self._note(row, kind, shape_of(kind, self.spellings, self.dialect), inner)
        for raw in _list_objects(document, place):
            self._check(kind, shape_of(kind, self.spellings, self.dialect), raw)
        return document

    def _name_members(self, operation: str, body: bytes) -> Any:
        """Name the members of an answer of which nothing is known; there may be no answer."""
        document = decode_any(body, operation) if body else None
        names = {name for raw in _list_objects(document, "") for name in raw}
        self.unknown.update(f"{operation}.{name if is_name(name) else LEFT_OUT}" for name in names)
        return document

    def _note_names(self, document: Any) -> None:
        """Take note of what people are called, so that it can be left out of what the funder says otherwise."""
        called = {theirs for ours, theirs in self.dialect.members if _is_of_person(ours.partition(".")[2])}
        self.names.update(
            value
            for name, value in walk(document)
            if isinstance(value, str) and (name in called or _is_of_person(name))
        )

    def _note_line(self, table: str, ours: str, theirs: str, confidence: float) -> None:
        self.lines.add(Line(table, ours, theirs, confidence, self.contract.name))

    def _read(self, operation: str, asked: Asked, body: bytes) -> None:
        kind = asked.answer
        assert kind is not None
        known = {operation: asked.envelope} if asked.envelope else {}
        dialect = replace(self.dialect, envelopes=tuple((known | dict(self.dialect.envelopes)).items()))
        reader = RowReader(kind, self.spellings, dialect)
        try:
            rows = reader.read_rows(body, operation) if asked.is_list else [reader.read_one(body, operation)]
        except NotFound:
            rows = []
        except FunderError as problem:  # its text names a field at most
            self.problems[operation] = str(problem)
            return
        self.rows.setdefault(operation, []).extend(rows)

    def _note(self, row: FoundRow, kind: type[msgspec.Struct], shape: Shape, seen: SeenPlace) -> None:
        """Take note of the members of one type, and of the rows in it."""
        title = row.kind
        readable = {name for member in shape.members for name in (member.wire_name, *member.other_names)}
        found = self.found.setdefault(title, set())
        for match, _ in row.matches:
            found.add(match.ours)
            if match.theirs in readable:
                continue
            self.unknown.add(f"{title}.{match.theirs if is_name(match.theirs) else LEFT_OUT}")
            if match.confidence >= DOUBTFUL and is_name(match.theirs):
                self._note_line("members", match.ours, match.theirs, round(match.confidence, 2))
        for name in (name for name in seen.members if name in readable):
            found.update(find_ancestor(kind, member.name) for member in shape.members
                         if name in (member.wire_name, *member.other_names))  # fmt: skip
        self.absent.update(f"{title}|{name}" for name in row.missing)
        self.unknown.update(
            f"{title}.{name if is_name(name) else LEFT_OUT}" for name in row.new if name not in readable
        )
        for member, info in zip(shape.members, msgspec.structs.fields(kind), strict=True):
            name = next((name for name in (member.wire_name, *member.other_names) if name in seen.members), "")
            inner = next((part for part in row.inner if part.kind == _name_of_rows(info.type)), None)
            rows = seen.members[name].rows if name else None
            if inner is not None and rows is not None:
                row_kind = get_args(info.type)[0]
                self._note(inner, row_kind, shape_of(row_kind, self.spellings, self.dialect), rows)
            elif name and member.is_date:
                written = find_written_date(name, seen.members[name])
                if written and written != self.dialect.date_format:
                    self._note_line("dates", "format", written, 0.9)

    def _check(self, kind: type[msgspec.Struct], shape: Shape, raw: Any) -> None:
        """Decode the members of one object, each for itself."""
        if not isinstance(raw, dict):
            return
        self.types.setdefault(kind.__name__, SeenPlace()).add(raw)
        tidied = shape.tidy(raw)
        for member, info in zip(shape.members, msgspec.structs.fields(kind), strict=True):
            name = next((name for name in (member.wire_name, *member.other_names) if name in raw), None)
            if name is None:
                continue
            known = find_ancestor(kind, member.name)
            if _name_of_rows(info.type) and isinstance(raw[name], list):
                row_kind = get_args(info.type)[0]
                for inner in raw[name]:
                    self._check(row_kind, shape_of(row_kind, self.spellings, self.dialect), inner)
            elif member.wire_name in tidied:
                self._check_value(known, kind_of_value(raw[name]), tidied[member.wire_name], info.type)

    def _check_value(self, known: str, said: str, value: Any, annotation: Any) -> None:
        try:
            read = msgspec.convert(value, annotation)
        except msgspec.ValidationError:
            wanted = "a date" if date in kind_of(annotation).options else "what it should be"
            place = (known, f"{said}, which is not {wanted}")
            self.undecoded[place] = self.undecoded.get(place, 0) + 1
            return
        ours = self.contract.known_codes.get(known)
        if ours and isinstance(read, str) and read and read.casefold() not in map(str.casefold, ours):
            self.codes.add((known, read if is_code(read) else "a text that is no code"))
            for match in pair(ours, [read] if is_code(read) else [], likeness_of_names, (str, str)):
                self._note_line("codes", f"{known}.{match.ours}", match.theirs, round(match.confidence, 2))

    @property
    def absent_members(self) -> list[str]:
        """Members that none of the answers with their type held."""
        found = set().union(*self.found.values()) if self.found else set()
        return sorted({entry.partition("|")[2] for entry in self.absent} - found)


def _name_of_rows(annotation: Any) -> str:
    """The name of the type of the rows in a member; "" where it holds none."""
    if get_origin(annotation) is tuple:
        row = get_args(annotation)[0]
        if isinstance(row, type) and issubclass(row, msgspec.Struct):
            return row.__name__
    return ""


def _is_of_person(name: str) -> bool:
    """Whether a member holds what somebody is called."""
    words = set(words_of(name))
    return "surname" in words or ("name" in words and bool(words & _WHOSE_NAME))


def _list_objects(document: Any, place: str) -> Iterator[Mapping[str, Any]]:
    for name in filter(None, place.split(".")):
        document = document.get(name) if isinstance(document, dict) else None
    for raw in document if isinstance(document, list) else [document]:
        if isinstance(raw, dict):
            yield raw
