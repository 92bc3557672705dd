"""+ NDIS PACE: retrieve a plan, choose its budgets, create the contract. In a dialog, or without a script as pages.

What the buttons do is runs/pace.py. The address refuses whenever the button would not be there.
"""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse

from carefund.access.gate import find_client_to_synchronise
from carefund.access.log import store_synchronisation
from carefund.console.door import Request, page
from carefund.domain.pace.plan import PacePlan, budget_ids, from_data
from carefund.domain.pace.totals import total_funding
from carefund.funders.errors import AuthorityMissing, FunderError
from carefund.records.models import Client, PacePreview, ServiceContract
from carefund.runs.pace import create_from_preview, preview_pace
from carefund.sync.pace import find_contract_for, prepare_question
from carefund.sync.pace_problems import ContractExists, PaceProblem, PlanMoved


@page()
def retrieve(request: Request, client_id: int) -> HttpResponse:
    """GET opens the dialog, which asks by itself; POST asks the NDIA and shows the plan with every budget ticked."""
    client = find_client_to_synchronise(request.user, client_id)
    try:
        prepare_question(client.pk)
        if request.method != "POST":
            return _show(request, client, "console/pace/ask.html")
        store_synchronisation(request.user, client, "NDIS PACE plan")
        preview = preview_pace(client, request.user.pk)
    except (PaceProblem, FunderError) as problem:
        return show_problem(request, client, problem)
    return _show(request, client, "console/pace/preview.html", **describe(preview))


@page()
def create(request: Request, client_id: int) -> HttpResponse | HttpResponseRedirect:
    """Make the contract with the ticked budgets, exactly as shown; then the contract's page."""
    client = find_client_to_synchronise(request.user, client_id)
    if request.method != "POST":
        return redirect("console:ndis-pace", client.pk)
    try:
        contract = create_from_preview(
            client, request.POST.get("token", ""), request.POST.getlist("budget"), request.user.pk
        )
    except PlanMoved as problem:
        return _show_again(request, client, problem)
    except (PaceProblem, FunderError) as problem:
        return show_problem(request, client, problem)
    return go_to(request, reverse("console:ndis-contract", args=[contract.pk]))


def _show_again(request: Request, client: Client, moved: PlanMoved) -> HttpResponse:
    """The plan as it is now, said to have moved."""
    try:
        preview = preview_pace(client, request.user.pk)
    except (PaceProblem, FunderError) as problem:
        return show_problem(request, client, problem)
    return _show(request, client, "console/pace/preview.html", moved=moved, **describe(preview))


def describe(preview: PacePreview) -> dict[str, Any]:
    """A preview for the template: the plan, its budgets with their ids, and the contract it would repeat."""
    plan = from_data(preview.plan)
    return {
        "preview": preview,
        "plan": plan,
        "budgets": [
            {"id": name, "budget": budget, "is_renamed": budget.category_text != budget.category_name}
            for name, budget in zip(budget_ids(plan.budgets), plan.budgets, strict=True)
        ],
        "total": total_funding(plan.budgets, lambda budget: not budget.is_excluded),
        "existing": find_contract_for(preview.client_id, plan),
        "earlier": _earlier_contract(preview.client_id, plan),
    }


def _earlier_contract(client_id: int, plan: PacePlan) -> ServiceContract | None:
    """A contract for the same plan for life before its last review."""
    if plan.first_start_date is None:
        return None
    return (
        ServiceContract.objects.filter(client_id=client_id, first_start_date=plan.first_start_date)
        .exclude(start_date=plan.start_date)
        .first()
    )


def show_problem(request: Request, client: Client, problem: PaceProblem | FunderError) -> HttpResponse:
    """What stood in the way, with advice; the funder's own words only here, never in a log."""
    return _show(
        request,
        client,
        "console/pace/problem.html",
        problem=problem,
        is_authority=isinstance(problem, AuthorityMissing),
        contract_id=problem.contract_id if isinstance(problem, ContractExists) else None,
        status=409 if isinstance(problem, ContractExists | PlanMoved) else 200,
    )


def _show(request: Request, client: Client, piece: str, *, status: int = 200, **context: Any) -> HttpResponse:
    context |= {"client": client, "piece": piece, "in_dialog": bool(request.htmx)}
    # htmx swaps successes only, and a refusal in words is what the person is to see.
    if request.htmx:
        return render(request, piece, context)
    return render(request, "console/pace/page.html", context, status=status)


def go_to(request: Request, address: str) -> HttpResponse | HttpResponseRedirect:
    """Lead a browser on, from a dialog too."""
    if not request.htmx:
        return redirect(address)
    answer = HttpResponse(status=204)
    answer.headers["HX-Redirect"] = address
    return answer
