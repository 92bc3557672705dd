"""`carefund spending`: what is safe to spend, from which money, and whether one more service fits."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import typer
from rich.table import Table

from carefund.access.access_log import store_view
from carefund.cli.client_argument import client_or_exit
from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.domain.care_recipient.planned import Frequency, write_fit
from carefund.domain.wording import write_day, write_money
from carefund.plain_numbers import read_day, read_decimal
from carefund.records.care_recipient.commitments import Spending, find_spending
from carefund.records.care_recipient.spending import Source, describe_source, find_fit, list_sources
from carefund.runs.business_day import business_today
from carefund.sync.change_log.record_names import name_budget

_MOST = Decimal("999999.99")


def spending(
    care_recipient_id: Annotated[str, typer.Argument(help="Care Recipient ID.")],
    price: Annotated[str, typer.Option(help="Price per visit of one more service, such as 80.00.")] = "",
    every: Annotated[Frequency, typer.Option(help="How often it is delivered.")] = Frequency.FORTNIGHTLY,
    from_date: Annotated[
        str, typer.Option("--from", help="Day of the first visit, YYYY-MM-DD. Without it: today.")
    ] = "",
    funding: Annotated[str, typer.Option(help="What it is paid from: ON, AT, HM, RC, EL or AS.")] = "ON",
    json: Annotated[bool, typer.Option(help="Print as JSON.")] = False,
) -> None:
    """Show what is safe to spend (an estimate). With --price, say until when one more service fits."""
    client = client_or_exit(care_recipient_id)
    today = business_today()
    found = find_spending(client, today)
    answer = _answer(found, price, every, from_date, funding.upper()) if price else ""
    store_view(None, client, "carefund spending")
    sources = list_sources(found)
    if json:
        print_json(
            {
                "care_recipient_id": client.care_recipient_id,
                "sources": [describe_source(source) for source in sources],
                "answer": answer or None,
            }
        )
        return
    screen.print(_table(sources))
    if answer:
        screen.print(answer, highlight=False)


def _answer(found: Spending, price: str, every: Frequency, from_date: str, funding: str) -> str:
    amount, day = _read_price(price), _read_day(from_date) if from_date else found.today
    return write_fit(find_fit(found, amount, every, day, funding), amount)


def _read_price(text: str) -> Decimal:
    try:
        price = read_decimal(text)
    except ValueError:
        price = Decimal(0)
    if not (price.is_finite() and 0 < price <= _MOST) or price != price.quantize(Decimal("0.01")):
        complain("This is not a price.", "Enter dollars and cents, for example 80.00.")
        raise typer.Exit(WRONG_INPUT)
    return price


def _read_day(text: str) -> date:
    try:
        day = read_day(text)
    except ValueError:
        day = date.min
    if not 2025 <= day.year <= 2099:
        complain("This is not a date.", "Enter it as YYYY-MM-DD, for example 2026-05-03.")
        raise typer.Exit(WRONG_INPUT)
    return day


def _table(sources: list[Source]) -> Table:
    table = Table(
        title="Safe to spend (an estimate)", title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    table.add_column("Funding", overflow="fold")
    for title in ("Available", "Claimed, not drawn", "Delivered, not claimed", "Planned", "Safe to spend"):
        table.add_column(title, justify="right", no_wrap=True)
    for source in sources:
        found = source.commitment
        amounts = (source.available, -found.claimed, -found.delivered, -found.planned, source.safe_to_spend)
        table.add_row(_name(source), *(write_money(amount + 0) for amount in amounts))
    return table


def _name(source: Source) -> str:
    if source.budget:
        return name_budget(source.budget)
    balance = source.balance
    return f"{balance.get_source_display()}, entered for {write_day(balance.balance_date)}" if balance else ""
