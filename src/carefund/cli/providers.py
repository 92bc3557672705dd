"""`carefund providers`: which service provider ids this organisation has at Services Australia."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from carefund.access.audit_log import store_act
from carefund.cli.output import print_json, screen
from carefund.cli.refusals import Commands
from carefund.domain.wording import write_day
from carefund.records.care_management.store import list_detected_providers
from carefund.runs.foreground import OnProgress, sync_service_providers
from carefund.runs.models import RunItem
from carefund.sync.service_providers import ProviderSyncResult

app = typer.Typer(cls=Commands, help="Service Provider IDs of this organisation.", no_args_is_help=True)


@app.callback()
def providers() -> None:
    """Service Provider IDs of this organisation."""


@app.command()
def sync(json: Annotated[bool, typer.Option(help="Print the result as JSON.")] = False) -> None:
    """Find the Service Provider IDs on all care recipients' budgets, and give each client theirs."""
    store_act(None, "Sync Service Providers started")
    with _progress(shown=not json) as show_progress:
        result = sync_service_providers(show_progress)
    if json:
        print_json({
            "service_provider_ids": result.service_provider_ids,
            "new": result.changes.new,
            "returned_again": result.changes.returned_again,
            "no_longer_returned": result.changes.no_longer_returned,
            "refused": result.refused_ids,
            "clients_with_id": result.clients_with_id,
            "clients_updated": result.clients_updated,
            "clients_failed": result.failed,
            "malformed_ids": result.malformed,
            "calls": result.calls,
        })  # fmt: skip
    else:
        _print(result)


@contextmanager
def _progress(*, shown: bool) -> Iterator[OnProgress]:
    """A progress bar, and what moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True, disable=not shown) as bar:
        task = bar.add_task("Clients checked", total=None)

        def show_progress(item: RunItem) -> None:
            bar.update(task, total=item.steps or None, completed=item.steps_done)

        yield show_progress


def _print(result: ProviderSyncResult) -> None:
    table = Table("Service Provider ID", "Name", "State", box=None, pad_edge=False, header_style="bold")
    for row in list_detected_providers():
        if row.no_longer_returned_date:
            state = f"no longer returned since {write_day(row.no_longer_returned_date)}"
        else:
            state = "new" if row.service_provider_id in result.changes.new else "returned"
        table.add_row(row.service_provider_id, row.name, state)
    if result.service_provider_ids or table.row_count:
        screen.print(table)
    else:
        screen.print("No budget has a valid Service Provider ID.")
    screen.print(
        f"{result.clients_with_id:,} clients with an ID, {result.clients_updated:,} updated, {result.calls:,} calls.",
        highlight=False,
    )
    if result.malformed:
        screen.print(f"[yellow]Warning:[/] {result.malformed:,} budgets had an invalid ID and were left out.")
    if result.refused_ids:
        screen.print(
            f"[yellow]Warning:[/] {len(result.refused_ids):,} IDs were refused. Their clients were checked one by one."
        )
    if result.failed:
        screen.print(f"[yellow]Warning:[/] {result.failed:,} clients could not be checked. Try again later.")
