"""From what was found in descriptions to an interfaces file: what is sure, what is asked, and what is left out by name.

Pure functions. Nothing doubtful is taken unless somebody said yes to its question.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from carefund.funders.dialect import Dialect, Interfaces, list_members
from carefund.funders.interfaces.comparing import list_refusal_members
from carefund.funders.interfaces.operation_matching import FoundOperation, FoundRow
from carefund.funders.interfaces.similarity import (
    LIKELY,
    SURE,
    find_date_format,
    kind_of_member,
    likeness_of_names,
    pair,
)
from carefund.funders.refusals import KNOWN_MEMBERS
from carefund.funders.services_australia.expected_answers import KNOWN_CODES, LOWERING, OPERATIONS, list_payloads
from carefund.funders.services_australia.operations import PATHS


@dataclass(frozen=True, slots=True)
class Proposal:
    """One line that the file could hold: of which table, our name and theirs, where it was seen, and how sure it is."""

    table: str
    ours: str
    theirs: str
    confidence: float
    seen_in: str

    @property
    def is_sure(self) -> bool:
        """Whether nobody has to be asked."""
        return self.confidence >= SURE

    @property
    def is_likely(self) -> bool:
        """Whether it is taken with --accept-likely."""
        return self.confidence >= LIKELY

    @property
    def question(self) -> str:
        """What somebody is asked about it."""
        return f'{self.table}: is "{self.theirs}" what Carefund calls {self.ours} (in {self.seen_in})?'


@dataclass(frozen=True, slots=True)
class Outcome:
    """A file's content, and what could not be settled, one sentence each."""

    interfaces: Interfaces
    open_points: tuple[str, ...]


def list_proposals(found: Iterable[FoundOperation]) -> list[Proposal]:
    """Every line that differs from what is known, each once; what is contradictory comes back as doubtful."""
    gathered: dict[tuple[str, str], dict[str, Proposal]] = {}
    for operation in found:
        for proposal in _of_operation(operation):
            said = gathered.setdefault((proposal.table, proposal.ours), {})
            known = said.get(proposal.theirs)
            if known is None or known.confidence < proposal.confidence:
                said[proposal.theirs] = proposal
    return [next(iter(said.values())) for said in gathered.values() if len(said) == 1 and _differs(*said.values())]


def list_contradictions(found: Iterable[FoundOperation]) -> list[str]:
    """A sentence for each of ours that is called one thing here and another there."""
    gathered: dict[tuple[str, str], dict[str, str]] = {}
    for operation in found:
        for proposal in _of_operation(operation):
            gathered.setdefault((proposal.table, proposal.ours), {})[proposal.theirs] = proposal.seen_in
    return [
        f"{table}: {ours} is " + " and ".join(f'"{theirs}" in {place}' for theirs, place in said.items()) + "."
        for (table, ours), said in gathered.items()
        if len(said) > 1
    ]


def _differs(proposal: Proposal) -> bool:
    """Whether a line says anything: what is as known needs none."""
    if proposal.table == "paths":
        return PATHS[proposal.ours] != proposal.theirs
    return proposal.table not in ("members", "parameters") or _known_name(proposal) != proposal.theirs


def _known_name(proposal: Proposal) -> str:
    if proposal.table == "parameters":
        return proposal.ours.rpartition(".")[2]
    kind, _, member = proposal.ours.partition(".")
    fields = {payload.__name__: payload for payload in list_payloads()}[kind]
    names = dict(zip(fields.__struct_fields__, fields.__struct_encode_fields__, strict=True))
    return names[member]


def _of_operation(found: FoundOperation) -> Iterator[Proposal]:
    if found.described is None:
        return
    place, operation = found.described.operation_id or found.described.path, found.operation
    yield Proposal("paths", operation, found.path, found.confidence, place)
    for match in found.parameters:
        if match.ours in OPERATIONS[operation].query:
            confidence = min(match.confidence, found.confidence + 0.1)
            yield Proposal("parameters", f"{operation}.{match.ours}", match.theirs, confidence, place)
    if found.envelope:
        yield Proposal("envelopes", operation, found.envelope, min(0.95, found.confidence + 0.1), place)
    if found.row is not None:
        yield from _of_row(found.row, place, found.confidence)


def _of_row(row: FoundRow, place: str, confidence: float) -> Iterator[Proposal]:
    """Members, and what their values look like; no surer than the operation in which they stand."""
    for match, schema in row.matches:
        sure = min(match.confidence, confidence + 0.1)
        yield Proposal("members", match.ours, match.theirs, sure, place)
        if KINDS[match.ours] == "date" and (written := find_date_format(schema)):
            yield Proposal("dates", "format", written, min(0.95, sure + 0.3), place)
        if match.ours in LOWERING and schema.minimum is not None and schema.minimum >= 0:
            yield Proposal("signs", match.ours, "opposite", sure, place)
        if match.ours in KNOWN_CODES and schema.codes and not set(schema.codes) & set(KNOWN_CODES[match.ours]):
            for code in pair(KNOWN_CODES[match.ours], schema.codes, likeness_of_names, (str, str)):
                yield Proposal("codes", f"{match.ours}.{code.ours}", code.theirs, min(sure, code.confidence), place)
    for inner in row.inner:
        yield from _of_row(inner, place, confidence)


