"""`carefund setup` and `carefund manage`: the database, and Django's own commands for those who know them."""

import secrets
from pathlib import Path
from typing import Annotated

import typer
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management import call_command, execute_from_command_line

from carefund.access.audit_log import try_to_store_act
from carefund.cli.file_permissions import mend_own_files
from carefund.cli.output import screen
from carefund.cli.systemd import list_next_steps, write_units
from carefund.records.set_up_lock import only_set_up

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def setup(
    environment_file: Annotated[
        Path | None, typer.Option(help="Write new secrets to this file if it does not exist.")
    ] = None,
    systemd: Annotated[
        Path | None,
        typer.Option(help="Write units for systemd to this folder.", exists=True, file_okay=False, metavar="FOLDER"),
    ] = None,
) -> None:
    """Prepare this installation: secrets (once), database tables, static files. Safe to repeat."""
    if environment_file is not None and not environment_file.is_file():
        environment_file.touch(mode=0o600)
        environment_file.write_text(
            f"CAREFUND_SECRET_KEY={secrets.token_urlsafe(48)}\n"
            f"CAREFUND_ENCRYPTION_KEYS={Fernet.generate_key().decode()}\n",
            encoding="utf-8",
        )
        screen.print(f"Wrote secrets to {environment_file}. Keep a copy in a safe place.", highlight=False)
    prepare_installation()
    screen.print("The database and the static files are ready.")
    if systemd is not None:
        units = write_units(systemd)
        screen.print(f"Wrote {', '.join(unit.name for unit in units)} to {systemd}. Now run, as root:", highlight=False)
        for step in list_next_steps(units):
            screen.print(f"  {step}", highlight=False, markup=False, soft_wrap=True)


def prepare_installation() -> None:
    """Tables and static files, as they must be before serving; for one process at a time."""
    Path(settings.DATA_FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    with only_set_up(lambda: screen.print("Another setup is in progress. Waiting until it finishes.")):
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
    mend_own_files()


def manage(context: typer.Context) -> None:
    """Run one of Django's own management commands."""
    if context.args:
        try_to_store_act(None, "Django command", context.args[0])  # it may be what mends the database
    execute_from_command_line(["carefund manage", *context.args])
