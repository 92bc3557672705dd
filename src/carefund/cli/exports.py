"""`carefund export`: all records of one kind as a file for a spreadsheet or a BI tool."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from django.utils import timezone

from carefund.access.exports import open_export
from carefund.access.gate import OPERATOR
from carefund.cli.output import WRONG_INPUT, complain, screen
from carefund.domain.wording import many
from carefund.records.parquet_files import MISSING, MISSING_ADVICE, is_parquet_installed
from carefund.records.table_files import FORMATS, write_file
from carefund.sync.exports import EXPORTS

Kind = StrEnum("Kind", {kind.upper(): kind for kind in EXPORTS})  # type: ignore[misc]
Format = StrEnum("Format", {name.upper(): name for name in FORMATS})  # type: ignore[misc]


def export(
    kind: Annotated[Kind, typer.Argument(help="What to export.")],
    output: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE")],
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Without this, the ending of the file decides.")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="As known at the end of a day, YYYY-MM-DD.", metavar="DAY"),
    ] = None,
) -> None:
    """Write all records of one kind to a file for a spreadsheet or a BI tool."""
    wanted = EXPORTS[kind.value]
    chosen = file_format.value if file_format else output.suffix.removeprefix(".").lower()
    day = as_of.date() if as_of else None
    if chosen not in FORMATS:
        complain("The format is not known.", f"End the file name with .{', .'.join(FORMATS)}, or use --format.")
        raise typer.Exit(WRONG_INPUT)
    if chosen == "parquet" and not is_parquet_installed():
        complain(MISSING, MISSING_ADVICE)
        raise typer.Exit(WRONG_INPUT)
    if day is not None and (day > timezone.localdate() or wanted.as_of is None):
        complain(
            "There is nothing to read for this day.", "Choose today or an earlier day, and a kind of funding record."
        )
        raise typer.Exit(WRONG_INPUT)
    lines = open_export(OPERATOR, wanted, day, "carefund export")
    written = write_file(output, lines, chosen, list(wanted.types.values()))
    screen.print(f"{many(written, 'line')} written.", highlight=False)
