"""A service contract: its page, and syncing plan and budgets again: differences first, then a confirmation."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html

from carefund.access.access_log import store_synchronisation, store_view
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_contract_to_read, find_contract_to_synchronise
from carefund.console.background_work import describe_item
from carefund.console.care_recipient.client import frame
from carefund.console.ndis.creating import PROBLEMS, show_problem
from carefund.console.page_access import Request, page
from carefund.console.templatetags.formatting import money
from carefund.domain.ndis.comparing import Difference, DifferenceKind, list_values
from carefund.domain.wording import write_day
from carefund.records.models import ServiceContract
from carefund.records.ndis.contracts import find_contract_figures
from carefund.records.ndis.queries import find_participant, is_pace_api_enabled
from carefund.runs.models import RunItem
from carefund.runs.ndis.plans import apply_plan, find_open_question, find_plan, find_question, request_plan
from carefund.sync.ndis.contracts import ContractComparison, compare_contract, prepare_question
from carefund.sync.ndis.problems import NothingChosen, PlanMoved


@page()
def show(request: Request, contract_id: int) -> HttpResponse:
    """A contract with its plan budgets, funding components and periods, and delivered services."""
    contract = find_contract_to_read(request.user, contract_id)
    store_view(request.user, contract.client, "NDIS service contract")
    participant = find_participant(contract.client_id)
    context = {
        **frame(contract.client),
        "contract": contract,
        "dates": _write_dates(contract),
        "figures": find_contract_figures(contract, timezone.localdate()),
        "comparison": getattr(contract, "comparison", None),
        "may_retrieve": is_pace_api_enabled() and participant is not None and participant.api_access,
        "question": find_open_question(contract.client_id, contract),
    }
    return render(request, "console/ndis/contract.html", context)


def _write_dates(contract: ServiceContract) -> str:
    end = write_day(contract.end_date) if contract.end_date else "no end date"
    first = contract.first_start_date
    on_pace = f", on PACE since {write_day(first)}" if first and first != contract.start_date else ""
    return f"{write_day(contract.start_date)} to {end}{on_pace}"


@page()
def retrieve(request: Request, contract_id: int) -> HttpResponse | HttpResponseRedirect:
    """Have the NDIA asked again; then the differences."""
    contract = find_contract_to_synchronise(request.user, contract_id)
    if request.method != "POST":
        return redirect("console:ndis-contract", contract.pk)
    store_synchronisation(request.user, contract.client, "NDIS PACE plan")
    try:
        item = request_plan(contract.client, contract, request.user)
    except PROBLEMS as problem:
        return show_problem(request, contract.client, problem)
    return redirect("console:ndis-contract-decide", contract.pk, item.pk)


@page()
def decide(request: Request, contract_id: int, item_id: int) -> HttpResponse | HttpResponseRedirect:
    """How far the question is; then the differences with ticks; then the chosen ones once more, to confirm.

    `?tick=all` and `?tick=none` set every tick; Back from confirming keeps those that were set.
    """
    contract = find_contract_to_synchronise(request.user, contract_id)
    store_view(request.user, contract.client, "NDIS service contract against PACE")
    sent = [
        difference_id
        for value in request.POST.getlist("difference")
        for difference_id in value.split(",")
        if difference_id
    ]
    is_back = "back" in request.POST
    chosen = [] if is_back else sent
    try:
        prepare_question(contract.client_id)
        item = find_question(item_id, contract.client_id, contract)
        if item.status != RunItem.Status.DONE:
            return _show_progress(request, contract, item)
        shown = find_plan(item)
        found = compare_contract(contract, shown.plan)
        if contract.version != shown.version:
            raise PlanMoved
        if request.method == "POST" and not sent:
            raise NothingChosen
        if request.method == "POST" and "confirmed" in request.POST and not is_back:
            store_synchronisation(request.user, contract.client, "NDIS service contract")
            with one_act():
                applied = apply_plan(contract, item.pk, chosen)
                before, after = list_values(applied)
                act = "Service contract changed from PACE"
                store_act(request.user, act, f"service contract {contract.pk}", before=before, after=after)
            messages.success(request, f"{len(applied)} value{'' if len(applied) == 1 else 's'} updated from PACE.")
            return redirect("console:ndis-contract", contract.pk)
    except PROBLEMS as problem:
        return show_problem(request, contract.client, problem)
    ticked = set(sent) if sent else _ticked(found.differences, request.GET.get("tick", ""))
    context = {
        **frame(contract.client),
        "contract": contract,
        "retrieved_at": shown.retrieved_at,
        **_describe_choice(found, chosen, ticked),
        "total_before": find_contract_figures(contract, timezone.localdate()).total_funding,
    }
    return render(request, "console/ndis/differences.html", context)


def _show_progress(request: Request, contract: ServiceContract, item: RunItem) -> HttpResponse:
    context = {
        "client": contract.client,
        "contract": contract,
        "work": describe_item(item),
        "piece": "console/ndis/retrieve_progress.html",
    }
    return render(request, "console/ndis/page.html", context)


def _describe_choice(found: ContractComparison, chosen: Sequence[str], ticked: Collection[str]) -> dict[str, Any]:
    """What differs, of it what was chosen if anything was, and which ticks are set."""
    listed = [difference for difference in found.differences if not chosen or difference.id in chosen]
    groups = describe(listed, ticked)
    return {
        "found": found,
        "groups": groups,
        "number": len(listed),
        "ticks": sum(len(group["lines"]) for group in groups),
        "ticks_set": sum(line.is_ticked for group in groups for line in group["lines"]),
        "is_confirming": bool(chosen),
        "total_after": _total_after(found, ticked),
    }


def _ticked(differences: Sequence[Difference], wanted: str) -> set[str]:
    """The differences whose tick is set: "all", "none", or all but what the contract left out at first."""
    if wanted == "none":
        return set()
    return {difference.id for difference in differences if wanted == "all" or difference.is_chosen}


def _total_after(found: ContractComparison, ticked: Collection[str]) -> Decimal | None:
    """Total funding once the differences are written, with a category left out before only if it is ticked."""
    left_out = {
        difference.position
        for difference in found.differences
        if not difference.is_chosen and difference.id not in ticked
    }
    amounts = [
        budget.approved_amount
        for place, budget in enumerate(found.plan.budgets)
        if place not in left_out and not budget.is_excluded and budget.approved_amount is not None
    ]
    return sum(amounts, Decimal("0.00"))


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A difference in words, or several that only make sense together: those of one funding component.

    `value` is what its tick sends: the ids, joined by commas.
    """

    value: str
    label: str
    before: str = ""
    after: str = ""
    is_chosen: bool = True
    is_ticked: bool = True
    parts: tuple["DifferenceRow", ...] = ()


