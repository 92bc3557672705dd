"""`carefund explain`: what makes up each figure of a person's budgets, and what is not explained."""

from typing import Annotated

import typer
from django.conf import settings
from rich.table import Table

from carefund.access.access_log import store_view
from carefund.cli.client_argument import client_or_exit
from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.domain.care_recipient.explaining import BudgetExplanation, Origin
from carefund.domain.wording import write_money
from carefund.records.care_recipient.funding import find_funding
from carefund.runs.business_day import business_today
from carefund.sync.care_recipient.explanations import as_data, explain_funding
from carefund.sync.change_log.record_names import name_budget


def explain(
    care_recipient_id: Annotated[str, typer.Argument(help="Care Recipient ID.")],
    budget: Annotated[str, typer.Option(help="One budget by its ID. Without it, all of them.")] = "",
    json: Annotated[bool, typer.Option(help="Print as JSON.")] = False,
) -> None:
    """Explain each figure of a care recipient's budgets, part by part, and name what is not explained."""
    client = client_or_exit(care_recipient_id)
    today = business_today()
    funding = find_funding(client, today, open_days=settings.OPEN_BUDGET_DAYS, with_all_usage=True)
    wanted = [figures for figures in funding.budgets if budget.strip() in ("", figures.budget.budget_id)]
    if budget.strip() and not wanted:
        complain("This care recipient has no budget with this ID.", "Run the command without --budget to see them all.")
        raise typer.Exit(WRONG_INPUT)
    store_view(None, client, "carefund explain")
    found = explain_funding(funding, wanted)
    if json:
        heads = [
            {"budget_id": figures.budget.budget_id, "budget_type_code": figures.budget.budget_type_code}
            for figures in wanted
        ]
        pairs = zip(heads, wanted, strict=True)
        print_json(
            {
                "care_recipient_id": client.care_recipient_id,
                "budgets": [head | as_data(found[figures.budget.pk]) for head, figures in pairs],
            }
        )
        return
    for figures in wanted:
        _print(f"{name_budget(figures.budget)} ({figures.budget.budget_id})", found[figures.budget.pk])
    if not wanted:
        screen.print("No budgets yet. Run `carefund sync` for this care recipient first.")


def _print(title: str, explanation: BudgetExplanation) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in ("Figure", "Part", "How it is worked out", "Source"):
        table.add_column(column, overflow="fold")
    table.add_column("Amount", justify="right", no_wrap=True)
    for figure in explanation.figures:
        stated = "not stated" if figure.stated is None else write_money(figure.stated)
        table.add_row(figure.name.capitalize(), "", "", Origin.FUNDER.label, f"[bold]{stated}[/]")
        for term in figure.terms:
            table.add_row(
                "", f"{term.label}\n{term.when}".strip(), term.working, term.origin.label, write_money(term.amount)
            )
        if figure.cause:
            table.add_row("", "Likely cause", figure.cause, "", "")
    screen.print(table, highlight=False)
