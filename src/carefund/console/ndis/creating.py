"""+ NDIS PACE: retrieve a plan, choose its budgets, create the contract. In a dialog, or without a script as pages.

The NDIA is asked in the background (runs/ndis/plans.py): the dialog may be closed, and finds the plan when it is opened
again. The address refuses whenever the button would not be there.
"""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse

from carefund.access.access_log import store_synchronisation, store_view
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_client_to_synchronise
from carefund.console.background_work import describe_item
from carefund.console.page_access import Request, page
from carefund.console.url_numbers import read_number
from carefund.domain.ndis.plan import budget_ids
from carefund.domain.ndis.totals import total_funding
from carefund.funders.errors.people import AuthorityMissing
from carefund.records.models import Client
from carefund.records.ndis.queries import find_earlier_contract
from carefund.runs.models import RunItem
from carefund.runs.ndis.plans import (
    NotRetrieved,
    ShownPlan,
    create_from_plan,
    find_open_question,
    find_plan,
    find_question,
    request_plan,
)
from carefund.sync.ndis.contracts import find_contract_for, prepare_question
from carefund.sync.ndis.problems import ContractExists, PaceProblem, PlanMoved

Problem = PaceProblem | NotRetrieved
PROBLEMS = (PaceProblem, NotRetrieved)
_OPEN = (RunItem.Status.QUEUED, RunItem.Status.RUNNING)


@page()
def retrieve(request: Request, client_id: int) -> HttpResponse | HttpResponseRedirect:
    """GET opens the dialog, which shows the plan that waits for a decision, or asks; POST has the NDIA asked."""
    client = find_client_to_synchronise(request.user, client_id)
    try:
        prepare_question(client.pk)
        if request.method != "POST":
            item = find_open_question(client.pk)
            return (
                _show_question(request, client, item) if item else _show(request, client, "console/ndis/retrieve.html")
            )
        store_synchronisation(request.user, client, "NDIS PACE plan")
        item = request_plan(client, requested_by=request.user)
    except PROBLEMS as problem:
        return show_problem(request, client, problem)
    if request.htmx:
        return _show_question(request, client, item)
    return redirect("console:ndis-pace-plan", client.pk, item.pk)


@page()
def show(request: Request, client_id: int, item_id: int) -> HttpResponse:
    """What a question about a client brought: its progress, then the plan with every budget ticked, or a problem."""
    client = find_client_to_synchronise(request.user, client_id)
    try:
        prepare_question(client.pk)
        return _show_question(request, client, find_question(item_id, client.pk))
    except PROBLEMS as problem:
        return show_problem(request, client, problem)


def _show_question(request: Request, client: Client, item: RunItem) -> HttpResponse:
    if item.status in _OPEN or item.status == RunItem.Status.CANCELLED:
        address = reverse("console:ndis-pace-plan", args=[client.pk, item.pk])
        context: dict[str, Any] = {"work": describe_item(item), "watch_address": address if request.htmx else ""}
        return _show(request, client, "console/ndis/retrieve_progress.html", **context)
    try:
        return _show(request, client, "console/ndis/preview.html", **describe(find_plan(item)))
    except PROBLEMS as problem:
        return show_problem(request, client, problem)


@page()
def create(request: Request, client_id: int) -> HttpResponse | HttpResponseRedirect:
    """Make the contract with the ticked budgets, exactly as shown; then the contract's page."""
    client = find_client_to_synchronise(request.user, client_id)
    if request.method != "POST":
        return redirect("console:ndis-pace", client.pk)
    shown = request.POST.get("plan", "")
    try:
        with one_act():
            contract = create_from_plan(client, read_number(shown), request.POST.getlist("budget"), request.user.pk)
            store_act(request.user, "Service contract made from PACE", f"service contract {contract.pk}")
    except PROBLEMS as problem:
        return show_problem(request, client, problem)
    return go_to(request, reverse("console:ndis-contract", args=[contract.pk]))


def describe(shown: ShownPlan) -> dict[str, Any]:
    """A preview for the template: the plan, its budgets with their ids, and the contract it would repeat."""
    plan = shown.plan
    return {
        "shown": shown,
        "plan": plan,
        "budgets": [
            {"id": name, "budget": budget, "is_renamed": budget.category_text != budget.category_name}
            for name, budget in zip(budget_ids(plan.budgets), plan.budgets, strict=True)
        ],
        "total": total_funding(plan.budgets, lambda budget: not budget.is_excluded),
        "existing": find_contract_for(shown.client_id, plan),
        "earlier": find_earlier_contract(shown.client_id, plan.first_start_date, plan.start_date),
    }


def show_problem(request: Request, client: Client, problem: Problem) -> HttpResponse:
    """What stood in the way, with advice; the funder's own words only here, never in a log."""
    return _show(
        request,
        client,
        "console/ndis/problem.html",
        problem=problem,
        is_authority=problem.code == AuthorityMissing.code,
        details=problem.details if isinstance(problem, NotRetrieved) else (),
        contract_id=problem.contract_id if isinstance(problem, ContractExists) else None,
        status=409 if isinstance(problem, ContractExists | PlanMoved) else 200,
    )


def _show(request: Request, client: Client, piece: str, *, status: int = 200, **context: Any) -> HttpResponse:
    if not (request.htmx and piece == "console/ndis/retrieve_progress.html"):  # a dialog that is open polls
        store_view(request.user, client, "NDIS PACE plan")
    context |= {"client": client, "piece": piece, "in_dialog": bool(request.htmx)}
    # htmx swaps successes only, and a refusal in words is what the person is to see.
    if request.htmx:
        return render(request, piece, context)
    return render(request, "console/ndis/page.html", context, status=status)


def go_to(request: Request, address: str) -> HttpResponse | HttpResponseRedirect:
    """Lead a browser on, from a dialog too."""
    if not request.htmx:
        return redirect(address)
    answer = HttpResponse(status=204)
    answer.headers["HX-Redirect"] = address
    return answer
