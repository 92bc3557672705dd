"""`carefund invoices`: bring invoice lines in from a CSV file, after showing what it would do."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from carefund.access.audit_log import one_act, store_act
from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.cli.refusals import Commands
from carefund.domain.csv_tables import UnreadableFile
from carefund.domain.wording import write_money
from carefund.records.claims.invoice_uploads import plan_file
from carefund.records.claims.invoices import ImportPlan, store_import

app = typer.Typer(
    cls=Commands, help="Invoices of delivered services, from the provider's own system.", no_args_is_help=True
)
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
_SHOWN = 50


@app.callback()
def _invoices() -> None:
    """Invoices of delivered services, from the provider's own system."""


@app.command(name="import")
def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV, separated by commas, semicolons or tabs.")
    ],
    confirm: Annotated[bool, typer.Option(help="Import the file. Without this, nothing is imported.")] = False,
    json: AsJson = False,
) -> None:
    """Show what a file would add and each row with a problem. With --confirm, import it if no row has one."""
    try:
        plan = plan_file(file.read_bytes())
    except UnreadableFile as problem:
        complain(str(problem))
        raise typer.Exit(WRONG_INPUT) from None
    loaded = plan.is_loadable and confirm
    if loaded:
        with one_act():
            lines = store_import(plan)
            store_act(None, "Invoice file loaded", after={"lines": lines})
    if json:
        print_json(_as_data(plan, loaded=loaded))
    else:
        _show(plan, loaded=loaded)
    if not plan.is_loadable:
        raise typer.Exit(WRONG_INPUT)


def _as_data(plan: ImportPlan, *, loaded: bool) -> dict[str, Any]:
    return {
        "new_lines": plan.line_count,
        "new_invoices": plan.new_invoice_count,
        "known_lines": plan.known_line_count,
        "clients": plan.client_count,
        "total": str(plan.total),
        "problem_count": plan.problem_count,
        "problems": [problem._asdict() for problem in plan.problems],
        "loaded": loaded,
    }


def _show(plan: ImportPlan, *, loaded: bool) -> None:
    screen.print(
        f"{plan.line_count:,} new lines on {plan.new_invoice_count:,} new invoices of {plan.client_count:,} clients, "
        f"{write_money(plan.total)}; {plan.known_line_count:,} lines already imported.",
        highlight=False,
    )
    if plan.problem_count:
        table = Table("Line", "Column", "Problem", box=None, pad_edge=False, header_style="bold")
        for problem in plan.problems[:_SHOWN]:
            table.add_row(str(problem.line), problem.column, problem.message)
        screen.print(table)
        complain(
            f"{plan.problem_count:,} rows have problems. Nothing was imported.", "Correct the file, then try again."
        )
    elif loaded:
        screen.print("Loaded.")
    else:
        screen.print("Nothing has been imported yet. Add --confirm to import it.")
