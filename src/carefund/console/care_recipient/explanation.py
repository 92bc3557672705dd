"""How one budget adds up: each figure with its terms, where they come from, what is spoken for, and what changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from carefund.access.access_log import store_view
from carefund.access.gate import find_client_to_read
from carefund.console.care_recipient.client import frame
from carefund.console.page_access import Request, page
from carefund.domain.care_recipient.commitments import SpokenFor
from carefund.domain.care_recipient.explaining import BudgetExplanation, Origin
from carefund.domain.wording import many, write_day, write_money
from carefund.records.care_recipient.changes import cut_at_sync, list_changes_of_budget
from carefund.records.care_recipient.funding import find_funding
from carefund.records.care_recipient.rates import list_rates
from carefund.records.care_recipient.spoken_for import SpokenForRow, list_spoken_for
from carefund.records.not_found import NotHere
from carefund.sync.care_recipient.explanations import explain_funding
from carefund.sync.change_log.record_names import name_budget
from carefund.sync.change_log.sentences import write_sentences

_TITLES = {"total": "Total", "used": "Used", "available": "Available"}
_TONES = {Origin.FUNDER: "", Origin.COMPUTED: "info", Origin.UNKNOWN: "warn"}
_REASONS = {
    SpokenFor.CLAIMED: "Claimed, not drawn",
    SpokenFor.DELIVERED: "Delivered, not claimed",
    SpokenFor.PLANNED: "Planned",
}
_CHANGES = 30


@dataclass(frozen=True, slots=True)
class SpokenForView:
    """A part of what is spoken for, in words: `known` says since when Carefund has it."""

    service: str
    reason: str
    when: str
    known: str
    amount: Decimal


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
        "rates_from": max(rate.from_date for rate in list_rates() if rate.from_date <= funding.today),
        "figures": figures,
        "spoken_for": _show_spoken_for(list_spoken_for(figures.budget, funding.today)) if figures.commitment else [],
        "sentences": write_sentences(cut_at_sync(list_changes_of_budget(figures.budget), _CHANGES).changes)[:_CHANGES],
    }
    return render(request, "console/care_recipient/explanation.html", context)


def _show_spoken_for(rows: Sequence[SpokenForRow]) -> list[SpokenForView]:
    return [
        SpokenForView(row.service, _REASONS[row.reason], _write_days(row), _known(row), -row.amount) for row in rows
    ]


def _write_days(row: SpokenForRow) -> str:
    if row.visits == 1:
        return write_day(row.first_date)
    return f"{many(row.visits, 'visit')}, {write_day(row.first_date)} to {write_day(row.last_date)}"


def _known(row: SpokenForRow) -> str:
    day = write_day(timezone.localdate(row.known_at))
    return f"Entered by {row.known_by} on {day}" if row.known_by else f"Imported on {day}"


def _write_lead(explanation: BudgetExplanation) -> str:
    """How far the budget is explained, in a sentence."""
    if explanation.is_worked_out:
        return "Every figure adds up to the cent, and every entitlement matches the published rates."
    if explanation.is_explained:
        return "Every figure adds up to the cent. Some entitlements do not match a published rate."
    parts = [
        f"{write_money(figure.rest)} of the {_TITLES[figure.name].lower()}"
        for figure in explanation.figures
        if not figure.is_explained
    ]
    return f"Not explained: {' and '.join(parts)}."
