"""Our operations found in descriptions, and our members in their answers. Pure functions of what was read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args
from urllib.parse import urlsplit

from msgspec import Struct, structs

from carefund.funders.bounds import kind_of
from carefund.funders.dialect import find_ancestor
from carefund.funders.interfaces.descriptions import Schema, TheirOperation
from carefund.funders.interfaces.similarity import (
    DOUBTFUL,
    LIKELY,
    SURE,
    Match,
    fits,
    kind_of_member,
    likeness_of_names,
    likeness_of_types,
    pair,
    words_of,
)
from carefund.funders.services_australia.expected_answers import OPERATIONS, PARAMETER_SPELLINGS, Asked
from carefund.funders.services_australia.operations import PATHS

_PLACEHOLDER = re.compile(r"\{([^}]+)\}")
_VERSION = re.compile(r"v\d+")
_DEEPEST_ENVELOPE = 3
_MEMBERS_WEIGH, _PATH_WEIGHS, _PARAMETERS_WEIGH, _ID_WEIGHS = 0.45, 0.3, 0.15, 0.1


@dataclass(frozen=True, slots=True)
class OwnMember:
    """One member of ours: the name that it is known by, what the wire is known to call it, and of which kind it is."""

    name: str
    spellings: tuple[str, ...]
    kind: str
    row: type[Struct] | None = None


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A payload type found in a schema: what matches, what is missing there, what is new, what is of another type."""

    kind: str
    first: str = ""
    matches: tuple[tuple[Match, Schema], ...] = ()
    missing: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    other_type: tuple[str, ...] = ()
    inner: tuple["FoundRow", ...] = ()

    @property
    def share(self) -> float:
        """How much of the type was found, from 0 to 1; nested rows count as one member each."""
        number = len(self.matches) + len(self.missing)
        return sum(match.confidence for match, _ in self.matches) / number if number else 0.0

    @property
    def identifies(self) -> bool:
        """Whether the first member, by which a row is known, was found under a name that leaves no doubt."""
        return any(match.ours == self.first and match.confidence >= SURE for match, _ in self.matches)


@dataclass(frozen=True, slots=True)
class FoundOperation:
    """One operation of ours, and the one of theirs that it is; `described` is None where none was found."""

    operation: str
    described: TheirOperation | None = None
    confidence: float = 0.0
    path: str = ""
    parameters: tuple[Match, ...] = ()
    missing_parameters: tuple[str, ...] = ()
    envelope: str = ""
    is_list: bool | None = None
    row: FoundRow | None = None
    rivals: tuple[str, ...] = field(default=())


def list_own_members(kind: type[Struct]) -> list[OwnMember]:
    """The members of a payload type, with every spelling that is known; of one bound to a dialect, the usual too."""
    known: dict[str, tuple[str, ...]] = {}
    usual: dict[str, str] = {}
    for ancestor in reversed(kind.__mro__):
        known |= vars(ancestor).get("other_spellings", {})
        if issubclass(ancestor, Struct) and ancestor is not Struct:
            usual = {info.name: info.encode_name for info in structs.fields(ancestor)} | usual
    return [
        OwnMember(
            find_ancestor(kind, info.name),
            tuple(dict.fromkeys((info.encode_name, *known.get(info.name, ()), usual[info.name]))),
            kind_of_member(info.type),
            _row_of(info.type),
        )
        for info in structs.fields(kind)
    ]


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
        return best * likeness_of_types(member.kind, schema_there)

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
            inner[match.ours, match.theirs]
            for match in matches
            if (match.ours, match.theirs) in inner and match.ours not in wrong
        ),
    )


def find_operations(described: list[TheirOperation], base_url: str) -> dict[str, FoundOperation]:
    """Each of our operations in the descriptions; two of ours may be one of theirs where they share a path."""
    answers = {
        (operation, place): find_answer(asked, operation_there.answer)
        for operation, asked in OPERATIONS.items()
        for place, operation_there in enumerate(described)
        if operation_there.method == asked.method
    }
    scores = {key: _score(key[0], described[key[1]], found, base_url) for key, found in answers.items()}
    units: dict[str, list[str]] = {}
    for operation, path in PATHS.items():
        units.setdefault(f"{OPERATIONS[operation].method} {path.partition('?')[0]}", []).append(operation)

    def score_unit(unit: str, place: int) -> float:
        return max(scores.get((operation, place), 0.0) for operation in units[unit])

    places = list(range(len(described)))
    matches = pair(list(units), places, score_unit, (str, str))
    found = {operation: FoundOperation(operation) for operation in PATHS}
    for match in matches:
        place = int(match.theirs)
        for operation in units[match.ours]:
            rivals = [
                described[other].operation_id
                for other in places
                if other != place and scores.get((operation, other), 0.0) >= max(DOUBTFUL, match.confidence - 0.08)
            ]
            envelope, is_list, row = answers[operation, place]
            whole = FoundOperation(operation, described[place], match.confidence, envelope=envelope, is_list=is_list,
                                   row=row, rivals=tuple(rivals))  # fmt: skip
            found[operation] = _with_parameters(whole, base_url)
    return found


