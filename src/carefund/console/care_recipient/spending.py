"""What a client may still spend: where the money is, whether one more service fits, planned services, unspent funds."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from carefund.access.access_log import store_view
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_client_to_read, find_client_to_synchronise
from carefund.console.care_recipient.client import frame
from carefund.console.care_recipient.spending_forms import EVERY, FUNDING, BalanceForm, PlannedForm, QuestionForm
from carefund.console.care_recipient.trend_views import show_trend
from carefund.console.page_access import Request, page
from carefund.domain.care_recipient.planned import Frequency, write_fit
from carefund.records.care_recipient.commitments import Spending, find_spending
from carefund.records.care_recipient.spending import (
    PlannedRow,
    Source,
    add_planned,
    find_fit,
    find_trend,
    list_planned,
    list_services_to_plan,
    list_sources,
    remove_planned,
    store_balance,
)
from carefund.records.models import Client
from carefund.sync.change_log.record_names import name_budget


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source of money with its name, and where it is explained; "" for what is entered by hand."""

    source: Source
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class PlannedView:
    """A planned service in words."""

    row: PlannedRow
    every: str
    paid_from: str


@page()
def show(request: Request, client_id: int) -> HttpResponse:
    """Where the money is, and the answer to a question if one was asked."""
    client = find_client_to_read(request.user, client_id)
    return _render(request, client)


@require_POST
@page()
def plan(request: Request, client_id: int) -> HttpResponse:
    """Add a planned service."""
    client = find_client_to_synchronise(request.user, client_id)
    form = PlannedForm(request.POST, services=list_services_to_plan(client, timezone.localdate()))
    if not form.is_valid():
        return _render(request, client, planned_form=form)
    with one_act():
        added = add_planned(client, form.cleaned_data, request.user.get_username())
        store_act(request.user, "Planned service added", str(added), after=form.cleaned_data)
    messages.success(request, "Planned service added.")
    return redirect("console:spending", client.pk)


@require_POST
@page()
def remove(request: Request, client_id: int, planned_id: int) -> HttpResponse:
    """Remove a planned service."""
    client = find_client_to_synchronise(request.user, client_id)
    with one_act():
        store_act(request.user, "Planned service removed", remove_planned(client, planned_id))
    messages.success(request, "Planned service removed.")
    return redirect("console:spending", client.pk)


@require_POST
@page()
def enter_balance(request: Request, client_id: int) -> HttpResponse:
    """Note what unspent funds came to."""
    client = find_client_to_synchronise(request.user, client_id)
    form = BalanceForm(request.POST, today=timezone.localdate())
    if not form.is_valid():
        return _render(request, client, balance_form=form)
    with one_act():
        balance = store_balance(client, form.cleaned_data, request.user.get_username())
        store_act(request.user, "Unspent funds entered", str(balance), after=form.cleaned_data)
    messages.success(request, "Balance saved.")
    return redirect("console:spending", client.pk)


def _render(
    request: Request, client: Client, planned_form: PlannedForm | None = None, balance_form: BalanceForm | None = None
) -> HttpResponse:
    today = timezone.localdate()
    spending = find_spending(client, today)
    question = QuestionForm(request.GET if "price" in request.GET else None, initial={"from_date": today})
    store_view(request.user, client, "Spending")
    context: dict[str, Any] = {
        **frame(client),
        "sources": [
            SourceView(source, _name(source), _find_explanation(source, client)) for source in list_sources(spending)
        ],
        "trend": show_trend(find_trend(spending), today),
        "question": question,
        "answer": _answer(question, spending),
        "planned": [
            PlannedView(row, dict(EVERY)[Frequency(row.service.frequency)], _name_funding(row.service.funding_source))
            for row in list_planned(spending)
        ],
        "planned_form": planned_form
        or PlannedForm(services=list_services_to_plan(client, today), initial={"from_date": today}),
        "balance_form": balance_form or BalanceForm(today=today),
    }
    return render(request, "console/care_recipient/spending.html", context)


def _answer(question: QuestionForm, spending: Spending) -> str:
    if not question.is_valid():
        return ""
    values = question.cleaned_data
    found = find_fit(
        spending, values["price"], Frequency(values["frequency"]), values["from_date"], values["funding_source"]
    )
    return write_fit(found, values["price"])


def _name(source: Source) -> str:
    return (
        name_budget(source.budget) if source.budget else source.balance.get_source_display() if source.balance else ""
    )


def _find_explanation(source: Source, client: Client) -> str:
    if source.budget is None:
        return ""
    return f"{reverse('console:budget-explained', args=[client.pk, source.budget.pk])}#safe-to-spend"


def _name_funding(code: str) -> str:
    return dict(FUNDING).get(code, code)
