"""What was saved of one service provider id's care management: a chart, its figures, the change between two saves."""

from django.http import HttpResponse
from django.shortcuts import render

from carefund.access.roles import may_administer
from carefund.console.care_management.chart import draw_history, sums_by_quarter, sums_by_year
from carefund.console.page_access import Request, page
from carefund.domain.care_management.pools import METRICS, BudgetChange, MetricChange, add_up, compare_pools
from carefund.records.care_management.store import Saved, find_detected_provider, list_detected_providers, list_saves


@page(may_administer)
def show(request: Request, service_provider_id: str) -> HttpResponse:
    """The history of one id, by quarter or by financial year."""
    chosen = find_detected_provider(service_provider_id)
    providers = list(list_detected_providers())
    saves = list_saves(service_provider_id)
    by_year = request.GET.get("by") == "year"
    figures = sums_by_year(saves) if by_year else sums_by_quarter(saves)
    before, after = _choose_two(saves, request.GET.get("before", ""), request.GET.get("after", ""))
    return render(
        request,
        "console/care_management/history.html",
        {
            "providers": providers,
            "chosen": chosen,
            "saves": saves[::-1],
            "by_year": by_year,
            "figures": figures,
            "chart": draw_history(figures),
            "before": before,
            "after": after,
            "changes": compare_pools(before.pool, after.pool) if before and after else (),
            "sums": _compare_sums(before, after) if before and after else None,
        },
    )


def _choose_two(saves: list[Saved], before: str, after: str) -> tuple[Saved | None, Saved | None]:
    """The two saves asked for, in order of time; else the last two of the newest quarter that has two."""
    wanted = [saved for saved in saves if str(saved.save_id) in (before, after)]
    for quarter in sorted({saved.pool.quarter for saved in saves}, reverse=True):
        if len(wanted) != 2:
            wanted = [saved for saved in saves if saved.pool.quarter == quarter][-2:]
    if len(wanted) != 2:
        return None, None
    first, second = sorted(wanted, key=lambda saved: (saved.pool.asked_at, saved.pool.quarter))
    return first, second


def _compare_sums(before: Saved, after: Saved) -> BudgetChange:
    one, other = add_up(before.pool.budgets), add_up(after.pool.budgets)
    return BudgetChange(
        "", "sum", tuple(MetricChange(name, getattr(one, name), getattr(other, name)) for name in METRICS)
    )