_LABELS = {
    "component_name": "Component name",
    "instalment_type": "Instalments",
    "first_start_date": "First PACE start",
}
_SENTENCES = {
    DifferenceKind.CATEGORY_NEW: ("New category, approved amount", "not in the contract"),
    DifferenceKind.CATEGORY_GONE: ("No longer in PACE (values kept and flagged)", ""),
    DifferenceKind.CATEGORY_BACK: ("Listed in PACE again (flag removed)", "flagged"),
    DifferenceKind.PERIOD_NEW: ("New period", "none"),
    DifferenceKind.PERIOD_GONE: ("Period removed", ""),
}


_OF_PERIODS = (DifferenceKind.PERIOD_NEW, DifferenceKind.PERIOD_FIELD, DifferenceKind.PERIOD_GONE)


def describe(differences: list[Difference], ticked: Collection[str]) -> list[dict[str, Any]]:
    """Differences in words, under the contract and then under each category; funding periods have one tick together."""
    groups = groupby(
        differences, key=lambda difference: (difference.category_name, difference.budget_id, difference.position)
    )
    return [
        {"name": name or "Service contract", "lines": list(_lines(list(group), ticked))}
        for (name, _, _), group in groups
    ]


def _lines(differences: list[Difference], ticked: Collection[str]) -> Iterator[DifferenceRow]:
    for difference in differences:
        if difference.kind not in _OF_PERIODS:
            yield replace(_line(difference), is_ticked=difference.id in ticked)
    periods = [difference for difference in differences if difference.kind in _OF_PERIODS]
    if periods:
        ids = ",".join(period.id for period in periods)
        is_ticked = all(period.id in ticked for period in periods)
        yield DifferenceRow(
            ids, "Funding periods", is_ticked=is_ticked, parts=tuple(_line(period) for period in periods)
        )


def _line(difference: Difference) -> DifferenceRow:
    label, before = _SENTENCES.get(difference.kind, ("", _write(difference.before)))
    if not label:
        label = _LABELS.get(difference.field) or difference.field.removesuffix("_amount").replace("_", " ").capitalize()
        label = label if label != "Amount" else "Allocation"
    if difference.period_start_date is not None:
        label = f"{write_day(difference.period_start_date)}: {label[0].lower()}{label[1:]}"
    if difference.kind is DifferenceKind.PERIOD_GONE:
        before = _write(difference.before)
    after = {
        DifferenceKind.CATEGORY_GONE: "flagged",
        DifferenceKind.CATEGORY_BACK: "in PACE",
        DifferenceKind.PERIOD_GONE: "none",
    }.get(difference.kind)
    return DifferenceRow(difference.id, label, before, after or _write(difference.after), difference.is_chosen)


def _write(value: Any) -> str:
    if value in (None, ""):
        return format_html('<span class="unknown">{}</span>', "not given")
    if isinstance(value, Decimal):
        return money(value)
    return write_day(value) if isinstance(value, date) else str(value)
