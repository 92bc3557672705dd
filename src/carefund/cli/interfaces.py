"""`carefund interfaces`: from the funder's own descriptions to the file that says how they differ."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from django.conf import settings

from carefund.access.audit_log import one_act, store_act
from carefund.cli.client_argument import client_or_exit
from carefund.cli.output import FAILED, WRONG_INPUT, complain, print_json, screen
from carefund.cli.pace import participant_or_exit
from carefund.cli.refusals import Commands
from carefund.cli.trial_report import print_detail, print_line, print_report
from carefund.cli.write_trials import try_writes
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.interfaces.comparing import compare_descriptions, describe_operation, list_remarks
from carefund.funders.interfaces.documents import WrongDescription
from carefund.funders.interfaces.file import SETTING, as_text, read_text
from carefund.funders.interfaces.operation_matching import FoundOperation
from carefund.funders.interfaces.proposing import Outcome, Proposal, settle
from carefund.runs.foreground import finish_one
from carefund.runs.ndis.trials import request_pace_trial
from carefund.runs.trials import request_trial
from carefund.sync.interface_proposals import (
    NotAccepted,
    is_set_elsewhere,
    list_base_urls,
    list_offers,
    take_lines,
)
from carefund.sync.shareable_description import describe_archived

app = typer.Typer(cls=Commands, help="The funder's real interfaces, compared with what is known.", no_args_is_help=True)


@app.callback()
def interfaces() -> None:
    """The funder's real interfaces, compared with what is known."""


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Descriptions: OpenAPI 2.0 or 3, YAML or JSON.")],
    accept_likely: Annotated[
        bool, typer.Option(help="Ask no questions. Use what is likely, and list what is not.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="The file to write, instead of the one that Carefund uses.")
    ] = None,
    json: Annotated[bool, typer.Option(help="Print as JSON, and ask no questions.")] = False,
) -> None:
    """Find the operations that Carefund uses in official descriptions, print what differs, and write it to a file."""
    output = output or Path(settings.ACCEPTED_INTERFACES_FILE)
    if output.is_file():
        complain(f"{output} exists already.", "Name another file with --output, or remove it.")
        raise typer.Exit(WRONG_INPUT)
    try:
        found = compare_descriptions(files, list_base_urls())
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
            "interfaces": {name: asdict(interface) for name, interface in outcome.interfaces.items()},
            "open": outcome.open_points,
        })  # fmt: skip
        return
    screen.print("")
    for point in outcome.open_points:
        print_line("yellow", "?", point)
    is_used = output == settings.ACCEPTED_INTERFACES_FILE and settings.INTERFACES_FILE in ("", str(output))
    to_do = "Restart Carefund to use it." if is_used else f"Set {SETTING} to it, and restart Carefund."
    print_line("green", "✓", f"{output} was written. {to_do}")


@app.command("try")
def try_once(
    client_number: Annotated[
        str, typer.Argument(metavar="ID", help="Care Recipient ID of a client, or NDIS number of a participant.")
    ],
    ndis: Annotated[bool, typer.Option("--ndis", help="The number is an NDIS number: ask the NDIA.")] = False,
    writes: Annotated[
        bool,
        typer.Option("--writes", help="Try sending data instead, each step after a confirmation. Never in production."),
    ] = False,
    accept_likely: Annotated[
        bool, typer.Option(help="Add the lines that are likely to the interfaces file that Carefund uses.")
    ] = False,
    json: Annotated[bool, typer.Option(help="Print the report as JSON.")] = False,
) -> None:
    """Make each read call once for a client, and report how the responses differ from what is expected.

    The responses are archived, and no record changes. The report shows no value of the client.
    """
    if writes and (ndis or json or accept_likely):
        complain(
            "Only data for Services Australia can be tried, and each step is confirmed.", "Leave out the other options."
        )
        raise typer.Exit(WRONG_INPUT)
    if writes:
        try_writes(client_or_exit(client_number))
        return
    client = participant_or_exit(client_number) if ndis else client_or_exit(client_number)
    store_act(None, "Interfaces tried")
    run = request_pace_trial(client) if ndis else request_trial(client)
    report = finish_one(run).result or {}
    if json:
        print_json(report)
    else:
        print_report(report)
    likely = [line.key for line in list_offers(report) if line.is_offered and line.is_likely]
    if accept_likely and (likely or (report["lines"] and is_set_elsewhere())):
        _take_lines(likely, as_json=json)
    elif likely and not json:
        print_line("blue", "→", "Add --accept-likely to write what is likely into the interfaces file.")


def _take_lines(keys: list[str], *, as_json: bool) -> None:
    try:
        with one_act():
            store_act(None, "Interfaces file changed", f"{len(keys)} lines")
            path = take_lines(keys)
    except NotAccepted as fault:
        complain(str(fault), "Nothing was written.")
        raise typer.Exit(FAILED) from None
    if not as_json:
        said = f"{path} was changed (lines: {len(keys)}). Try again, and restart Carefund to use it."
        print_line("green", "✓", said)


@app.command()
def share(
    file: Annotated[Path | None, typer.Argument(help="The file to write. Without it, the text is printed.")] = None,
    json: Annotated[bool, typer.Option(help="Print as JSON.")] = False,
) -> None:
    """Describe how stored responses are written, without any person's values, as a file to read and share."""
    if file is not None and file.is_file():
        complain(f"{file} exists already.", "Name another file, or remove it.")
        raise typer.Exit(WRONG_INPUT)
    text = describe_archived()
    store_act(None, "Interfaces described for sharing")
    if file is not None:
        file.write_text(text, "utf-8")
    if json:
        print_json({"file": str(file or ""), "description": text})
    elif file is not None:
        print_line("green", "✓", f"{file} was written. Read all of it before you share it.")
    else:
        print(text, end="")


def _as_data(found: FoundOperation) -> dict[str, object]:
    operation_id = found.described.operation_id if found.described else None
    return {"found": operation_id, "confidence": round(found.confidence, 2), "path": found.path}


def _print_operation(found: FoundOperation) -> None:
    good = found.described is not None
    print_line("green" if good else "red", "✓" if good else "✗", describe_operation(found))
    for remark in list_remarks(found):
        print_detail(remark.title, remark.text)
