"""`carefund planned`: bring planned services in from a CSV file, after showing what it would do."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from carefund.access.audit_log import one_act, store_act
from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.cli.refusals import Commands
from carefund.domain.csv_tables import UnreadableFile
from carefund.domain.wording import many
from carefund.records.care_recipient.planned_services import PlannedImport, plan_planned_file, store_planned_import

app = typer.Typer(cls=Commands, help="Planned services, from a rostering system.", no_args_is_help=True)
_SHOWN = 50


@app.callback()
def _planned() -> None:
    """Planned services, from a rostering system."""


@app.command(name="import")
def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV, separated by commas, semicolons or tabs.")
    ],
    confirm: Annotated[bool, typer.Option(help="Import the file. Without this, nothing is imported.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show what a file would add or change and each row with a problem. With --confirm, import it if no row has one."""
    try:
        plan = plan_planned_file(file.read_bytes())
    except UnreadableFile as problem:
        complain(str(problem))
        raise typer.Exit(WRONG_INPUT) from None
    loaded = plan.is_loadable and confirm
    if loaded:
        with one_act():
            stored = store_planned_import(plan, "carefund planned import")
            store_act(None, "Planned services imported", after={"planned_services": stored})
    if json:
        print_json(_as_data(plan, loaded=loaded))
    else:
        _show(plan, loaded=loaded)
    if not plan.is_loadable:
        raise typer.Exit(WRONG_INPUT)


def _as_data(plan: PlannedImport, *, loaded: bool) -> dict[str, Any]:
    return {
        "new": len(plan.new),
        "changed": [{"line": row.line, "fields": names} for row, names in plan.changed],
        "same": plan.same_count,
        "problem_count": plan.problem_count,
        "problems": [problem._asdict() for problem in plan.problems],
        "loaded": loaded,
    }


def _show(plan: PlannedImport, *, loaded: bool) -> None:
    screen.print(
        f"{many(len(plan.new), 'new planned service')}, {len(plan.changed):,} changed, {plan.same_count:,} the same.",
        highlight=False,
    )
    if plan.changed:
        table = Table("Line", "Differs in", box=None, pad_edge=False, header_style="bold")
        for row, names in plan.changed[:_SHOWN]:
            table.add_row(str(row.line), ", ".join(name.replace("_", " ") for name in names))
        screen.print(table)
    if plan.problem_count:
        table = Table("Line", "Column", "Problem", box=None, pad_edge=False, header_style="bold")
        for problem in plan.problems[:_SHOWN]:
            table.add_row(str(problem.line), problem.column, problem.message)
        screen.print(table)
        complain(f"{many(plan.problem_count, 'problem')}. Nothing was imported.", "Correct the file, then try again.")
    elif loaded:
        screen.print("Imported.")
    else:
        screen.print("Nothing has been imported yet. Add --confirm to import it.")
