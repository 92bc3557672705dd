"""From what was found in descriptions to an interfaces file: what is sure, what is asked, and what is left out by name.

Pure functions. Nothing doubtful is taken unless somebody said yes to its question.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from carefund.funders.contract import Contract
from carefund.funders.dialect import Dialect, Interfaces, list_members
from carefund.funders.interfaces.comparing import list_refusal_members, list_unsent_headers
from carefund.funders.interfaces.contracts import CONTRACTS, PAYLOADS
from carefund.funders.interfaces.descriptions import Schema
from carefund.funders.interfaces.member_matching import FoundRow
from carefund.funders.interfaces.operation_matching import FoundOperation
from carefund.funders.interfaces.similarity import (
    LIKELY,
    SURE,
    find_date_format,
    kind_of_member,
    likeness_of_names,
    pair,
)
from carefund.funders.refusals import KNOWN_MEMBERS


@dataclass(frozen=True, slots=True)
class Proposal:
    """One line that the file could hold: of which interface and table, our name and theirs, where it was seen, and how
    sure it is."""

    interface: str
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
        words = {
            "paths": f'is {self.ours} at "{self.theirs}"',
            "signs": f"does {self.ours} have the opposite sign",
            "dates": f'are {"dates that are sent" if self.ours == "sent" else "dates"} written as "{self.theirs}"',
            "envelopes": f'are the rows of {self.ours} in "{self.theirs}"',
        }.get(self.table, f'is "{self.theirs}" what Carefund calls {self.ours}')
        return f"{self.table}: {words} (in {self.seen_in})?"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A file's content, and what could not be settled, one sentence each."""

    interfaces: Mapping[str, Interfaces]
    open_points: tuple[str, ...]


def list_proposals(found: Iterable[FoundOperation]) -> list[Proposal]:
    """Every line that differs from what is known, each once; what is contradictory is none."""
    weighed = _gather(found)
    return [next(iter(said.values())) for said in weighed if len(said) == 1 and _differs(*said.values())]


def _gather(found: Iterable[FoundOperation]) -> list[dict[str, Proposal]]:
    """What is said of each of ours, by what it is called; what is doubtful does not speak against what is likely."""
    gathered: dict[tuple[str, str, str], dict[str, Proposal]] = {}
    for operation in found:
        for proposal in _of_operation(operation):
            said = gathered.setdefault((proposal.interface, proposal.table, proposal.ours), {})
            known = said.get(proposal.theirs)
            if known is None or known.confidence < proposal.confidence:
                said[proposal.theirs] = proposal
    return [
        {theirs: proposal for theirs, proposal in said.items() if proposal.is_likely} or said
        for said in gathered.values()
    ]


def list_contradictions(found: Iterable[FoundOperation]) -> list[str]:
    """A sentence for each of ours that is called one thing here and another there."""
    return [
        f"{first.table}: {first.ours} is "
        + " and ".join(f'"{theirs}" in {proposal.seen_in}' for theirs, proposal in said.items())
        + "."
        for said in _gather(found)
        if len(said) > 1
        for first in [next(iter(said.values()))]
    ]


def _differs(proposal: Proposal) -> bool:
    """Whether a line says anything: what is as known needs none."""
    if proposal.table == "paths":
        return CONTRACTS[proposal.interface].paths[proposal.ours] != proposal.theirs
    return proposal.table not in ("members", "parameters") or _known_name(proposal) != proposal.theirs


def _known_name(proposal: Proposal) -> str:
    if proposal.table == "parameters":
        return proposal.ours.rpartition(".")[2]
    kind, _, member = proposal.ours.partition(".")
    fields = PAYLOADS[kind]
    names = dict(zip(fields.__struct_fields__, fields.__struct_encode_fields__, strict=True))
    return names[member]


def _of_operation(found: FoundOperation) -> Iterator[Proposal]:
    if found.described is None:
        return
    contract, operation = found.contract, found.operation
    place, asked = found.described.operation_id or found.described.path, contract.operations[operation]
    propose = partial(Proposal, contract.name)
    yield propose("paths", operation, found.path, found.confidence, place)
    sure = _allow_within(found.confidence)
    for match in found.parameters:
        if match.ours in (*asked.query, *contract.headers):
            yield propose("parameters", f"{operation}.{match.ours}", match.theirs, min(match.confidence, sure), place)
        _, schema = found.described.parameters.get(match.theirs, ("", None))
        if match.ours in contract.dates and schema and (written := find_date_format(schema)):
            yield propose("dates", "sent", written, min(0.95, match.confidence + 0.3), place)
    if found.envelope and found.envelope != asked.envelope:
        yield propose("envelopes", operation, found.envelope, min(0.95, sure), place)
    if found.row is not None:
        yield from _of_row(contract, found.row, place, found.confidence, "format")
    if found.sent is not None:
        yield from _of_row(contract, found.sent, place, found.confidence, "sent")


