"""Descriptions and what is known, side by side, in words that a command prints and a page shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from carefund.funders.interfaces.descriptions import Descriptions, Schema, WrongDescription
from carefund.funders.interfaces.operation_matching import FoundOperation, FoundRow, find_operations
from carefund.funders.refusals import KNOWN_MEMBERS


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to say about an operation: what kind of thing it is, and the words."""

    title: str
    text: str


def compare_descriptions(files: list[Path], base_url: str) -> list[FoundOperation]:
    """Each of our operations in these files. Raises WrongDescription, also where none of them is described."""
    found = list(find_operations(Descriptions().read(files), base_url).values())
    if all(operation.described is None for operation in found):
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
    if found.envelope:
        yield Remark("rows are in", found.envelope)
    if found.described.refusals:
        yield Remark("refusals", ", ".join(map(str, found.described.refusals)))
    if words := describe_refusal(found.described.refusal):
        yield Remark("error shape", words)
    if found.row is not None:
        yield from _list_of_row(found.row)


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
