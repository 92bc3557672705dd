"""`carefund clients`: who is cared for here."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from django.db import IntegrityError, transaction

from carefund.cli.finding import id_or_exit
from carefund.cli.output import WRONG_INPUT, complain, screen
from carefund.records.models import Client
from carefund.records.provider_file import NotAProviderFile, read_provider_file, store_provider_file
from carefund.sync.linking import link_all_budget_usage

app = typer.Typer(help="Who is cared for here.", no_args_is_help=True)


@app.command()
def add(
    care_recipient_id: Annotated[str, typer.Argument(help="Services Australia's id of the person.")],
    first_name: Annotated[str, typer.Argument()],
    last_name: Annotated[str, typer.Argument()],
    birth_date: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="YYYY-MM-DD", metavar="DAY")] = None,
) -> None:
    """Add one client."""
    try:
        Client.objects.create(
            care_recipient_id=id_or_exit(care_recipient_id),
            first_name=first_name,
            last_name=last_name,
            birth_date=birth_date.date() if birth_date else None,
        )
    except IntegrityError:
        complain("A client with this care recipient id is here already.", "Look with `carefund show`.")
        raise typer.Exit(WRONG_INPUT) from None
    screen.print("Added.")


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A provider file (JSON).")],
) -> None:
    """Bring in branches, clients and invoices from a provider file; what is here already is left alone."""
    try:
        content = read_provider_file(file.read_bytes())
    except NotAProviderFile as error:
        complain(f"The file cannot be read: {error}.", "The format is in docs/provider-file.md. Nothing was loaded.")
        raise typer.Exit(WRONG_INPUT) from None
    with transaction.atomic():
        loaded = store_provider_file(content)
        if loaded.line_items:  # spending that was taken for another provider's may turn out to be ours
            link_all_budget_usage()
    screen.print(
        f"New: {loaded.clients:,} clients, {loaded.invoices:,} invoices, {loaded.line_items:,} line items.",
        highlight=False,
    )
