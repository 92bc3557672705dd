"""What commands share that import a CSV file: show what it would do, import it once confirmed, list its problems."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import typer
from rich.table import Table

from carefund.access.audit_log import one_act
from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.domain.csv_tables import RowProblems, UnreadableFile
from carefund.domain.wording import many

MOST_SHOWN = 50
CsvFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="CSV, separated by commas, semicolons or tabs.")
]
Confirm = Annotated[bool, typer.Option(help="Import the file. Without this, nothing is imported.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Plan = TypeVar("Plan", bound=RowProblems)


@dataclass(frozen=True, slots=True)
class FileImport(Generic[Plan]):
    """One sort of file: `plan` compares it with what is stored, `store` stores it with an entry in the audit log."""

    plan: Callable[[bytes], Plan]
    store: Callable[[Plan], None]
    as_data: Callable[[Plan], dict[str, Any]]
    show: Callable[[Plan], None]

    def carry_out(self, file: Path, *, confirm: bool, as_json: bool) -> None:
        """Show what a file would do, and import it if that is confirmed and no row has a problem."""
        try:
            plan = self.plan(file.read_bytes())
        except UnreadableFile as problem:
            complain(str(problem))
            raise typer.Exit(WRONG_INPUT) from None
        imported = plan.is_loadable and confirm
        if imported:
            with one_act():
                self.store(plan)
        if as_json:
            problems = [problem._asdict() for problem in plan.problems]
            counted = {"problem_count": plan.problem_count, "problems": problems}
            print_json(self.as_data(plan) | counted | {"loaded": imported})
        else:
            self.show(plan)
            _show_outcome(plan, imported=imported)
        if not plan.is_loadable:
            raise typer.Exit(WRONG_INPUT)


def _show_outcome(plan: RowProblems, *, imported: bool) -> None:
    if plan.problem_count:
        table = Table("Line", "Column", "Problem", box=None, pad_edge=False, header_style="bold")
        for problem in plan.problems[:MOST_SHOWN]:
            table.add_row(str(problem.line), problem.column, problem.message)
        screen.print(table)
        complain(f"{many(plan.problem_count, 'problem')}. Nothing was imported.", "Correct the file, then try again.")
    elif imported:
        screen.print("Imported.")
    else:
        screen.print("Nothing has been imported yet. Add --confirm to import it.")
