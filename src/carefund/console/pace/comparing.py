"""Many contracts against PACE: compare only. A watched page does the work piece by piece, and so does the schedule."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render

from carefund.access.gate import list_clients_for
from carefund.access.roles import may_synchronise
from carefund.console.door import Request, page
from carefund.records.models import PaceComparison
from carefund.records.pace_queries import (
    count_comparisons,
    is_pace_api_enabled,
    list_by_urgency,
    list_comparable,
)
from carefund.runs.pace import compare_queued, queue_comparisons

_PAGE_SIZE = 50
_SECONDS_WATCHED = 1.0
_SECONDS_WITHOUT_SCRIPT = 20.0


@page()
def show(request: Request) -> HttpResponse | HttpResponseRedirect:
    """The list of contracts with what the last comparison found; POST asks for the ticked ones, or all."""
    if request.method == "POST" and may_synchronise(request.user) and is_pace_api_enabled():
        wanted = list_comparable(list_clients_for(request.user))
        ticked = [each for each in request.POST.getlist("contract") if each.isdigit()]
        queue_comparisons(wanted.filter(pk__in=ticked) if ticked else wanted)
        return redirect("console:ndis-comparisons")
    return render(request, "console/pace/comparisons.html", _context(request))


@page(may_synchronise)
def work(request: Request) -> HttpResponse | HttpResponseRedirect:
    """Compare some of what is queued, then show how far it got."""
    if request.method == "POST" and is_pace_api_enabled():
        compare_queued(_SECONDS_WATCHED if request.htmx else _SECONDS_WITHOUT_SCRIPT)
    if not request.htmx:
        return redirect("console:ndis-comparisons")
    return render(request, "console/pace/comparison_list.html", _context(request))


def _context(request: Request) -> dict[str, Any]:
    clients = list_clients_for(request.user)
    shown = Paginator(list_by_urgency(list_comparable(clients)), _PAGE_SIZE).get_page(request.GET.get("page"))
    counts = count_comparisons(clients)
    queued = counts[PaceComparison.Outcome.QUEUED]
    total = sum(counts.values())
    return {
        "page": shown,
        "contracts": list(shown.object_list),
        "counts": counts,
        "queued": queued,
        "total": total,
        "done": total - queued,
        "different": counts[PaceComparison.Outcome.DIFFERENT],
        "in_step": counts[PaceComparison.Outcome.IN_STEP],
        "failed": counts[PaceComparison.Outcome.FAILED],
        "pace_api": is_pace_api_enabled(),
    }
