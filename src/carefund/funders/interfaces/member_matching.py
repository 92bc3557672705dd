"""Our members found in their schemas: payload types in answers and in bodies. Pure functions of what was read."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, get_args

from msgspec import Struct, structs

from carefund.funders.bounds import kind_of
from carefund.funders.contract import Asked
from carefund.funders.dialect import find_ancestor
from carefund.funders.interfaces.descriptions import Schema
from carefund.funders.interfaces.similarity import (
    LIKELY,
    Match,
    fits,
    kind_of_member,
    likeness_of_names,
    likeness_of_types,
    pair,
)

_DEEPEST_ENVELOPE = 3


@dataclass(frozen=True, slots=True)
class OwnMember:
    """One member of ours: the name that it is known by, what the wire is known to call it, and of which kind it is."""

    name: str
    spellings: tuple[str, ...]
    kind: str
    row: type[Struct] | None = None


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A payload type found in a schema: what matches, what is missing there, what is new, what is of another type.
    `confidence`: how sure the member is that holds rows of it."""

    kind: str
    first: str = ""
    matches: tuple[tuple[Match, Schema], ...] = ()
    missing: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    other_type: tuple[str, ...] = ()
    inner: tuple["FoundRow", ...] = ()
    confidence: float = 1.0

    @property
    def share(self) -> float:
        """How much of the type was found, from 0 to 1; nested rows count as one member each."""
        number = len(self.matches) + len(self.missing)
        return sum(match.confidence for match, _ in self.matches) / number if number else 0.0

    @property
    def identifies(self) -> float:
        """How surely the first member, by which a row is known, was found, from 0 to 1; a likely name will do."""
        sure = max((match.confidence for match, _ in self.matches if match.ours == self.first), default=0.0)
        return sure if sure >= LIKELY else 0.0


@lru_cache(maxsize=200)
def list_own_members(kind: type[Struct]) -> tuple[OwnMember, ...]:
    """The members of a payload type, with every spelling that is known; of one bound to a dialect, the usual too."""
    known: dict[str, tuple[str, ...]] = {}
    usual: dict[str, str] = {}
    for ancestor in reversed(kind.__mro__):
        known |= vars(ancestor).get("other_spellings", {})
        if issubclass(ancestor, Struct) and ancestor is not Struct:
            usual = {info.name: info.encode_name for info in structs.fields(ancestor)} | usual
    return tuple(
        OwnMember(
            find_ancestor(kind, info.name),
            tuple(dict.fromkeys((info.encode_name, *known.get(info.name, ()), usual[info.name]))),
            kind_of_member(info.type),
            _row_of(info.type),
        )
        for info in structs.fields(kind)
    )


def _row_of(annotation: Any) -> type[Struct] | None:
    for option in kind_of(annotation).options:
        for inner in get_args(option):
            if isinstance(inner, type) and issubclass(inner, Struct):
                return inner
    return None


def find_row(kind: type[Struct], schema: Schema) -> FoundRow:
    """A payload type in a schema."""
    ours, theirs = list_own_members(kind), list(schema.members.items())
    inner: dict[tuple[str, str], FoundRow] = {
        (member.name, name): find_row(member.row, schema_there.rows)
        for member in ours
        for name, schema_there in theirs
        if member.row is not None and schema_there.rows is not None and schema_there.rows.members
    }

    def score(member: OwnMember, other: tuple[str, Schema]) -> float:
        name, schema_there = other
        best = max(likeness_of_names(spelling, name) for spelling in member.spellings)
        if best == 1.0:
            return 1.0 if name == member.spellings[0] else 0.95
        if (member.name, name) in inner:
            return min(0.95, best * 0.4 + inner[member.name, name].share * 0.6)
        return best and best * likeness_of_types(member.kind, schema_there)

    matches = pair(ours, theirs, score, (lambda member: member.name, lambda other: other[0]))
    kinds = {member.name: member.kind for member in ours}
    wrong = {
        match.ours
        for match in matches
        if match.confidence >= LIKELY and not fits(kinds[match.ours], schema.members[match.theirs])
    }
    used = {match.theirs for match in matches}
    return FoundRow(
        kind.__name__,
        ours[0].name,
        tuple((match, schema.members[match.theirs]) for match in matches if match.ours not in wrong),
        tuple(member.name for member in ours if member.name not in {match.ours for match in matches}),
        tuple(name for name, _ in theirs if name not in used),
        tuple(sorted(wrong)),
        tuple(
            replace(inner[match.ours, match.theirs], confidence=match.confidence)
            for match in matches
            if (match.ours, match.theirs) in inner and match.ours not in wrong
        ),
    )


def find_answer(asked: Asked, answer: Schema | None) -> tuple[str, bool | None, FoundRow | None]:
    """Where in the answer our rows are ("" for bare), whether it is a list, and what of the type is in it."""
    if asked.answer is None or answer is None:
        return "", None, None
    found = [
        (place, is_list, row)
        for place, is_list, schema in _list_places(answer, "", 0)
        for row in [find_row(asked.answer, schema)]
        # Where one is asked for, a list in an object is rather one of its members, such as the items of an invoice.
        if not place or not is_list or asked.is_list or row.share >= LIKELY
    ]
    # Among equals the outermost: an envelope is only where the rows are not at the top.
    return max(
        found,
        key=lambda place: (round(place[2].share, 3), -place[0].count("."), -len(place[0])),
        default=("", None, None),
    )


def _list_places(schema: Schema, place: str, depth: int) -> Iterator[tuple[str, bool, Schema]]:
    """Every object, or list of objects, that may be what was asked for."""
    if schema.rows is not None and schema.rows.members:
        yield place, True, schema.rows
    elif schema.members:
        yield place, False, schema
        if depth < _DEEPEST_ENVELOPE:
            for name, inner in schema.members.items():
                yield from _list_places(inner, f"{place}.{name}".strip("."), depth + 1)
