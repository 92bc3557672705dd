"""Our operations found in descriptions, with their paths and parameters. Pure functions of what was read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import urlsplit

from msgspec import Struct

from carefund.funders.contract import Asked, Contract
from carefund.funders.interfaces.contracts import CONTRACTS, contract_of
from carefund.funders.interfaces.descriptions import Schema, TheirOperation
from carefund.funders.interfaces.member_matching import FoundRow, find_answer, find_row, list_own_members
from carefund.funders.interfaces.similarity import DOUBTFUL, SURE, Match, likeness_of_names, pair, words_of

_PLACEHOLDER = re.compile(r"\{([^}]+)\}")
_VERSION = re.compile(r"v?\d+(\.\d+)*")
_METHODS = {"get", "put", "post", "delete", "patch"}
_MOST_IN_FULL = 12  # operations that are compared in full with one of ours
_MEMBERS_WEIGH, _PATH_WEIGHS, _PARAMETERS_WEIGH, _ID_WEIGHS = 0.45, 0.3, 0.15, 0.1


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
    sent: FoundRow | None = None

    @property
    def contract(self) -> Contract:
        """The interface of ours that has it."""
        return contract_of(self.operation)


def find_operations(described: list[TheirOperation], base_urls: Mapping[str, str]) -> dict[str, FoundOperation]:
    """Each of our operations in the descriptions; two of ours may be one of theirs where they share a path.

    `base_urls`: our address of each interface, without which their paths stand in the file.
    """
    asked_of = {name: asked for contract in CONTRACTS.values() for name, asked in contract.operations.items()}
    around = {
        (operation, place): _look_around(operation, operation_there, base_urls)
        for operation, asked in asked_of.items()
        for place, operation_there in enumerate(described)
        if operation_there.method == asked.method
    }
    answers = {
        (operation, place): find_answer(asked, described[place].answer)
        for operation, asked in asked_of.items()
        for place in _list_worth_a_look(operation, described, around)
    }
    scores = {key: _score(asked_of[key[0]], found, around[key]) for key, found in answers.items()}
    units: dict[str, list[str]] = {}
    for operation, asked in asked_of.items():
        path = contract_of(operation).paths[operation].partition("?")[0]
        units.setdefault(f"{asked.method} {path}", []).append(operation)

    def score_unit(unit: str, place: int) -> float:
        return max(scores.get((operation, place), 0.0) for operation in units[unit])

    places = list(range(len(described)))
    matches = pair(list(units), places, score_unit, (str, str))
    found = {operation: FoundOperation(operation) for operation in asked_of}
    for match in matches:
        place = int(match.theirs)
        for operation in units[match.ours]:
            rivals = [
                described[other].operation_id
                for other in places
                if other != place and scores.get((operation, other), 0.0) >= max(DOUBTFUL, match.confidence - 0.08)
            ]
            there, asked = described[place], asked_of[operation]
            envelope, is_list, row = answers.get((operation, place)) or find_answer(asked, there.answer)
            whole = FoundOperation(operation, there, match.confidence, envelope=envelope, is_list=is_list,
                                   row=row, rivals=tuple(rivals), sent=_find_sent(asked, there))  # fmt: skip
            found[operation] = _with_parameters(whole, base_urls)
    return found


def _find_sent(asked: Asked, described: TheirOperation) -> FoundRow | None:
    """What we send in what they take."""
    return find_row(asked.body, described.body) if asked.body is not None and described.body is not None else None


@dataclass(frozen=True, slots=True)
class _Around:
    """How alike an operation of theirs is but for its answer: path, parameters and id, each from 0 to 1."""

    path: float
    parameters: float
    id: float

    @property
    def weight(self) -> float:
        """What all of it adds."""
        return self.path * _PATH_WEIGHS + self.parameters * _PARAMETERS_WEIGH + self.id * _ID_WEIGHS


def _look_around(operation: str, described: TheirOperation, base_urls: Mapping[str, str]) -> _Around:
    contract = contract_of(operation)
    ours = contract.paths[operation]
    wanted = [*_PLACEHOLDER.findall(ours), *contract.operations[operation].query]
    there = [*described.names_in("path"), *described.names_in("query")]
    best = [max((likeness_of_names(name, name_there) for name_there in there), default=0.0) for name in wanted]
    parameters = sum(best) / len(best) if best else 1.0
    if len(_PLACEHOLDER.findall(ours.partition("?")[0])) != len(described.names_in("path")):
        parameters *= 0.5
    return _Around(
        _likeness_of_paths(ours, strip_base(described.path, base_urls.get(contract.name, ""), ours)),
        parameters,
        _likeness_of_words(words_of(operation), [word for word in words_of(described.operation_id) if _says(word)]),
    )


def _says(word: str) -> bool:
    """Whether a word of an operation's id says which it is; a method and a number do not."""
    return word not in _METHODS and not word.isdecimal()


