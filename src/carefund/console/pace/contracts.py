"""A service contract: its page, and syncing plan and budgets again: differences first, then a confirmation."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html

from carefund.access.log import store_synchronisation, store_view
from carefund.console.door import Request, page
from carefund.console.pace.creating import show_problem
from carefund.console.pace.gates import find_contract_to_read, find_contract_to_synchronise
from carefund.console.templatetags.words import money, write_day
from carefund.console.views.client import frame
from carefund.domain.pace.comparing import Difference, Kind
from carefund.domain.pace.plan import from_data
from carefund.funders.errors import FunderError
from carefund.records.pace_pictures import find_contract_picture
from carefund.records.pace_queries import find_participant, is_pace_api_enabled
from carefund.runs.pace import apply_from_preview, preview_sync
from carefund.sync.pace import ContractComparison, compare_contract, find_preview, prepare_question
from carefund.sync.pace_problems import NothingChosen, PaceProblem, PlanMoved


@page()
def show(request: Request, contract_id: int) -> HttpResponse:
    """A contract with its plan budgets, funding components and periods, and delivered services."""
    contract = find_contract_to_read(request.user, contract_id)
    store_view(request.user, contract.client, "NDIS service contract")
    participant = find_participant(contract.client_id)
    context = {
        **frame(contract.client),
        "contract": contract,
        "picture": find_contract_picture(contract, timezone.localdate()),
        "comparison": getattr(contract, "comparison", None),
        "may_retrieve": is_pace_api_enabled() and participant is not None and participant.api_access,
    }
    return render(request, "console/pace/contract.html", context)


@page()
def retrieve(request: Request, contract_id: int) -> HttpResponse | HttpResponseRedirect:
    """Ask the NDIA again; then the differences."""
    contract = find_contract_to_synchronise(request.user, contract_id)
    if request.method != "POST":
        return redirect("console:ndis-contract", contract.pk)
    store_synchronisation(request.user, contract.client, "NDIS PACE plan")
    try:
        preview, _ = preview_sync(contract, request.user.pk)
    except (PaceProblem, FunderError) as problem:
        return show_problem(request, contract.client, problem)
    return redirect("console:ndis-contract-decide", contract.pk, preview.token)


@page()
def decide(request: Request, contract_id: int, token: str) -> HttpResponse | HttpResponseRedirect:
    """The differences with ticks; then the chosen ones once more, to confirm; then they are written."""
    contract = find_contract_to_synchronise(request.user, contract_id)
    chosen = [each for value in request.POST.getlist("difference") for each in value.split(",") if each]
    try:
        prepare_question(contract.client_id)
        preview = find_preview(token, contract.client_id, timezone.now(), contract.pk)
        found = compare_contract(contract, from_data(preview.plan))
        if contract.version != preview.contract_version:
            raise PlanMoved
        if request.method == "POST" and not chosen:
            raise NothingChosen
        if request.method == "POST" and "confirmed" in request.POST:
            store_synchronisation(request.user, contract.client, "NDIS service contract")
            applied = apply_from_preview(contract, token, chosen)
            messages.success(request, f"{len(applied)} value{'' if len(applied) == 1 else 's'} written from PACE.")
            return redirect("console:ndis-contract", contract.pk)
    except (PaceProblem, FunderError) as problem:
        return show_problem(request, contract.client, problem)
    shown = [each for each in found.differences if not chosen or each.id in chosen]
    context = {
        **frame(contract.client),
        "contract": contract,
        "preview": preview,
        "found": found,
        "groups": describe(shown),
        "number": len(shown),
        "is_confirming": bool(chosen),
        "total_before": find_contract_picture(contract, timezone.localdate()).total_funding,
        "total_after": _total_after(found),
    }
    return render(request, "console/pace/differences.html", context)


def _total_after(found: ContractComparison) -> Decimal | None:
    """Total funding once every difference that counts is written; shown, never chosen."""
    left_out = {each.position for each in found.differences if not each.is_chosen}
    amounts = [
        budget.approved_amount
        for place, budget in enumerate(found.plan.budgets)
        if place not in left_out and not budget.is_excluded and budget.approved_amount is not None
    ]
    return sum(amounts, Decimal("0.00"))


@dataclass(frozen=True, slots=True)
class Line:
    """A difference in words, or several that only make sense together: those of one funding component.

    `value` is what its tick sends: the ids, joined by commas.
    """

    value: str
    label: str
    before: str = ""
    after: str = ""
    is_chosen: bool = True
    parts: tuple["Line", ...] = ()


_LABELS = {
    "component_name": "Component name",
    "instalment_type": "Instalments",
    "first_start_date": "First PACE start",
}
_SENTENCES = {
    Kind.CATEGORY_NEW: ("New category, approved amount", "not in the contract"),
    Kind.CATEGORY_GONE: ("No longer in PACE: flagged, its values stay", ""),
    Kind.CATEGORY_BACK: ("Listed by PACE again: the flag goes", "flagged"),
    Kind.PERIOD_NEW: ("New period", "none"),
    Kind.PERIOD_GONE: ("Period taken away", ""),
}


_OF_PERIODS = (Kind.PERIOD_NEW, Kind.PERIOD_FIELD, Kind.PERIOD_GONE)


def describe(differences: list[Difference]) -> list[dict[str, Any]]:
    """Differences in words, under the contract and then under each category; funding periods have one tick together."""
    groups = groupby(differences, key=lambda each: (each.category_name, each.budget_id, each.position))
    return [{"name": name or "Service contract", "lines": list(_lines(list(group)))} for (name, _, _), group in groups]


def _lines(differences: list[Difference]) -> Iterator[Line]:
    yield from (_line(each) for each in differences if each.kind not in _OF_PERIODS)
    periods = [each for each in differences if each.kind in _OF_PERIODS]
    if periods:
        ids = ",".join(each.id for each in periods)
        yield Line(ids, "Funding periods", parts=tuple(_line(each) for each in periods))


def _line(each: Difference) -> Line:
    label, before = _SENTENCES.get(each.kind, ("", _write(each.before)))
    if not label:
        label = _LABELS.get(each.field) or each.field.removesuffix("_amount").replace("_", " ").capitalize()
        label = label if label != "Amount" else "Allocation"
    if each.period_start_date is not None:
        label = f"{write_day(each.period_start_date)}: {label[0].lower()}{label[1:]}"
    if each.kind is Kind.PERIOD_GONE:
        before = _write(each.before)
    after = {Kind.CATEGORY_GONE: "flagged", Kind.CATEGORY_BACK: "in PACE", Kind.PERIOD_GONE: "none"}.get(each.kind)
    return Line(each.id, label, before, after or _write(each.after), each.is_chosen)


def _write(value: Any) -> str:
    if value in (None, ""):
        return format_html('<span class="unknown">{}</span>', "not given")
    if isinstance(value, Decimal):
        return money(value)
    return write_day(value) if isinstance(value, date) else str(value)