def _allow_within(confidence: float) -> float:
    """How sure anything within an operation may be: a little surer than it, but of one that is not likely, no more."""
    return confidence + 0.1 if confidence >= LIKELY else confidence


def _of_row(contract: Contract, row: FoundRow, place: str, confidence: float, dates: str) -> Iterator[Proposal]:
    """Members, and what their values look like; no surer than the operation in which they stand. `dates`: which
    setting of dates it is about."""
    propose, codes = partial(Proposal, contract.name), contract.known_codes
    for match, schema in row.matches:
        sure = min(match.confidence, _allow_within(confidence))
        yield propose("members", match.ours, match.theirs, sure, place)
        if KINDS[match.ours] == "date" and (written := find_date_format(schema)):
            yield propose("dates", dates, written, min(0.95, sure + 0.3), place)
        if _is_turned(contract, match.ours, schema):
            yield propose("signs", match.ours, "opposite", sure, place)
        if match.ours in codes and schema.codes and not set(schema.codes) & set(codes[match.ours]):
            for code in pair(codes[match.ours], schema.codes, likeness_of_names, (str, str)):
                yield propose("codes", f"{match.ours}.{code.ours}", code.theirs, min(sure, code.confidence), place)
    for inner in row.inner:  # of rows that may be others, no member is likely
        sure = confidence if inner.confidence >= LIKELY else min(confidence, inner.confidence)
        yield from _of_row(contract, inner, place, sure, dates)


def _is_turned(contract: Contract, member: str, schema: Schema) -> bool:
    """Whether the bounds of an amount say that its sign is the other way round."""
    if member in contract.lowering:
        return schema.minimum is not None and schema.minimum >= 0
    return member in contract.rising and schema.maximum is not None and schema.maximum <= 0


def _list_kinds() -> dict[str, str]:
    return {
        f"{kind.__name__}.{name}": kind_of_member(annotation)
        for kind in PAYLOADS.values()
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
    rows = [row for operation in found for row in (operation.row, operation.sent)]
    there = {name for row in rows for name in _list_found(row)}
    missing = {name for row in rows for name in _list_missing(row)} - there
    points += [f"members: {name} was not found." for name in sorted(missing)]
    settled = {proposal.ours for proposal in taken if proposal.table == "signs"}
    unbounded = {name for operation in found for name in _list_unbounded(operation.row, operation.contract)} - settled
    points += [
        f"signs: {name} may have the opposite sign. The descriptions do not say. Try a client to find out."
        for name in sorted(unbounded)
    ]
    points += [
        f'headers: Carefund sends no "{name}" to {operation.operation}.'
        for operation in found
        for name in list_unsent_headers(operation)
    ]
    points += [
        f"errors: Carefund reads no member of a refusal of {operation.operation}."
        for operation in found
        if operation.described and (refusal := operation.described.refusal) and refusal.members
        if not KNOWN_MEMBERS & set(list_refusal_members(refusal))
    ]
    interfaces = {
        name: _as_interfaces([proposal for proposal in taken if proposal.interface == name]) for name in CONTRACTS
    }
    return Outcome(interfaces, tuple(points))


def _without_clashes(taken: list[Proposal]) -> tuple[list[Proposal], list[Proposal]]:
    """The lines without those by which two of ours would be one of theirs: of two, the surer stays."""
    refused: list[Proposal] = []
    for kind in PAYLOADS.values():
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


def _list_unbounded(row: FoundRow | None, contract: Contract) -> Iterator[str]:
    """The amounts that usually have one sign, and no bounds that say so or deny it."""
    if row is not None:
        for match, schema in row.matches:
            is_signed = match.ours in (*contract.lowering, *contract.rising)
            if is_signed and schema.minimum is None and schema.maximum is None:
                yield match.ours
        for inner in row.inner:
            yield from _list_unbounded(inner, contract)


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
            date_format=dict(of("dates")).get("format", ""),
            sent_date_format=dict(of("dates")).get("sent", ""),
            turned=tuple(name for name, _ in of("signs")),
            codes=tuple(sorted(codes)),
            envelopes=tuple(of("envelopes")),
        ),
    )
