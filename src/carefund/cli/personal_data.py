"""`carefund clients data` and `carefund clients erase`: what is kept of one person, as a file or no longer."""

from pathlib import Path
from typing import Annotated

import typer
from django.core.exceptions import PermissionDenied

from carefund.access.access_log import store_view
from carefund.access.accounts import find_account
from carefund.access.gate import OPERATOR, find_client_to_read
from carefund.access.personal_data import take_out_personal_data
from carefund.access.roles import may_administer
from carefund.cli.client_argument import client_or_exit
from carefund.cli.output import FAILED, complain, screen, write_private_file
from carefund.records.models import Client
from carefund.runs.erasure import CannotErase, ErasurePlan, describe_backup_copies, erase, plan_erasure, wipe_free_space

Person = Annotated[str, typer.Argument(help="Care Recipient ID.", metavar="[ID]")]
Number = Annotated[int, typer.Option(help="The number in the address of the client's page, instead of the ID.")]


def write_data(
    file: Annotated[Path, typer.Option("--to", help="The new file.", dir_okay=False)],
    client: Person = "",
    number: Number = 0,
) -> None:
    """Write everything that is kept about one client to a file, for an access request."""
    found = _find(client, number)
    write_private_file(file, take_out_personal_data(None, found, "carefund clients data"))
    screen.print(f"Wrote {file}.", highlight=False, markup=False)


def erase_client(
    by: Annotated[str, typer.Option(help="Your account, which must be an administrator's.", metavar="USER")],
    client: Person = "",
    number: Number = 0,
    yes: Annotated[bool, typer.Option(help="Do not ask.")] = False,
) -> None:
    """Erase one client, after showing what goes and what has to stay. An administrator confirms it."""
    if not may_administer(find_account(by)):
        raise PermissionDenied("Only an administrator can erase a client.")
    found = _find(client, number)
    store_view(None, found, "carefund clients erase")
    plan = plan_erasure(found)
    _show(plan)
    if not yes:
        typer.confirm("Erase this client? This cannot be undone.", abort=True)
    try:
        erase(found, plan, by)
    except CannotErase as refusal:
        complain(str(refusal))
        raise typer.Exit(FAILED) from None
    screen.print("Erased.")
    if not wipe_free_space():
        screen.print(
            "Unused space in the database still holds the deleted data. Run VACUUM (SQLite) or VACUUM FULL "
            "(PostgreSQL) while Carefund and every worker are stopped.",
            highlight=False,
        )


def _find(client: str, number: int) -> Client:
    return client_or_exit(client) if client else find_client_to_read(OPERATOR, number)


def _show(plan: ErasurePlan) -> None:
    screen.print("These records will be erased:")
    for words, count in plan.all_erased.items():
        screen.print(f"  {words}: {count:,}", highlight=False)
    if plan.kept:
        screen.print("The law requires you to keep records of claims and delivered services. These records stay:")
        for words, count in plan.kept.items():
            screen.print(f"  {words}: {count:,}", highlight=False)
    screen.print("The access log and the audit log stay. They hold only Carefund's own number of the client.")
    screen.print(describe_backup_copies(), highlight=False)
