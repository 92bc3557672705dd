"""Support at Home settings: care management by service provider id. Find the ids, refresh, look, save. Administrators.

Refresh shows without storing: the picture travels in the page, signed, so that sorting asks nobody again and Save
stores what was seen. Source: rule SYNC-10.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from carefund.access.roles import may_administer
from carefund.console.care_management_pictures import PictureExpired, read_pictures, sign_pictures
from carefund.console.door import Request, page
from carefund.console.views.service_providers import describe_search
from carefund.domain.care_management import (
    METRICS,
    Pool,
    PooledBudget,
    PooledUse,
    add_up,
    roll_up,
    split_closed,
)
from carefund.domain.quarters import quarter_of
from carefund.funders.errors import FunderError
from carefund.records.care_management_store import (
    Saved,
    find_newest,
    find_settings,
    list_detected_providers,
    list_tabs,
    store_pool,
)
from carefund.records.models import CareManagementBudget, Client
from carefund.records.models.columns import label_of
from carefund.runs.care_management import NotRefreshable, refresh, switch_saving
from carefund.runs.dates import business_today
from carefund.runs.service_providers import find_shown_search
from carefund.sync.care_management import Refreshed

COLUMNS = (
    ("budget_id", "Budget ID", ""),
    ("budget_type", "Budget Type", ""),
    ("start_date", "Start", ""),
    ("end_date", "End", ""),
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
    """Saving by itself, on or off."""
    on = request.POST.get("on") == "1"
    switch_saving(on=on)
    messages.success(request, f"Saving after each scheduled run is switched {'on' if on else 'off'}.")
    return redirect("console:support-at-home")


@page(may_administer)
def show(request: Request, service_provider_id: str) -> HttpResponse:
    """One id's tab: what was saved last for this quarter (GET); refresh, sort or save (POST)."""
    if not list_detected_providers().filter(service_provider_id=service_provider_id).exists():
        raise Http404
    if not list_tabs():
        return redirect("console:support-at-home")
    return _answer(request, service_provider_id)


@page(may_administer)
def show_all(request: Request) -> HttpResponse:
    """All ids as one, each budget counted once, split back by id."""
    return _answer(request, "")


def _answer(request: Request, service_provider_id: str) -> HttpResponse:
    context = _frame(service_provider_id)
    results: list[Refreshed] | None = None
    if request.method == "POST":
        try:
            results = _act(request, service_provider_id)
        except NotRefreshable as refusal:
            messages.error(request, str(refusal))
        except PictureExpired:
            messages.error(request, "What was shown is more than an hour old. Refresh, then save.")
        except FunderError as error:
            context["problem"] = error
        if results is None and "problem" not in context:
            return redirect(request.path)
    source = request.POST if results is not None else request.GET
    context |= _shown(results) if results is not None else _kept(context["ids"], service_provider_id)
    context |= _table(context["pools"], str(source.get("sort", "")), of_all=not service_provider_id)
    return render(request, "console/care_management/page.html", context)


def _act(request: Request, service_provider_id: str) -> list[Refreshed] | None:
    """Refresh, or take up what was shown before; None when that was saved."""
    if "picture" not in request.POST:
        return refresh(service_provider_id)
    results = read_pictures(request.POST["picture"])
    if "save" not in request.POST:
        return results
    new = sum(store_pool(pool, user_id=request.user.pk) for one in results for pool in one.to_save)
    if new:
        messages.success(request, "Saved to the history.")
    else:
        messages.info(request, "Nothing has changed since the last save; the history keeps that one.")
    return None


def _frame(service_provider_id: str) -> dict[str, Any]:
    """What every tab shows around its figures."""
    providers = list_tabs()
    settings = find_settings()
    return {
        "providers": providers,
        "earlier_providers": [] if providers else list_detected_providers(),
        "ids": [row.service_provider_id for row in providers],
        "chosen": next((row for row in providers if row.service_provider_id == service_provider_id), None),
        "quarter": quarter_of(business_today()),
        "settings": settings,
        "pools": [],
        **describe_search(find_shown_search()),
    }


def _shown(results: Sequence[Refreshed]) -> dict[str, Any]:
    """What was refreshed just now and is not stored."""
    pools = [one.pool for one in results]
    return {
        "results": results,
        "pools": [pool for pool in pools if pool.budgets],
        "unanswered": [one for one in results if one.problem or one.is_empty],
        "asked_at": max((pool.asked_at for pool in pools), default=None),
        "picture": sign_pictures(results),
        "can_save": any(one.to_save for one in results),
        "closed": [budget for one in results for budget in one.closed],
        "ended": [(pool, add_up(pool.budgets)) for one in results for pool in one.ended],
    }


def _kept(ids: Sequence[str], service_provider_id: str) -> dict[str, Any]:
    """What was saved last for this quarter, of one id or of all."""
    quarter = quarter_of(business_today())
    wanted = [service_provider_id] if service_provider_id else ids
    saves = [saved for one in wanted if (saved := find_newest(one, quarter))]
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


def _table(pools: Sequence[Pool], sort: str, *, of_all: bool) -> dict[str, Any]:
    whole = roll_up(pools)
    budgets = {budget.budget_id: budget for pool in pools for budget in pool.budgets}
    sort = sort if sort.removeprefix("-") in _NAMES else FIRST_SORT
    return {
        "budgets": sort_budgets(budgets.values(), sort),
        "columns": (OWNER, *COLUMNS) if of_all else COLUMNS,
        "sort": sort,
        "whole": whole,
        "parts": list(whole.parts.items()),
        "uses": _uses(pools),
        "lost": sum(pool.estimate.lost for pool in pools if pool.estimate),
        "estimates": [(pool.service_provider_id, pool.estimate) for pool in pools if pool.estimate],
        "unread_details": sum(pool.unread_details for pool in pools),
    }


def sort_budgets(budgets: Iterable[PooledBudget], sort: str) -> list[PooledBudget]:
    """Budgets by one column, falling if it begins with a minus; what is not given last, equals by start and id."""
    name = sort.removeprefix("-")
    rows = sorted(budgets, key=lambda row: (str(row.start_date or ""), row.budget_id))
    known = [row for row in rows if getattr(row, name) not in (None, "")]
    known.sort(key=lambda row: getattr(row, name), reverse=sort.startswith("-"))
    return known + [row for row in rows if getattr(row, name) in (None, "")]


def _uses(pools: Sequence[Pool]) -> dict[str, Any]:
    """Who drew how much, whoever drew most first, with the client where there is one here."""
    uses = sorted((use for pool in pools for use in pool.uses), key=lambda use: (not use.care_recipient_id, use.amount))
    ids = [use.care_recipient_id for use in uses[:_MOST_USES] if use.care_recipient_id]
    clients = {client.care_recipient_id: client for client in Client.objects.filter(care_recipient_id__in=ids)}
    return {
        "rows": [Use(use, clients.get(use.care_recipient_id)) for use in uses[:_MOST_USES]],
        "left_out": max(0, len(uses) - _MOST_USES),
        "total": sum(use.amount for use in uses),
        "people": sum(bool(use.care_recipient_id) for use in uses),
    }
