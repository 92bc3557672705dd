"""How the terminal shows things: messages, results and tables, the same everywhere."""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from carefund.records.models import Change
from carefund.sync.care_recipient.recordsets import RECORD_SETS
from carefund.sync.change_log.sentences import write_lines_by_kind

FAILED = 1
WRONG_INPUT = 2
CONSENT_NOT_GIVEN = 3

screen = Console()
errors = Console(stderr=True)


def complain(message: str, advice: str = "") -> None:
    """One message and one piece of advice, on standard error."""
    errors.print(f"[bold red]Error:[/] {escape(message)}", highlight=False, soft_wrap=True)
    if advice:
        errors.print(f"       {escape(advice)}", highlight=False, soft_wrap=True)


def print_json(data: Any) -> None:
    """Data as JSON on standard output, and nothing else there."""
    print(json.dumps(data, indent=2, default=str))


def write_private_file(file: Path, data: Any) -> None:
    """Write data as JSON into a new file that only this account can read. End the command if it cannot be made."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        complain("This file exists already.", "Name another one.")
        raise typer.Exit(WRONG_INPUT) from None
    except FileNotFoundError:
        complain("The folder for this file does not exist.", "Create it, or name another one.")
        raise typer.Exit(WRONG_INPUT) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(json.dumps(data, indent=1, default=str, ensure_ascii=False) + "\n")


def counts_table(counts: Mapping[str, Mapping[str, int]]) -> Table:
    """Counts per kind of record, in the order of the guide."""
    table = Table("Records", box=None, pad_edge=False, header_style="bold")
    for title in ("In all", "New", "Changed", "Unchanged", "No longer returned"):
        table.add_column(title, justify="right")
    for record_set in RECORD_SETS:
        count = counts.get(record_set.kind)
        if count:
            in_all = count["new"] + count["changed"] + count["unchanged"]
            figures = (in_all, count["new"], count["changed"], count["unchanged"], count["no_longer_returned"])
            table.add_row(record_set.label, *(f"{figure:,}" for figure in figures))
    return table


def changes_table(changes: Sequence[Change]) -> Table:
    """Every field that changed, or would."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Kind", "Record", "What", "Before", "After"):
        table.add_column(title, overflow="fold")
    for line in write_lines_by_kind(changes):
        table.add_row(line.kind, line.record, line.what, line.before, line.after)
    return table


def this_command() -> str:
    """Return what to type for `carefund`: its plain name where the shell finds it, else the way it was typed."""
    typed = Path(sys.argv[0])
    if typed.name != "carefund":
        return f"{as_typed(Path(sys.executable))} -m carefund.cli.main"
    found = shutil.which("carefund")
    return "carefund" if found and Path(found) == typed.absolute() else as_typed(typed)


def as_typed(path: Path) -> str:
    """Return a path as one would type it here: from this folder where it lies below."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)