def find_answer(asked: Asked, answer: Schema | None) -> tuple[str, bool | None, FoundRow | None]:
    """Where in the answer our rows are ("" for bare), whether it is a list, and what of the type is in it."""
    if asked.answer is None or answer is None:
        return "", None, None
    found = [(place, is_list, find_row(asked.answer, schema)) for place, is_list, schema in _list_places(answer, "", 0)]
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


def _score(
    operation: str, described: TheirOperation, answer: tuple[str, bool | None, FoundRow | None], base_url: str
) -> float:
    """How much an operation of theirs looks like one of ours, from 0 to 1."""
    asked, ours = OPERATIONS[operation], PATHS[operation]
    _, is_list, row = answer
    share = row.share if row is not None else (0.5 if asked.answer is None else 0.0)
    if row is not None and asked.method != "GET" and row.identifies:
        share = 1.0  # a write need say no more than what was written
    if is_list is not None and is_list is not asked.is_list and not (asked.is_list is False and is_list):
        share *= 0.6
    path = _likeness_of_paths(ours, strip_base(described.path, base_url))
    ids = _PLACEHOLDER.findall(ours)
    wanted = [*ids, *asked.query]
    there = [*described.names_in("path"), *described.names_in("query")]
    best = [max((likeness_of_names(name, name_there) for name_there in there), default=0.0) for name in wanted]
    parameters = sum(best) / len(best) if best else 1.0
    if len(_PLACEHOLDER.findall(ours.partition("?")[0])) != len(described.names_in("path")):
        parameters *= 0.5
    given = _likeness_of_words(words_of(operation), words_of(described.operation_id))
    whole: float = path * _PATH_WEIGHS + parameters * _PARAMETERS_WEIGH + given * _ID_WEIGHS + share * _MEMBERS_WEIGH
    return 1.0 if path == 1.0 and parameters > 0.9 and share >= 0.5 else whole


def strip_base(path: str, base_url: str) -> str:
    """A path of a description without what our base address holds already."""
    base = urlsplit(base_url).path.rstrip("/")
    if base and path.startswith(f"{base}/"):
        return path[len(base) :]
    _, marker, rest = path.partition("/acws/")
    return f"/{rest}" if marker else path


def _likeness_of_paths(ours: str, theirs: str) -> float:
    left, right = (_PLACEHOLDER.sub("{}", path.partition("?")[0]) for path in (ours, theirs))
    if left == right:
        return 1.0
    parts = [[part for part in path.split("/") if part and not _VERSION.fullmatch(part)] for path in (left, right)]
    same_place: int = sum(
        left_part == right_part
        for left_part, right_part in zip(*(reversed(parts_of_one) for parts_of_one in parts), strict=False)
    )
    words = [words_of(" ".join(part for part in parts_of_one if part != "{}")) for parts_of_one in parts]
    longest = max(len(parts[0]), len(parts[1]), 1)
    return _likeness_of_words(*words) * 0.7 + float(same_place) / longest * 0.25


def _likeness_of_words(left: Iterable[str], right: Iterable[str]) -> float:
    one, other = ({word.rstrip("s") for word in words} for words in (left, right))
    return len(one & other) / len(one | other) if one | other else 0.0


def _with_parameters(found: FoundOperation, base_url: str) -> FoundOperation:
    """The operation with its path in our placeholders, and what its parameters are called."""
    described = found.described
    if described is None:
        return found
    query = list(described.names_in("query"))
    own_path, _, own_query = PATHS[found.operation].partition("?")
    path, missing = _fill_path(strip_base(described.path, base_url), own_path)
    parameters: list[Match] = []
    for name in _PLACEHOLDER.findall(own_query):
        best = max(query, key=lambda name_there: likeness_of_names(name, name_there), default="")
        if not best or likeness_of_names(name, best) < DOUBTFUL:
            missing.append(name)
            continue
        query.remove(best)
        path += f"?{best}={{{name}}}"
        parameters.append(Match(name, best, likeness_of_names(name, best)))
    asked = list(OPERATIONS[found.operation].query)
    pairs = pair(asked, query, _likeness_of_parameters, (str, str))
    missing += [name for name in asked if name not in {match.ours for match in pairs}]
    return replace(found, path=path, parameters=(*parameters, *pairs), missing_parameters=tuple(missing))


def _likeness_of_parameters(ours: str, theirs: str) -> float:
    others = [likeness_of_names(spelling, theirs) for spelling in PARAMETER_SPELLINGS.get(ours, ())]
    return max(likeness_of_names(ours, theirs), *(0.95 * likeness for likeness in others), 0.0)


def _fill_path(theirs: str, ours: str) -> tuple[str, list[str]]:
    """Their path with our placeholders, and ours that found no place."""
    needed, there = _PLACEHOLDER.findall(ours), _PLACEHOLDER.findall(theirs)
    matches = pair(needed, there, likeness_of_names, (str, str))
    called: Mapping[str, str] = {match.theirs: match.ours for match in matches}
    if len(needed) == len(there) == 1:
        called = {there[0]: needed[0]}
    filled = _PLACEHOLDER.sub(lambda placeholder: f"{{{called.get(placeholder[1], placeholder[1])}}}", theirs)
    return filled, [name for name in needed if name not in called.values()]
