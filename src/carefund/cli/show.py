"""`carefund show`: what is known of one care recipient, now or on an earlier day."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any

import typer
from django.conf import settings
from rich.table import Table

from carefund.access.access_log import store_view
from carefund.cli.client_argument import client_or_exit
from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.domain.care_recipient.budgets import Effects, read_effects
from carefund.domain.care_recipient.draws import DrawnBy
from carefund.domain.periods import Period
from carefund.domain.wording import write_day, write_money, write_percentage
from carefund.plain_numbers import read_day
from carefund.records.care_recipient.identities import describe_identity
from carefund.records.care_recipient.queries import is_consent_missing
from carefund.records.models import (
    ApprovedService,
    BudgetUsage,
    Classification,
    IndividualContribution,
    PlanBudget,
    Supplement,
)
from carefund.records.models.columns import FieldType, label_of, names_of, type_of
from carefund.runs.business_day import business_today
from carefund.sync.care_recipient.history import FundingAsOf, find_funding_as_of, find_funding_now

_ENDS = ("total", "available")  # what all begins with, and what is left
_FIGURES = (
    _ENDS[0], *(name for name in names_of(PlanBudget, FieldType.MONEY) if name not in _ENDS), _ENDS[1]
)  # fmt: skip
_OWN = ("claimed_not_drawn", "delivered_not_claimed", "planned", "safe_to_spend")
_SAFE = "Safe to spend (an estimate)"


def show(
    care_recipient_id: Annotated[str, typer.Argument(help="Care Recipient ID.")],
    as_of: Annotated[
        str, typer.Option(help="A date, YYYY-MM-DD. Shows what was known at the end of that day.", metavar="DAY")
    ] = "",
    json: Annotated[bool, typer.Option(help="Print as JSON.")] = False,
) -> None:
    """Show plan, classifications and budgets of one care recipient. With --as-of, as they were known on that day."""
    client = client_or_exit(care_recipient_id)
    funding = find_funding_as_of(client, end_of_day(as_of)) if as_of else find_funding_now(client)
    store_view(None, client, f"carefund show, as of {as_of}" if as_of else "carefund show")
    if json:
        print_json(funding.as_data())
    else:
        _print(funding, as_of=bool(as_of))


def end_of_day(text: str) -> datetime:
    """The first instant after a day of the provider's calendar; ends the command if it is no day."""
    try:
        day = read_day(text)
    except ValueError:
        complain("This is not a date.", "Enter it as YYYY-MM-DD, for example 2026-05-03.")
        raise typer.Exit(WRONG_INPUT) from None
    return datetime.combine(day + timedelta(days=1), time(), settings.BUSINESS_TIME_ZONE)


def _print(funding: FundingAsOf, *, as_of: bool) -> None:
    data = funding.as_data()
    last_instant = (funding.instant - timedelta(seconds=1)).astimezone(settings.BUSINESS_TIME_ZONE)
    when = f"at the end of {last_instant:%-d %B %Y}" if as_of else "now"
    screen.print(f"Care recipient {data['care_recipient_id']}, as known {when}", highlight=False)
    if not as_of and is_consent_missing(funding.client):
        screen.print("[yellow]Consent not given:[/] some budget details were refused. The last known details are kept.")
    identity = describe_identity(funding.client).check
    if not as_of and identity.sentences:
        screen.print(f"[yellow]Identity, {identity.state.label.lower()}:[/] {' '.join(identity.sentences)}")
    if not funding.is_known:
        screen.print("No funding information by then.")
        return
    for problem in funding.unreadable:
        screen.print(f"[yellow]A stored response cannot be shown:[/] {problem}", highlight=False)
    screen.print(f"Plan: {_name_dates(funding)}", highlight=False)
    budgets = [_signed(row) | {"budget": _name(row)} for row in data["budgets"]]
    current = [row for row in budgets if Period(row["start_date"], row["end_date"]).covers(business_today())]
    for title, model, rows, columns in (
        (
            "Classifications",
            Classification,
            data["classifications"],
            ("type", "level", "start_date", "end_date", "status", "standing"),
        ),
        (
            "Approved services",
            ApprovedService,
            [row | {"service": row["service_text"] or row["service_type_text"]} for row in data["approved_services"]],
            ("service", "category", "start_date", "end_date", "standing"),
        ),
        (
            "Supplement allocations",
            Supplement,
            [row | {"supplement": row["description"] or row["type_code"]} for row in data["supplements"]],
            ("supplement", "start_date", "end_date", "standing"),
        ),
        ("Budgets", PlanBudget, budgets, ("budget", *_FIGURES)),
        (_SAFE, PlanBudget, [] if as_of else current, ("budget", "available", *_OWN)),
        (
            "Drawn",
            BudgetUsage,
            [{"budget": row["budget"], **use} for row in budgets for use in _add_up(row["usage"])],
            ("budget", "by", "lines", "amount"),
        ),
        (
            "Individual contributions",
            IndividualContribution,
            data["individual_contributions"],
            ("effective_date_from", *names_of(IndividualContribution, FieldType.PERCENTAGE)),
        ),
    ):
        if rows or title not in (_SAFE, "Drawn"):
            screen.print(_table(title, model, rows, columns))


def _name_dates(funding: FundingAsOf) -> str:
    start, end = funding.plan.start_date, funding.plan.end_date
    if start is None and end is None and not (funding.summary and funding.summary.classifications):
        return "no dates yet, because there is no classification"
    return f"{write_day(start) if start else 'start not known'} to {write_day(end) if end else 'open'}"


def _table(title: str, model: Any, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> Table:
    """Rows of one kind; a column is called and aligned as the model's own says."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    money = {column for column in columns if column in _OWN or type_of(model, column) is FieldType.MONEY}
    for column in columns:
        is_number = column in money or type_of(model, column) is FieldType.PERCENTAGE
        table.add_column(label_of(model, column), justify="right" if is_number else "left", no_wrap=is_number)
    for row in rows:
        table.add_row(*(_as_text(row[column], type_of(model, column), is_money=column in money) for column in columns))
    return table


def _name(budget: dict[str, Any]) -> str:
    return f"{budget['budget_type']}, {budget['start_date']} to {budget['end_date'] or 'open'}"


def _signed(budget: dict[str, Any]) -> dict[str, Any]:
    """A budget with its figures as they act on the total, like on its page."""
    effects = read_effects(*(budget[name] for name in ("total", "available", *Effects._fields)))
    told = {name: value for name, value in effects._asdict().items() if budget[name] is not None}
    return budget | told | {name: -budget[name] if budget[name] else budget[name] for name in _OWN[:-1]}


def _add_up(usage: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """What each drew, those first who are us."""
    return [
        {"by": drawer, "lines": len(drawn), "amount": sum(drawn)}
        for drawer in DrawnBy
        if (drawn := [line["amount"] or 0 for line in usage or () if line["drawn_by"] == drawer])
    ]


def _as_text(value: Any, kind: FieldType, *, is_money: bool) -> str:
    """A value as people read it: nothing for what is not known, money with separators and cents."""
    if value is None:
        return ""
    if kind is FieldType.PERCENTAGE and isinstance(value, Decimal) and value.is_finite():
        return write_percentage(value)
    return write_money(value) if is_money else str(value)
