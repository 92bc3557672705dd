"""Support at Home settings: care management by service provider id. Find the ids, refresh, look, save. Administrators.

Refresh asks for work and shows its progress; what came back is shown for an hour, whoever returns to the page, so that
sorting asks nobody again and Save keeps what was seen. Source: rule SYNC-10.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from carefund.access.access_log import store_views
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_clients_by_care_recipient_id
from carefund.access.roles import may_administer
from carefund.console.background_work import describe_run
from carefund.console.care_management.empty_pools import describe_empty
from carefund.console.page_access import Request, page, report_refusals
from carefund.console.views.service_providers import describe_search
from carefund.domain.care_management.pools import (
    METRICS,
    Pool,
    PooledBudget,
    PooledUse,
    add_up,
    roll_up,
    split_closed,
)
from carefund.domain.quarters import quarter_of
from carefund.domain.wording import many
from carefund.records.care_management.store import (
    Saved,
    find_detected_provider,
    find_settings,
    list_detected_providers,
    list_newest,
    list_tabs,
)
from carefund.records.models import CareManagementBudget, Client
from carefund.records.models.columns import label_of
from carefund.runs.business_day import business_today
from carefund.runs.care_management.refreshing import (
    NotRefreshable,
    NotSavable,
    ShownRefresh,
    find_last_saving,
    find_shown_refresh,
    list_problems,
    request_refresh,
    save_refreshed,
)
from carefund.runs.models import Schedule
from carefund.runs.schedule import find_schedule, store_schedule
from carefund.runs.service_providers import find_shown_search

COLUMNS = (
    ("budget_id", "Budget ID", ""),
    ("budget_type", "Budget type", ""),
    ("start_date", "Start date", "date"),
    ("end_date", "End date", "date"),
    ("status", "Status", "status"),
    *((name, label_of(CareManagementBudget, name), "amount") for name in METRICS),
)
OWNER = ("service_provider_id", "Service Provider ID", "")
FIRST_SORT = "start_date"
_NAMES = {name for name, _, _ in COLUMNS} | {OWNER[0]}
_MOST_USES = 200


@dataclass(frozen=True, slots=True)
class Use:
    """What one person drew from the pool, and who that is here, if anybody."""

    use: PooledUse
    client: Client | None


@page(may_administer)
def show_first(request: Request) -> HttpResponse:
    """The first tab, or the page that says how to find a valid id."""
    tabs = list_tabs()
    if tabs:
        return redirect("console:care-management", service_provider_id=tabs[0].service_provider_id)
    return render(request, "console/care_management/page.html", _frame(""))


@require_POST
@page(may_administer)
def switch(request: Request) -> HttpResponse:
    """Switch automatic saving on or off; syncs that ended before are not made up for."""
    on = request.POST.get("on") == "1"
    schedule = find_schedule(Schedule.Kind.POOLS)
    was = schedule.is_enabled
    schedule.is_enabled = on
    with one_act():
        store_schedule(schedule)
        before, after = {"is_enabled": was}, {"is_enabled": on}
        store_act(request.user, "Schedule changed", schedule.name, before=before, after=after)
    messages.success(request, f"Automatic saving is {'on' if on else 'off'}.")
    return redirect("console:support-at-home")


@page(may_administer)
def show(request: Request, service_provider_id: str) -> HttpResponse:
    """One id's tab: what was saved last for this quarter (GET); refresh, sort or save (POST)."""
    find_detected_provider(service_provider_id)
    if not list_tabs():
        return redirect("console:support-at-home")
    return _answer(request, service_provider_id)


@page(may_administer)
def show_all(request: Request) -> HttpResponse:
    """All ids as one, each budget counted once, split back by id."""
    return _answer(request, "")


def _answer(request: Request, service_provider_id: str) -> HttpResponse:
    if request.method == "POST":
        _act(request, service_provider_id)
        return redirect(request.path)
    context = _frame(service_provider_id)
    refresh = find_shown_refresh(service_provider_id)
    context["work"] = describe_run(refresh.run, timezone.now()) if refresh and not refresh.results else None
    context |= _shown(refresh) if refresh and refresh.results else _kept(context["ids"], service_provider_id)
    context |= _table(request.user, context["pools"], str(request.GET.get("sort", "")), of_all=not service_provider_id)
    store_views(request.user, (row.client for row in context["uses"]["rows"]), "Care management")
    return render(request, "console/care_management/page.html", context)


def _act(request: Request, service_provider_id: str) -> None:
    """Ask for a refresh, or save what one brought; a message says what came of it."""
    try:
        if "save" in request.POST:
            _save(request, service_provider_id)
            return
        with report_refusals(request):
            request_refresh(service_provider_id, request.user)
    except NotRefreshable as refusal:
        messages.error(request, str(refusal))
    except NotSavable:
        messages.error(
            request, "These figures are more than an hour old, or have already been saved. Refresh, then save."
        )


