"""How one budget adds up: each figure with its terms, where they come from, and what is not explained."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from carefund.access.access_log import store_view
from carefund.access.gate import find_client_to_read
from carefund.console.care_recipient.client import frame
from carefund.console.page_access import Request, page
from carefund.domain.care_recipient.explaining import BudgetExplanation, Origin
from carefund.domain.care_recipient.rates import RATES
from carefund.domain.wording import write_money
from carefund.records.care_recipient.funding import find_funding
from carefund.records.not_found import NotHere
from carefund.sync.care_recipient.explanations import explain_funding
from carefund.sync.change_log.record_names import name_budget

_TITLES = {"total": "Total", "used": "Used", "available": "Available"}
_TONES = {Origin.FUNDER: "", Origin.COMPUTED: "info", Origin.UNKNOWN: "warn"}


@page()
def show(request: Request, client_id: int, budget_key: int) -> HttpResponse:
    """One budget of a client, explained."""
    client = find_client_to_read(request.user, client_id)
    funding = find_funding(client, timezone.localdate(), open_days=settings.OPEN_BUDGET_DAYS, with_all_usage=True)
    figures = next((figures for figures in funding.budgets if figures.budget.pk == budget_key), None)
    if figures is None:
        raise NotHere
    store_view(request.user, client, "How a budget adds up")
    explanation = explain_funding(funding, [figures])[budget_key]
    context = {
        **frame(client),
        "name": name_budget(figures.budget),
        "budget": figures.budget,
        "explanation": explanation,
        "lead": _write_lead(explanation),
        "shown": [
            (figure, _TITLES[figure.name], [(term, _TONES[term.origin]) for term in figure.terms])
            for figure in explanation.figures
        ],
        "rates_from": max(rate.from_date for rate in RATES),
    }
    return render(request, "console/care_recipient/explanation.html", context)


def _write_lead(explanation: BudgetExplanation) -> str:
    """How far the budget is explained, in a sentence."""
    if explanation.is_worked_out:
        return "Every figure adds up to the cent, and the published rates give each entitlement."
    if explanation.is_explained:
        return "Every figure adds up to the cent. No published rate gives some of the entitlements."
    parts = [
        f"{write_money(figure.rest)} of the {_TITLES[figure.name].lower()}"
        for figure in explanation.figures
        if not figure.is_explained
    ]
    return f"Not explained: {' and '.join(parts)}."
