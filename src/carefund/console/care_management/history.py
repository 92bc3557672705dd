"""What was saved of one service provider id's care management: a chart, its figures, the change between two saves."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render

from carefund.access.roles import may_administer
from carefund.console.care_management.chart import draw_history, sums_by_quarter, sums_by_year
from carefund.console.page_access import Request, page
from carefund.console.templatetags.pools import plain, signed
from carefund.domain.care_management.pools import METRICS, BudgetChange, MetricChange, add_up, compare_pools
from carefund.records.care_management.store import Saved, find_detected_provider, list_detected_providers, list_saves
from carefund.records.models import CareManagementBudget
from carefund.records.models.columns import label_of


@page(may_administer)
def show(request: Request, service_provider_id: str) -> HttpResponse:
    """The history of one id, by quarter or by financial year."""
    chosen = find_detected_provider(service_provider_id)
    providers = list(list_detected_providers())
    saves = list_saves(service_provider_id, with_uses=False)
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
            "save_lines": [(saved, _write_how(saved)) for saved in saves[::-1]],
            "changes": [_describe(change) for change in compare_pools(before.pool, after.pool)]
            if before and after
            else (),
            "sums": _describe(_compare_sums(before, after)) if before and after else None,
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


@dataclass(frozen=True, slots=True)
class MetricText:
    """One figure of a change in words: how it moved, and what it came to."""

    label: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """What became of a budget between two saves, or of all together."""

    budget_id: str
    what: str
    tone: str
    metrics: tuple[MetricText, ...]


_WHAT = {"new": ("New", "good"), "gone": ("No longer returned", "warn"), "changed": ("Changed", "info")}


def _describe(change: BudgetChange) -> ChangeLine:
    what, tone = _WHAT.get(change.what, ("No change", ""))
    return ChangeLine(
        change.budget_id, what, tone, tuple(_describe_metric(metric, change.what) for metric in change.metrics)
    )


def _describe_metric(metric: MetricChange, what: str) -> MetricText:
    label = label_of(CareManagementBudget, metric.name)
    if what in ("new", "gone"):
        return MetricText(label, plain(metric.after if what == "new" else metric.before))
    if not metric.change:
        return MetricText(label, "No change")
    return MetricText(label, signed(metric.change), "" if what == "sum" else f"to {plain(metric.after)}")


def _write_how(saved: Saved) -> str:
    if saved.is_by_schedule:
        return "saved after a scheduled sync"
    return f"saved by {saved.saved_by}" if saved.saved_by else "saved"
