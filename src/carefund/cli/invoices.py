"""`carefund invoices`: bring invoice lines in from a CSV file, after showing what it would do."""

from typing import Any

import typer

from carefund.access.audit_log import store_act
from carefund.cli.file_import import AsJson, Confirm, CsvFile, FileImport
from carefund.cli.output import screen
from carefund.cli.refusals import Commands
from carefund.domain.wording import many, write_money
from carefund.records.claims.invoice_uploads import plan_file
from carefund.records.claims.invoices import ImportPlan, store_import

app = typer.Typer(
    cls=Commands, help="Invoices of delivered services, from the provider's own system.", no_args_is_help=True
)


@app.callback()
def _invoices() -> None:
    """Invoices of delivered services, from the provider's own system."""


@app.command(name="import")
def import_file(file: CsvFile, confirm: Confirm = False, json: AsJson = False) -> None:
    """Show what a file would add and each row with a problem. With --confirm, import it if no row has one."""
    FileImport(plan_file, _store, _as_data, _show).carry_out(file, confirm=confirm, as_json=json)


def _store(plan: ImportPlan) -> None:
    store_act(None, "Invoice file loaded", after={"lines": store_import(plan)})


def _as_data(plan: ImportPlan) -> dict[str, Any]:
    return {
        "new_lines": plan.line_count,
        "new_invoices": plan.new_invoice_count,
        "known_lines": plan.known_line_count,
        "clients": plan.client_count,
        "total": str(plan.total),
    }


def _show(plan: ImportPlan) -> None:
    screen.print(
        f"{many(plan.line_count, 'new line')} on {many(plan.new_invoice_count, 'new invoice')} for "
        f"{many(plan.client_count, 'client')}, {write_money(plan.total)}; "
        f"{many(plan.known_line_count, 'line')} already imported.",
        highlight=False,
    )
