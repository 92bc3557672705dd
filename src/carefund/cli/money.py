"""`carefund money`: where the money for delivered services is, as on the money page."""

from typing import Annotated

import typer
from rich.table import Table

from carefund.cli.output import print_json, screen
from carefund.domain.claims.money import describe_stage
from carefund.domain.wording import write_money
from carefund.records.claims.money import find_money
from carefund.runs.business_day import business_today


def money(
    branch: Annotated[str, typer.Option(help="One branch by its Service Provider ID. Without it, all of them.")] = "",
    json: Annotated[bool, typer.Option(help="Print as JSON.")] = False,
) -> None:
    """Show where the money for delivered services is: not claimed, undecided, unpaid, refused, or an exception."""
    stages = find_money(business_today(), branch.strip())
    if json:
        print_json({"branch": branch.strip(), "stages": [describe_stage(sums) for sums in stages]})
        return
    table = Table("Stage", box=None, pad_edge=False, header_style="bold")
    for title in ("Lines", "Amount", "Closes within 14 days", "Window closed"):
        table.add_column(title, justify="right")
    for sums in stages:
        table.add_row(
            sums.stage.label, f"{sums.total.number:,}", write_money(sums.total.amount),
            write_money(sums.closing.amount), write_money(sums.closed.amount),
        )  # fmt: skip
    screen.print(table)