def _list_kinds() -> dict[str, str]:
    return {
        f"{kind.__name__}.{name}": kind_of_member(annotation)
        for kind in list_payloads()
        for name, annotation in kind.__annotations__.items()
        if name in kind.__struct_fields__
    }


KINDS = _list_kinds()


def settle(found: list[FoundOperation], is_taken: Callable[[Proposal], bool]) -> Outcome:
    """The file made of what is sure and of what `is_taken` says yes to."""
    points = list_contradictions(found)
    points += [f"paths: {operation.operation} was not found." for operation in found if operation.described is None]
    taken = []
    for proposal in list_proposals(found):
        if proposal.is_sure or is_taken(proposal):
            taken.append(proposal)
        else:
            points.append(f'{proposal.table}: {proposal.ours} may be "{proposal.theirs}". This was not confirmed.')
    taken, refused = _without_clashes(taken)
    points += [
        f'members: {proposal.ours} may be "{proposal.theirs}", a name that another member also has.'
        for proposal in refused
    ]
    there = {name for operation in found for name in _list_found(operation.row)}
    missing = {name for operation in found for name in _list_missing(operation.row)} - there
    points += [f"members: {name} was not found." for name in sorted(missing)]
    settled = {proposal.ours for proposal in taken if proposal.table == "signs"}
    unbounded = {name for operation in found for name in _list_unbounded(operation.row)} - settled
    points += [
        f"signs: {name} may have the opposite sign. The descriptions do not say. Try a client to find out."
        for name in sorted(unbounded)
    ]
    points += [
        f"errors: Carefund reads no member of a refusal of {operation.operation}."
        for operation in found
        if operation.described and (refusal := operation.described.refusal) and refusal.members
        if not KNOWN_MEMBERS & set(list_refusal_members(refusal))
    ]
    return Outcome(_as_interfaces(taken), tuple(points))


def _without_clashes(taken: list[Proposal]) -> tuple[list[Proposal], list[Proposal]]:
    """The lines without those by which two of ours would be one of theirs: of two, the surer stays."""
    refused: list[Proposal] = []
    for kind in list_payloads():
        known = dict(list_members(kind))
        renamed = {proposal.ours for proposal in taken if proposal.table == "members" and proposal not in refused}
        held = {name: ours for ours, name in known.items() if ours not in renamed}
        for proposal in sorted(taken, key=attrgetter("confidence"), reverse=True):
            is_of_this = proposal.table == "members" and proposal.ours in known and proposal not in refused
            if is_of_this and held.setdefault(proposal.theirs, proposal.ours) != proposal.ours:
                refused.append(proposal)
    return [proposal for proposal in taken if proposal not in refused], refused


def _list_missing(row: FoundRow | None) -> Iterator[str]:
    if row is not None:
        yield from (*row.missing, *row.other_type)
        for inner in row.inner:
            yield from _list_missing(inner)


def _list_unbounded(row: FoundRow | None) -> Iterator[str]:
    """The amounts that usually lower what is there, and have no bounds that say so or deny it."""
    if row is not None:
        for match, schema in row.matches:
            if match.ours in LOWERING and schema.minimum is None and schema.maximum is None:
                yield match.ours
        for inner in row.inner:
            yield from _list_unbounded(inner)


def _list_found(row: FoundRow | None) -> Iterator[str]:
    if row is not None:
        yield from (match.ours for match, _ in row.matches)
        for inner in row.inner:
            yield from _list_found(inner)


def _as_interfaces(taken: list[Proposal]) -> Interfaces:
    parameters: dict[str, dict[str, str]] = {}
    codes = []
    for proposal in taken:
        if proposal.table == "parameters":
            operation, _, name = proposal.ours.partition(".")
            parameters.setdefault(operation, {})[name] = proposal.theirs
        if proposal.table == "codes":
            member, _, ours = proposal.ours.rpartition(".")
            codes.append((member, proposal.theirs, ours))

    def of(table: str) -> list[tuple[str, str]]:
        return sorted((proposal.ours, proposal.theirs) for proposal in taken if proposal.table == table)

    return Interfaces(
        paths=dict(of("paths")),
        parameters=parameters,
        dialect=Dialect(
            members=tuple(of("members")),
            date_format=next((proposal.theirs for proposal in taken if proposal.table == "dates"), ""),
            turned=tuple(name for name, _ in of("signs")),
            codes=tuple(sorted(codes)),
            envelopes=tuple(of("envelopes")),
        ),
    )
