"""`carefund doctor`: a file for a bug report."""

from pathlib import Path
from typing import Annotated

import typer
from django.utils import timezone

from carefund.cli.output import screen, write_private_file
from carefund.runs.diagnostics import describe_installation


def doctor(
    file: Annotated[
        Path | None, typer.Argument(help="A new file. Default: carefund-doctor-… in this folder.", dir_okay=False)
    ] = None,
) -> None:
    """Write versions, settings without secrets, counts, last failures and timing to a file for a bug report.

    The file holds no name, no ID and no text that a person or a funder wrote.
    """
    target = file or Path(f"carefund-doctor-{timezone.now():%Y%m%d-%H%M%S}.json")
    write_private_file(target, describe_installation())
    screen.print(f"Wrote {target}. Read it before you attach it to a bug report.", highlight=False, markup=False)
