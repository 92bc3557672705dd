"""`carefund clients`: who is cared for here."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from django.contrib.auth.models import User
from rich.table import Table

from carefund.access.access_log import store_view, store_views
from carefund.access.accounts import find_account
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import OPERATOR, find_client_to_read, find_match_to_decide, list_clients_for
from carefund.access.log_writing import name_terminal
from carefund.cli import client_list
from carefund.cli.client_argument import client_or_exit, id_or_exit
from carefund.cli.client_files import ClientFileImport
from carefund.cli.output import WRONG_INPUT, complain, screen
from carefund.cli.refusals import Commands
from carefund.domain.wording import many
from carefund.records.care_recipient.clients import CannotEdit, add_client, decide_match, edit_client
from carefund.records.care_recipient.queries import is_service_provider_known, list_waiting_matches
from carefund.records.provider_file import NotAProviderFile, read_provider_file
from carefund.runs.queries import is_under_way
from carefund.sync.care_recipient.usage_links import load_provider_file

app = typer.Typer(cls=Commands, help="Clients of this organisation.", no_args_is_help=True)
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="YYYY-MM-DD", metavar="DAY")]
Branch = Annotated[str, typer.Option(help="A known Service Provider ID.", metavar="ID")]
_WORDS = {"care_recipient_id": "Care Recipient ID", "service_provider_id": "branch", "is_active": "active"}
By = Annotated[str, typer.Option(help="Your account. It is recorded with the change.", metavar="USER")]


app.command(name="list")(client_list.list_all)


@app.command()
def add(
    care_recipient_id: Annotated[str, typer.Argument(help="Care Recipient ID.")],
    first_name: Annotated[str, typer.Argument()],
    last_name: Annotated[str, typer.Argument()],
    birth_date: Day = None,
    branch: Branch = "",
    by: By = "",
) -> None:
    """Add one client. With --by, that coordinator can see the client even before a branch is known."""
    user = _find_user(by)
    values = {
        "care_recipient_id": id_or_exit(care_recipient_id),
        "first_name": first_name,
        "last_name": last_name,
        "birth_date": birth_date.date() if birth_date else None,
        "service_provider_id": _branch_or_exit(branch),
    }
    try:
        with one_act():
            store_view(None, add_client(values, made_by=by or name_terminal(), user=user), "carefund clients add")
            store_act(None, "Client added", after=_name(by))
    except CannotEdit as refusal:
        complain(str(refusal), "Run `carefund show` to see the client.")
        raise typer.Exit(WRONG_INPUT) from None
    screen.print("Added.")


@app.command()
def edit(
    client: Annotated[str, typer.Argument(help="Care Recipient ID.", metavar="[ID]")] = "",
    number: Annotated[int, typer.Option(help="The number in the address of the client's page, instead of the ID.")] = 0,
    care_recipient_id: Annotated[str, typer.Option(help="The new Care Recipient ID.", metavar="ID")] = "",
    first_name: Annotated[str, typer.Option()] = "",
    last_name: Annotated[str, typer.Option()] = "",
    birth_date: Day = None,
    branch: Branch = "",
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Include in bulk runs, or not.")] = None,
    by: By = "",
) -> None:
    """Change a client: Care Recipient ID, name, date of birth, branch, active or not."""
    _find_user(by)
    found = client_or_exit(client) if client else find_client_to_read(OPERATOR, number)
    values: dict[str, Any] = {"first_name": first_name, "last_name": last_name, "service_provider_id": branch}
    values["care_recipient_id"] = id_or_exit(care_recipient_id) if care_recipient_id else ""
    values["birth_date"] = birth_date.date() if birth_date else None
    given = {name: value for name, value in values.items() if value}
    _branch_or_exit(branch)
    if active is not None:
        given["is_active"] = active
    try:
        if "care_recipient_id" in given and is_under_way(found):
            raise CannotEdit("A sync of this client is in progress. Wait until it finishes.")
        with one_act():
            store_view(None, found, "carefund clients edit")
            changed = edit_client(found.pk, given, made_by=by or name_terminal())
            if changed:
                store_act(None, "Client changed", after={"fields": changed} | _name(by))
    except CannotEdit as refusal:
        complain(str(refusal))
        raise typer.Exit(WRONG_INPUT) from None
    words = ", ".join(_WORDS.get(name, name.replace("_", " ")) for name in changed)
    screen.print(f"Changed: {words}." if changed else "Nothing was changed.", highlight=False)


@app.command()
def matches() -> None:
    """List Care Recipient IDs in provider files that may belong to existing clients."""
    table = Table("Number", "Client", "In the file", "Care Recipient ID", box=None, pad_edge=False, header_style="bold")
    waiting = list(list_waiting_matches(list_clients_for(OPERATOR)))
    store_views(None, [match.client for match in waiting], "carefund clients matches")
    for match in waiting:
        here = f"{match.client.full_name}, {match.client.birth_date or 'date of birth not known'}"
        there = f"{match.first_name} {match.last_name}, {match.birth_date or 'date of birth not known'}"
        table.add_row(str(match.pk), here, there, match.care_recipient_id)
    screen.print(table if table.row_count else "Nothing to confirm.")


@app.command()
def match(
    number: Annotated[int, typer.Argument(help="The number shown by `carefund clients matches`.")],
    same: Annotated[bool, typer.Option("--same/--other", help="Same person, or a different person.")],
    by: By = "",
) -> None:
    """Confirm whether a person in a provider file is an existing client."""
    user = _find_user(by)
    found = find_match_to_decide(OPERATOR, number)
    try:
        if same and is_under_way(found.client):
            raise CannotEdit("A sync of this client is in progress. Wait until it finishes.")
        with one_act():
            store_view(None, found.client, "carefund clients match")
            decide_match(number, is_same=same, made_by=by or name_terminal(), user=user)
            store_act(None, "Client confirmed" if same else "Client told apart", after=_name(by))
    except CannotEdit as refusal:
        complain(str(refusal))
        raise typer.Exit(WRONG_INPUT) from None
    screen.print("Noted.")


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file, or a provider file (JSON).")],
    update: Annotated[
        list[str] | None,
        typer.Option(help="CSV: a field of existing clients to update. Repeat for several.", metavar="FIELD"),
    ] = None,
    confirm: Annotated[bool, typer.Option(help="CSV: import the file. Without this, nothing is imported.")] = False,
    json: Annotated[bool, typer.Option("--json", help="CSV: print as JSON.")] = False,
    by: By = "",
) -> None:
    """Import clients from a CSV file, after showing what it would do; or branches, clients and invoices from a provider
    file (JSON). Existing clients change only in the fields that you name."""
    content = file.read_bytes()
    if not content.lstrip().startswith((b"{", b"[")):
        ClientFileImport(update or [], by, _find_user(by)).carry_out(file, confirm=confirm, as_json=json)
        return
    _import_provider_file(content)


def _import_provider_file(content: bytes) -> None:
    try:
        found = read_provider_file(content)
    except NotAProviderFile as error:
        complain(f"The file cannot be read: {error}.", "Nothing was imported. The documentation describes the format.")
        raise typer.Exit(WRONG_INPUT) from None
    with one_act():
        loaded = load_provider_file(found)
        store_act(None, "Provider file loaded", after=asdict(loaded))
    screen.print(
        f"New: {loaded.clients:,} clients, {loaded.invoices:,} invoices, {loaded.line_items:,} line items.",
        highlight=False,
    )
    if loaded.waiting:
        screen.print(
            f"{many(loaded.waiting, 'Care Recipient ID')} may belong to existing clients. Look with "
            "`carefund clients matches`, confirm each one, then import the file again for their line items.",
            highlight=False,
        )


def _find_user(username: str) -> User | None:
    """The account of this name, None if none was named. Raises NotHere."""
    return find_account(username) if username else None


def _name(by: str) -> dict[str, str]:
    """What the audit log says of --by: anybody at the terminal may say any name."""
    return {"in the name of": by} if by else {}


def _branch_or_exit(service_provider_id: str) -> str:
    """A branch that is known here, or none; ends the command for one that is not."""
    if service_provider_id and not is_service_provider_known(service_provider_id):
        complain("Branch not found.", "Import it with a provider file, or run a sync to find it.")
        raise typer.Exit(WRONG_INPUT)
    return service_provider_id