def _list_worth_a_look(
    operation: str, described: list[TheirOperation], around: Mapping[tuple[str, int], _Around]
) -> list[int]:
    """The operations of theirs that one of ours may be, at first glance: of hundreds, a few are compared in full."""
    answer = contract_of(operation).operations[operation].answer
    ours = _spell_out(answer) if answer else frozenset()
    glances: list[tuple[float, int]] = []
    for place, operation_there in enumerate(described):
        if (operation, place) in around:
            theirs = frozenset("".join(words_of(name)) for name in _list_names(operation_there.answer))
            share = len(ours & theirs) / len(ours) if ours else 0.0
            glances.append((around[operation, place].weight + share * _MEMBERS_WEIGH, -place))
    return [-place for _, place in sorted(glances, reverse=True)[:_MOST_IN_FULL]]


@lru_cache(maxsize=100)
def _spell_out(kind: type[Struct]) -> frozenset[str]:
    """The members of a type and of the rows in it, however their words are joined."""
    members = list_own_members(kind)
    own = frozenset("".join(words_of(member.spellings[0])) for member in members)
    return own.union(*(_spell_out(member.row) for member in members if member.row is not None))


def _list_names(schema: Schema | None) -> Iterator[str]:
    """The names of all members in a schema."""
    if schema is not None:
        yield from schema.members
        for inner in schema.members.values():
            yield from _list_names(inner)
        yield from _list_names(schema.rows)


def _score(asked: Asked, answer: tuple[str, bool | None, FoundRow | None], around: _Around) -> float:
    """How much an operation of theirs looks like one of ours, from 0 to 1."""
    _, is_list, row = answer
    share = row.share if row is not None else (0.5 if asked.answer is None else 0.0)
    if row is not None and asked.method != "GET":
        share = max(share, row.identifies)  # a write need say no more than what was written
    if is_list is not None and is_list is not asked.is_list and not (asked.is_list is False and is_list):
        share *= 0.6
    if around.path == 1.0 and around.parameters > 0.9:
        return 1.0 if share >= 0.5 else SURE
    return around.weight + share * _MEMBERS_WEIGH


def strip_base(path: str, base_url: str, ours: str) -> str:
    """A path of a description without what our base address holds already, or, where none is set yet, will hold."""
    own = _PLACEHOLDER.sub("{}", ours.partition("?")[0])
    if not base_url and _PLACEHOLDER.sub("{}", path).endswith(own):
        return "/" + "/".join(path.split("/")[-own.count("/") :])
    base = urlsplit(base_url).path.rstrip("/")
    if base and path.startswith(f"{base}/"):
        return path[len(base) :]
    _, marker, rest = path.partition("/acws/")
    return f"/{rest}" if marker else path


def _likeness_of_paths(ours: str, theirs: str) -> float:
    left, right = (_PLACEHOLDER.sub("{}", path.partition("?")[0]).rstrip("/") for path in (ours, theirs))
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


def _with_parameters(found: FoundOperation, base_urls: Mapping[str, str]) -> FoundOperation:
    """The operation with its path in our placeholders, and what its parameters are called."""
    described = found.described
    if described is None:
        return found
    query = list(described.names_in("query"))
    contract = found.contract
    own_path, _, own_query = contract.paths[found.operation].partition("?")
    path, missing = _fill_path(strip_base(described.path, base_urls.get(contract.name, ""), own_path), own_path)
    parameters: list[Match] = []
    for name in _PLACEHOLDER.findall(own_query):
        best = max(query, key=lambda name_there: likeness_of_names(name, name_there), default="")
        if not best or likeness_of_names(name, best) < DOUBTFUL:
            missing.append(name)
            continue
        query.remove(best)
        path += f"?{best}={{{name}}}"
        parameters.append(Match(name, best, likeness_of_names(name, best)))
    asked = list(contract.operations[found.operation].query)

    def likeness(ours: str, theirs: str) -> float:
        others = (likeness_of_names(spelling, theirs) for spelling in contract.parameter_spellings.get(ours, ()))
        return max(likeness_of_names(ours, theirs), *(0.95 * other for other in others), 0.0)

    pairs = pair(asked, query, likeness, (str, str))
    if contract.headers:
        pairs += pair(list(contract.headers), list(described.names_in("header")), likeness, (str, str))
    missing += [name for name in asked if name not in {match.ours for match in pairs}]
    return replace(found, path=path, parameters=(*parameters, *pairs), missing_parameters=tuple(missing))


def _fill_path(theirs: str, ours: str) -> tuple[str, list[str]]:
    """Their path with our placeholders, and ours that found no place."""
    needed, there = _PLACEHOLDER.findall(ours), _PLACEHOLDER.findall(theirs)
    matches = pair(needed, there, likeness_of_names, (str, str))
    called: Mapping[str, str] = {match.theirs: match.ours for match in matches}
    if len(needed) == len(there) == 1:
        called = {there[0]: needed[0]}
    filled = _PLACEHOLDER.sub(lambda placeholder: f"{{{called.get(placeholder[1], placeholder[1])}}}", theirs)
    return filled, [name for name in needed if name not in called.values()]
