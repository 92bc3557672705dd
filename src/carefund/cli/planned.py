"""`carefund planned`: bring planned services in from a CSV file, after showing what it would do."""

from typing import Any

import typer
from rich.table import Table

from carefund.access.audit_log import store_act
from carefund.cli.file_import import MOST_SHOWN, AsJson, Confirm, CsvFile, FileImport
from carefund.cli.output import screen
from carefund.cli.refusals import Commands
from carefund.domain.wording import many
from carefund.records.care_recipient.planned_services import PlannedImport, plan_planned_file, store_planned_import

app = typer.Typer(cls=Commands, help="Planned services, from a rostering system.", no_args_is_help=True)


@app.callback()
def _planned() -> None:
    """Planned services, from a rostering system."""


@app.command(name="import")
def import_file(file: CsvFile, confirm: Confirm = False, json: AsJson = False) -> None:
    """Show what a file would add or change and each row with a problem. With --confirm, import it if no row has one."""
    FileImport(plan_planned_file, _store, _as_data, _show).carry_out(file, confirm=confirm, as_json=json)


def _store(plan: PlannedImport) -> None:
    stored = store_planned_import(plan, "carefund planned import")
    store_act(None, "Planned services imported", after={"planned_services": stored})


def _as_data(plan: PlannedImport) -> dict[str, Any]:
    return {
        "new": len(plan.new),
        "changed": [{"line": row.line, "fields": names} for row, names in plan.changed],
        "same": plan.same_count,
    }


def _show(plan: PlannedImport) -> None:
    screen.print(
        f"{many(len(plan.new), 'new planned service')}, {len(plan.changed):,} changed, {plan.same_count:,} the same.",
        highlight=False,
    )
    if plan.changed:
        table = Table("Line", "Differs in", box=None, pad_edge=False, header_style="bold")
        for row, names in plan.changed[:MOST_SHOWN]:
            table.add_row(str(row.line), ", ".join(name.replace("_", " ") for name in names))
        screen.print(table)
