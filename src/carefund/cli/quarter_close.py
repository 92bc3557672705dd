"""`carefund quarter-close`: the rollover and the loss of an ended quarter, and who is ready, as on the page."""

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from carefund.access.access_log import store_views
from carefund.cli.output import print_json, screen
from carefund.domain.care_recipient.quarter_close import add_up_rows, count_days_to_close, quarter_to_close
from carefund.domain.quarters import quarter_of
from carefund.domain.wording import many, write_money
from carefund.records.care_recipient.quarter_close import describe_closing, list_closing_rows
from carefund.runs.business_day import business_today


def quarter_close(
    branch: Annotated[str, typer.Option(help="One branch by its Service Provider ID. Without it, all of them.")] = "",
    quarter: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Any day of the quarter. Without it, the last one.")
    ] = None,
    json: Annotated[bool, typer.Option(help="Print as JSON, with a row for each client.")] = False,
) -> None:
    """Show the rollover and the loss of an ended quarter, as estimates, and how many clients are ready."""
    today = business_today()
    chosen = quarter_of(quarter.date()) if quarter else quarter_to_close(today)
    rows = list_closing_rows(chosen, today, branch.strip())
    totals, left = add_up_rows(rows), count_days_to_close(chosen.end_date, today)
    if json:
        store_views(None, (row.budget.client_id for row in rows), "carefund quarter-close")
        print_json(
            {"quarter_end": chosen.end_date, "days_left": left, "clients": [describe_closing(row) for row in rows]}
        )
        return
    screen.print(f"{chosen.name}: {many(left, 'day')} left to claim" if left >= 0 else f"{chosen.name}: window closed")
    table = Table("", box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    for label, value in (
        ("Clients", f"{totals.people:,}"),
        ("Ready", f"{totals.ready:,}"),
        ("Rolled over", f"{totals.rolled_over:,}"),
        ("Delivered, not claimed", write_money(totals.not_claimed.amount)),
        ("Claimed, not drawn", write_money(totals.pending.amount)),
        ("Rollover (estimate)", write_money(totals.rollover)),
        ("Loss (estimate)", write_money(totals.loss)),
    ):
        table.add_row(label, value)
    screen.print(table)
