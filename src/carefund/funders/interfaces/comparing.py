"""Descriptions and what is known, side by side, in words that a command prints and a page shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from carefund.funders.http import KNOWN_HEADERS
from carefund.funders.interfaces.descriptions import Descriptions, Schema
from carefund.funders.interfaces.documents import WrongDescription
from carefund.funders.interfaces.member_matching import FoundRow
from carefund.funders.interfaces.operation_matching import FoundOperation, find_operations
from carefund.funders.refusals import KNOWN_MEMBERS

_IS_THERE = 0.5  # an operation that is as alike says that its interface is described


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to say about an operation: what kind of thing it is, and the words."""

    title: str
    text: str


def compare_descriptions(files: list[Path], base_urls: Mapping[str, str]) -> list[FoundOperation]:
    """Each operation of the interfaces of ours that these files describe. Raises WrongDescription, also where they
    describe none. `base_urls`: our address of each interface."""
    everything = find_operations(Descriptions().read(files), base_urls).values()
    described = {found.contract.name for found in everything if found.described and found.confidence >= _IS_THERE}
    found = [operation for operation in everything if operation.contract.name in described]
    if not found:
        names = ", ".join(file.name for file in files)
        raise WrongDescription(
            f"{names}: no operation that Carefund uses is described here. Check that this is the right interface."
        )
    return found


def describe_operation(found: FoundOperation) -> str:
    """An operation with what it is there, in a line."""
    if found.described is None:
        return f"{found.operation}: not in the descriptions"
    sure = "" if found.confidence == 1.0 else f", {found.confidence:.0%} sure"
    return f"{found.operation}: {found.described.operation_id or 'without an id'}{sure}"


def list_remarks(found: FoundOperation) -> Iterator[Remark]:
    """What is the same and what is not, of one operation."""
    if found.described is None:
        return
    yield Remark("path", f"{found.described.method} {found.path}")
    for match in found.parameters:
        if match.ours != match.theirs:
            said = f"parameter {match.ours}: {match.theirs}, {match.confidence:.0%} sure"
            yield Remark("different spelling", said)
    for name in found.missing_parameters:
        yield Remark("not in the descriptions", f"parameter {name}")
    for rival in found.rivals:
        yield Remark("may also be", rival)
    for name in list_unsent_headers(found):
        yield Remark("only in the descriptions", f"header {name}")
    if found.envelope:
        yield Remark("rows are in", found.envelope)
    if found.described.refusals:
        yield Remark("refusals", ", ".join(map(str, found.described.refusals)))
    if words := describe_refusal(found.described.refusal):
        yield Remark("error shape", words)
    if found.row is not None:
        yield from _list_of_row(found.row)
    if found.sent is not None:
        yield from _list_of_row(found.sent)


def list_unsent_headers(found: FoundOperation) -> list[str]:
    """The headers that have to be sent there, and that Carefund does not know."""
    if found.described is None:
        return []
    known = {name.casefold() for name in (*KNOWN_HEADERS, *found.contract.headers)}
    known |= {match.theirs.casefold() for match in found.parameters}
    there = [name for name in found.described.names_in("header") if name in found.described.required]
    return [name for name in there if name.casefold() not in known]


def describe_refusal(schema: Schema | None) -> str:
    """Which members of an error's body Carefund reads, and which it does not; "" where none is described."""
    if schema is None:
        return ""
    names = list_refusal_members(schema)
    read = [name for name in names if name in KNOWN_MEMBERS]
    other = [name for name in names if name not in KNOWN_MEMBERS]
    parts = [f"{', '.join(read)}: same"] if read else ["no member that Carefund reads"]
    return "; ".join([*parts, *([f"{', '.join(other)}: only in the descriptions"] if other else [])])


def list_refusal_members(schema: Schema) -> list[str]:
    """The members of an error's body, and of the errors listed in it."""
    names = list(schema.members)
    for inner in schema.members.values():
        names += list((inner.rows or inner).members)
    return list(dict.fromkeys(names))


def _list_of_row(row: FoundRow) -> Iterator[Remark]:
    """What is to be said about the members of a type, and of the rows in it."""
    same = [match for match, _ in row.matches if match.confidence == 1.0]
    yield Remark("same", f"{row.kind}: {len(same)} members")
    for match, schema in row.matches:
        if match.confidence < 1.0:
            kind = f" ({schema.format or schema.type})" if schema.type else ""
            yield Remark("different spelling", f"{match.ours}: {match.theirs}{kind}, {match.confidence:.0%} sure")
        if schema.codes:
            yield Remark("codes", f"{match.ours}: {', '.join(schema.codes)}")
    for title, names in (
        ("not in the descriptions", row.missing),
        ("only in the descriptions", row.new),
        ("different type", row.other_type),
    ):
        if names:
            yield Remark(title, f"{row.kind}: {', '.join(names)}")
    for inner in row.inner:
        yield from _list_of_row(inner)
