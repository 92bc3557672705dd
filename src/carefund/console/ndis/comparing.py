"""Many contracts against PACE: compare only. The page asks for it and watches; the schedule asks every day."""

from contextlib import suppress
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone

from carefund.access.access_log import store_views
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import list_clients_for
from carefund.access.roles import may_synchronise
from carefund.console.background_work import describe_run
from carefund.console.page_access import Request, page
from carefund.console.url_numbers import read_number
from carefund.records.models import PaceComparison
from carefund.records.ndis.queries import (
    count_comparisons,
    is_pace_api_enabled,
    list_by_urgency,
    list_comparable,
)
from carefund.runs.ndis.comparing import COMPARING, request_comparisons
from carefund.runs.queries import find_shown_run
from carefund.runs.requests import NothingToDo

_PAGE_SIZE = 50


@page()
def show(request: Request) -> HttpResponse | HttpResponseRedirect:
    """The list of contracts with what the last comparison found; POST asks for the ticked ones, or all."""
    if request.method == "POST" and may_synchronise(request.user) and is_pace_api_enabled():
        ticked = [number for text in request.POST.getlist("contract") if (number := read_number(text))]
        with suppress(NothingToDo):
            wanted = list_comparable(list_clients_for(request.user), only=ticked)
            with one_act():
                run = request_comparisons(wanted, requested_by=request.user)
                store_act(request.user, "Contracts compared with PACE", f"run {run.pk}", after={"items": run.total})
        return redirect("console:ndis-comparisons")
    return render(request, "console/ndis/comparisons.html", _context(request))


def _context(request: Request) -> dict[str, Any]:
    now = timezone.now()
    work = describe_run(find_shown_run(COMPARING, now), now) if may_synchronise(request.user) else None
    clients = list_clients_for(request.user)
    shown = Paginator(list_by_urgency(list_comparable(clients)), _PAGE_SIZE).get_page(request.GET.get("page"))
    store_views(request.user, (contract.client_id for contract in shown.object_list), "NDIS contracts against PACE")
    counts = count_comparisons(clients)
    return {
        "work": work,
        "page": shown,
        "contracts": list(shown.object_list),
        "counts": counts,
        "total": sum(counts.values()),
        "different": counts[PaceComparison.Outcome.DIFFERENT],
        "in_step": counts[PaceComparison.Outcome.IN_STEP],
        "failed": counts[PaceComparison.Outcome.FAILED],
        "pace_api": is_pace_api_enabled(),
    }
