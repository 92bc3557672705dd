"""`carefund claims accounts`: what was paid and held over by branch and month, and what does not tie to our claims."""

from datetime import date, datetime
from typing import Annotated

import typer
from rich.table import Table

from carefund.cli.output import FAILED, complain, print_json, screen
from carefund.domain.wording import write_money
from carefund.records.claims.accounts import (
    AccountRow,
    begin_of_month,
    describe_account,
    list_account_rows,
    list_accounts,
)
from carefund.runs.business_day import business_today
from carefund.runs.claims.accounts import list_months, request_accounts
from carefund.runs.foreground import finish_now
from carefund.runs.models import RunItem
from carefund.runs.queries import list_items

_MONTHS = ["%Y-%m"]


def accounts(
    branch: Annotated[str, typer.Option(help="One branch by its Service Provider ID. Without it, all of them.")] = "",
    month: Annotated[datetime | None, typer.Option(formats=_MONTHS, help="One month, such as 2026-10.")] = None,
    read: Annotated[
        bool, typer.Option("--read", help="Read from Services Australia first: that month, or this one and the last.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show what was paid and held over by branch and month, and what does not match our claims."""
    chosen = begin_of_month(month.date()) if month else None
    has_failed = read and not _read([chosen] if chosen else list_months(business_today(), 2), branch.strip())
    rows = list_account_rows(list_accounts(branch.strip(), chosen))
    if json:
        print_json([describe_account(row) for row in rows])
    elif rows:
        _show(rows)
    else:
        screen.print("No account summary has been read. Run with --read to read one.")
    if has_failed:
        raise typer.Exit(FAILED)


def _read(months: list[date], branch: str) -> bool:
    items = list_items(finish_now(request_accounts(months, branch=branch)))
    failed = [item for item in items if item.outcome == RunItem.Outcome.FAILED]
    for item in failed:
        complain(item.message, item.advice)
    return not failed


def _show(rows: list[AccountRow]) -> None:
    table = Table("Month", "Service Provider ID", box=None, pad_edge=False, header_style="bold")
    for title in ("Held over before", "Claims", "Paid", "Held over after", "Difference"):
        table.add_column(title, justify="right")
    for row in rows:
        account, found = row.account, row.tie
        amounts = (account.opening, found.due, account.paid, account.closing, found.difference)
        table.add_row(
            f"{account.month:%Y-%m}", account.service_provider_id,
            *("" if amount is None else write_money(amount) for amount in amounts),
        )  # fmt: skip
    screen.print(table)
    for row in rows:
        for finding in row.tie.findings:
            screen.print(f"{row.account.month:%Y-%m}: {finding.sentence}", highlight=False, soft_wrap=True)
