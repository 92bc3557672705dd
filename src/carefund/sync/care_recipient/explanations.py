"""A person's budgets explained: what is stored of them, given to the rule in domain/care_recipient/explaining.py.

Call with funding that has all usage (`find_funding(…, with_all_usage=True)`).
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from carefund.domain.care_recipient.entitlement_amounts import HeldRate, Terms
from carefund.domain.care_recipient.explaining import BudgetExplanation, Drawn, Facts, Undrawn, explain, label_draw
from carefund.domain.care_recipient.rates import Rate, key_of
from carefund.domain.claims.checks import amount_of
from carefund.domain.periods import Period
from carefund.records.care_recipient.client_list import ONGOING
from carefund.records.care_recipient.commitments import list_undrawn_lines
from carefund.records.care_recipient.funding import ZERO, BudgetFigures, Funding
from carefund.records.care_recipient.rates import list_rates
from carefund.records.models import InvoiceLineItem, PlanBudget
from carefund.sync.care_recipient.details_read import Details, details_of
from carefund.sync.change_log.record_names import name_budget, name_level


def explain_funding(funding: Funding, wanted: Iterable[BudgetFigures]) -> dict[int, BudgetExplanation]:
    """The explanation of these budgets of a person, by the budget's key here, with the rates that hold."""
    undrawn, rates = list_undrawn_lines(funding.client), list_rates()
    held = _list_held(funding)
    return {figures.budget.pk: explain(_gather(figures, funding, held, undrawn, rates)) for figures in wanted}


def as_data(explanation: BudgetExplanation) -> dict[str, Any]:
    """Plain data for JSON: each figure with its terms, what is left, and the likely cause."""
    return {
        "is_explained": explanation.is_explained,
        "is_worked_out": explanation.is_worked_out,
        "figures": [
            {
                "name": figure.name,
                "stated": figure.stated,
                "not_explained": figure.rest,
                "likely_cause": figure.cause,
                "terms": [
                    {
                        "label": term.label,
                        "when": term.when,
                        "amount": term.amount,
                        "origin": term.origin.value,
                        "working": term.working,
                        "basis": term.basis.value if term.basis else None,
                    }
                    for term in figure.terms
                ],
            }
            for figure in explanation.figures
        ],
    }


def _gather(
    figures: BudgetFigures,
    funding: Funding,
    held: Sequence[HeldRate],
    undrawn: Sequence[InvoiceLineItem],
    rates: Sequence[Rate],
) -> Facts:
    budget = figures.budget
    is_ongoing = budget.budget_type_code == ONGOING
    terms = Terms(
        budget.budget_type_code, Period(budget.start_date, budget.end_date), held if is_ongoing else (), rates
    )
    were_read = _were_details_read(figures, funding)
    return Facts(
        budget,
        terms,
        figures.current_entitlements if were_read or figures.entitlements else None,
        [row for row in figures.entitlements if row.no_longer_returned_date is not None],
        _list_draws(figures) if were_read or figures.usage else None,
        _find_rolled_over(budget, funding) if is_ongoing else None,
        [
            _describe_line(line)
            for line in undrawn
            if line.funding_source == budget.budget_type_code and figures.covers(line.delivery_date)
        ],
    )


def _list_draws(figures: BudgetFigures) -> list[Drawn]:
    return [
        Drawn(
            label_draw(draw.line.description or draw.line.item_code, draw.line.delivery_date, draw.line.amount or ZERO),
            draw.line.amount or ZERO,
            draw.drawn_by.value,
            draw.line.no_longer_returned_date is None,
        )
        for draw in figures.draws
    ]


def _describe_line(line: InvoiceLineItem) -> Undrawn:
    amount = amount_of(line.quantity, line.price_per_unit)
    return Undrawn(label_draw(line.service_text or line.service_id, line.delivery_date, amount), amount)


def _were_details_read(figures: BudgetFigures, funding: Funding) -> bool:
    state = getattr(funding.client, "sync_state", None)
    if state is None or not figures.with_usage:
        return False
    return details_of(figures.budget.budget_id, state.digests, state.unanswered) is Details.READ


def _find_rolled_over(budget: PlanBudget, funding: Funding) -> tuple[str, Decimal] | None:
    """What the budgets that ended the day before say they rolled over, None if there are none or they do not say."""
    if budget.start_date is None or budget.start_date == date.min:
        return None
    day_before = budget.start_date - timedelta(days=1)
    earlier = [
        figures
        for figures in funding.budgets
        if figures.budget.budget_type_code == ONGOING
        and figures.budget.end_date == day_before
        and figures.budget.rollover_deduction is not None
    ]
    if not earlier:
        return None
    name = " and ".join(name_budget(figures.budget) for figures in earlier)
    return name, sum((figures.rollover_deduction for figures in earlier), ZERO)


def _list_held(funding: Funding) -> list[HeldRate]:
    """Levels and supplements as the funder still lists them, under the keys of the rate table."""
    levels = [
        HeldRate(key_of(held.level.replace(" ", "")), name_level(held), Period(held.start_date, held.end_date))
        for held in funding.classifications
        if held.code == ONGOING and held.no_longer_returned_date is None
    ]
    supplements = [
        HeldRate(key_of(held.type_code), held.description or held.type_code, Period(held.start_date, held.end_date))
        for held in funding.supplements
        if held.no_longer_returned_date is None
    ]
    return [*levels, *supplements]