def _save(request: Request, service_provider_id: str) -> None:
    refresh = find_shown_refresh(service_provider_id)
    if refresh is None or str(refresh.run.pk) != request.POST["save"]:
        raise NotSavable
    store_act(request.user, "Care management saved", f"Service Provider ID {service_provider_id or 'all'}")
    if save_refreshed(refresh.run, request.user.pk, service_provider_id=service_provider_id):
        messages.success(request, "Saved to the history.")
    else:
        messages.info(request, "Nothing has changed since the last save.")


def _frame(service_provider_id: str) -> dict[str, Any]:
    """What every tab shows around its figures."""
    search = describe_search(find_shown_search())
    providers = list_tabs()
    last_saving = find_last_saving()
    return {
        "providers": providers,
        "earlier_providers": [] if providers else list_detected_providers(),
        "ids": [row.service_provider_id for row in providers],
        "chosen": next((row for row in providers if row.service_provider_id == service_provider_id), None),
        "quarter": quarter_of(business_today()),
        "settings": find_settings(),
        "saving": find_schedule(Schedule.Kind.POOLS),
        "last_saving": last_saving,
        "saving_problems": list_problems(last_saving) if last_saving else [],
        "pools": [],
        **search,
    }


def _shown(refresh: ShownRefresh) -> dict[str, Any]:
    """What was refreshed within the hour and is not saved."""
    results = refresh.results
    pools = [result.pool for result in results]
    return {
        "refresh": refresh,
        "pools": [pool for pool in pools if pool.budgets],
        "unanswered": [describe_empty(result) for result in results if result.problem or result.is_empty],
        "asked_at": max((pool.asked_at for pool in pools), default=None),
        "can_save": any(result.to_save for result in results),
        "closed": [budget for result in results for budget in result.closed],
        "ended": [(pool, add_up(pool.budgets)) for result in results for pool in result.ended],
    }


def _kept(ids: Sequence[str], service_provider_id: str) -> dict[str, Any]:
    """What was saved last for this quarter, of one id or of all."""
    quarter = quarter_of(business_today())
    wanted = [service_provider_id] if service_provider_id else ids
    saves = list_newest(wanted, quarter)
    split = [(saved.pool, *split_closed(saved.pool.budgets)) for saved in saves]
    return {
        "saves": saves,
        "pools": [replace(pool, budgets=active) for pool, active, _ in split],
        "closed": [budget for _, _, closed in split for budget in closed],
        "last_synced_at": _oldest(saves),
    }


def _oldest(saves: Sequence[Saved]) -> datetime | None:
    """The Last Sync Date of several: that of the one asked longest ago."""
    return min((saved.last_synced_at for saved in saves), default=None)


def _table(user: User, pools: Sequence[Pool], sort: str, *, of_all: bool) -> dict[str, Any]:
    whole = roll_up(pools)
    budgets = {budget.budget_id: budget for pool in pools for budget in pool.budgets}
    sort = sort if sort.removeprefix("-") in _NAMES else FIRST_SORT
    return {
        "budgets": sort_budgets(budgets.values(), sort),
        "columns": (OWNER, *COLUMNS) if of_all else COLUMNS,
        "sort": sort,
        "whole": whole,
        "counted_once": _explain_repeats(len(whole.repeated_budget_ids)),
        "parts": list(whole.parts.items()),
        "uses": _uses(user, pools),
        "lost": sum(pool.estimate.lost for pool in pools if pool.estimate),
        "estimates": [(pool.service_provider_id, pool.estimate) for pool in pools if pool.estimate],
        "unread_details": sum(pool.unread_details for pool in pools),
    }


def _explain_repeats(number: int) -> str:
    if not number:
        return "No budget was returned under more than one ID. Each is counted once."
    return f"{many(number, 'budget')} returned under more than one ID, counted once."


def sort_budgets(budgets: Iterable[PooledBudget], sort: str) -> list[PooledBudget]:
    """Budgets by one column, falling if it begins with a minus; what is not given last, equals by start and id."""
    name = sort.removeprefix("-")
    rows = sorted(budgets, key=lambda row: (str(row.start_date or ""), row.budget_id))
    known = [row for row in rows if getattr(row, name) not in (None, "")]
    known.sort(key=lambda row: getattr(row, name), reverse=sort.startswith("-"))
    return known + [row for row in rows if getattr(row, name) in (None, "")]


def _uses(user: User, pools: Sequence[Pool]) -> dict[str, Any]:
    """Who drew how much, whoever drew most first, with the client where there is one here."""
    uses = sorted((use for pool in pools for use in pool.uses), key=lambda use: (not use.care_recipient_id, use.amount))
    ids = [use.care_recipient_id for use in uses[:_MOST_USES] if use.care_recipient_id]
    clients = find_clients_by_care_recipient_id(user, ids)
    return {
        "rows": [Use(use, clients.get(use.care_recipient_id)) for use in uses[:_MOST_USES]],
        "left_out": max(0, len(uses) - _MOST_USES),
        "total": sum(use.amount for use in uses),
        "people": sum(bool(use.care_recipient_id) for use in uses),
    }
