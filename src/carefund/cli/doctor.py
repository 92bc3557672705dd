"""`carefund doctor`: a file for a bug report."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from django.utils import timezone

from carefund.cli.output import WRONG_INPUT, complain, screen
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
    content = json.dumps(describe_installation(), indent=1, default=str, ensure_ascii=False) + "\n"
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        complain("This file exists already.", "Name another one.")
        raise typer.Exit(WRONG_INPUT) from None
    except FileNotFoundError:
        complain("The folder for this file does not exist.", "Create it, or name another one.")
        raise typer.Exit(WRONG_INPUT) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(content)
    screen.print(f"Wrote {target}. Read it before you attach it to a bug report.", highlight=False, markup=False)
