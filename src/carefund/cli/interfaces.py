"""`carefund interfaces`: from the funder's own descriptions to the file that says how they differ."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from django.conf import settings
from rich.markup import escape

from carefund.cli.output import FAILED, WRONG_INPUT, complain, print_json, screen
from carefund.cli.refusals import Commands
from carefund.funders.errors import NotConfigured
from carefund.funders.interfaces.descriptions import Descriptions, WrongDescription
from carefund.funders.interfaces.file import SETTING, as_text, read_text
from carefund.funders.interfaces.matching import FoundOperation, FoundRow, find_operations
from carefund.funders.interfaces.proposing import Outcome, Proposal, settle

app = typer.Typer(cls=Commands, help="The funder's real interfaces, compared with what is known.", no_args_is_help=True)


@app.callback()
def interfaces() -> None:
    """The funder's real interfaces, compared with what is known."""


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Descriptions: OpenAPI 2.0 or 3, YAML or JSON.")],
    accept_likely: Annotated[bool, typer.Option(help="Ask nothing; take what is likely, name what is not.")] = False,
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("interfaces.toml"),
    json: Annotated[bool, typer.Option(help="Print as JSON; asks nothing.")] = False,
) -> None:
    """Find Carefund's operations in official descriptions, say what differs, and write that down as a file."""
    if output.is_file():
        complain(f"{output} is there already.", "Name another file with --output, or remove it.")
        raise typer.Exit(WRONG_INPUT)
    try:
        described = Descriptions().read(files)
        found = list(find_operations(described, settings.SERVICES_AUSTRALIA.base_url).values())
        if all(operation.described is None for operation in found):
            names = ", ".join(file.name for file in files)
            raise WrongDescription(
                f"{names}: none of Carefund's operations is described here; is it another interface?"
            )
    except WrongDescription as fault:
        complain(str(fault), "Nothing was written.")
        raise typer.Exit(WRONG_INPUT) from None
    if not json:
        for operation in found:
            _print_operation(operation)
    ask = _takes_likely if accept_likely or json else _is_agreed
    _write(output, settle(found, ask), found, as_json=json)


def _takes_likely(proposal: Proposal) -> bool:
    return proposal.is_likely


def _is_agreed(proposal: Proposal) -> bool:
    return typer.confirm(proposal.question, default=proposal.is_likely)


def _write(output: Path, outcome: Outcome, found: list[FoundOperation], *, as_json: bool) -> None:
    """Write the file if it would be read again without a fault, and say what it leaves open."""
    content = as_text(outcome.interfaces)
    try:
        read_text(content, output.name)
    except NotConfigured as fault:
        complain(str(fault), "Nothing was written. Answer no to one of the two, or write the file by hand.")
        raise typer.Exit(FAILED) from None
    output.write_text(content, "utf-8")
    if as_json:
        print_json({
            "file": str(output),
            "operations": {operation.operation: _as_data(operation) for operation in found},
            "interfaces": {"paths": dict(outcome.interfaces.paths), "parameters": outcome.interfaces.parameters}
            | asdict(outcome.interfaces.dialect),
            "open": outcome.open_points,
        })  # fmt: skip
        return
    screen.print("")
    for point in outcome.open_points:
        _line("yellow", "?", point)
    _line("green", "✓", f"{output} was written. Set {SETTING} to it, and start Carefund again.")


def _as_data(found: FoundOperation) -> dict[str, object]:
    operation_id = found.described.operation_id if found.described else None
    return {"found": operation_id, "confidence": round(found.confidence, 2), "path": found.path}


def _print_operation(found: FoundOperation) -> None:
    if found.described is None:
        _line("red", "✗", f"{found.operation}: missing there")
        return
    sure = "" if found.confidence == 1.0 else f", {found.confidence:.0%} sure"
    _line("green", "✓", f"{found.operation}: {found.described.operation_id or 'without an id'}{sure}")
    _detail("path", f"{found.described.method} {found.path}")
    for match in found.parameters:
        if match.ours != match.theirs:
            _detail("other spelling", f"parameter {match.ours}: {match.theirs}, {match.confidence:.0%} sure")
    for name in found.missing_parameters:
        _detail("missing there", f"parameter {name}")
    for rival in found.rivals:
        _detail("may also be", rival)
    if found.envelope:
        _detail("rows in", found.envelope)
    if found.described.refusals:
        _detail("refusals", ", ".join(map(str, found.described.refusals)))
    if found.row is not None:
        _print_row(found.row)


def _print_row(row: FoundRow) -> None:
    """What is to be said about the members of a type, and of the rows in it."""
    same = [match for match, _ in row.matches if match.confidence == 1.0]
    _detail("same", f"{row.kind}: {len(same)} members")
    for match, schema in row.matches:
        if match.confidence < 1.0:
            kind = f" ({schema.format or schema.type})" if schema.type else ""
            _detail("other spelling", f"{match.ours}: {match.theirs}{kind}, {match.confidence:.0%} sure")
        if schema.codes:
            _detail("codes", f"{match.ours}: {', '.join(schema.codes)}")
    for title, names in (
        ("missing there", row.missing), ("new there", row.new), ("other type", row.other_type),
    ):  # fmt: skip
        if names:
            _detail(title, f"{row.kind}: {', '.join(names)}")
    for inner in row.inner:
        _print_row(inner)


def _detail(title: str, text: str) -> None:
    screen.print(f"    {title}: {escape(text)}", highlight=False, soft_wrap=True)


def _line(colour: str, mark: str, text: str) -> None:
    screen.print(f"[{colour}]{mark}[/] {escape(text)}", highlight=False, soft_wrap=True)
