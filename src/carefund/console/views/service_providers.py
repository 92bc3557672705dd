"""Sync Service Providers from the page of Support at Home: ask for it, watch it, and what it found. Administrators."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import may_administer
from carefund.console.page_access import Request, page, report_refusals
from carefund.records.care_management.store import list_tabs
from carefund.runs.models import Run, RunItem
from carefund.runs.service_providers import find_shown_search, request_provider_search, result_of
from carefund.sync.service_providers import ProviderSyncResult


@require_POST
@page(may_administer)
def sync_providers(request: Request) -> HttpResponse:
    """Ask for Sync Service Providers, then back to the tab one came from or to the first; it tells how far it is."""
    with report_refusals(request, "Sync Service Providers"), one_act():
        run = request_provider_search(request.user)
        store_act(request.user, "Sync Service Providers started", f"run {run.pk}")
    chosen = request.POST.get("service_provider_id", "")
    if chosen in [row.service_provider_id for row in list_tabs()]:
        return redirect("console:care-management", service_provider_id=chosen)
    return redirect("console:support-at-home")


@page(may_administer)
def show_search(request: Request) -> HttpResponse:
    """How far Sync Service Providers is, for the page that watches it; at its end that page is loaded anew."""
    search = find_shown_search()
    if not request.htmx or search is None:
        return redirect("console:support-at-home")
    response = render(request, "console/care_management/search.html", describe_search(search))
    if search.run.is_over:
        response.headers["HX-Refresh"] = "true"
    return response


def describe_search(search: RunItem | None) -> dict[str, Any]:
    """A search with what it found and what is to be said about that."""
    result = result_of(search) if search else None
    return {
        "search": search,
        "is_searching": search is not None and not search.run.is_over,
        "search_status": _describe_status(search) if search else "",
        "found": result,
        "cautions": _cautions(result) if result else [],
    }


def _describe_status(search: RunItem) -> str:
    if search.run.status == Run.Status.PAUSED:
        return "Paused"
    return "Waiting" if search.status == RunItem.Status.QUEUED else "In progress"


def _cautions(result: ProviderSyncResult) -> list[str]:
    cautions = []
    if not result.service_provider_ids:
        cautions.append("No care recipient's budget has a valid Service Provider ID.")
    if result.changes.no_longer_returned:
        cautions.append(f"No longer returned: {', '.join(result.changes.no_longer_returned)}.")
    if result.malformed:
        cautions.append(f"{result.malformed:,} budgets had an invalid ID and were left out.")
    if result.refused_ids:
        cautions.append(f"Services Australia refused: {', '.join(result.refused_ids)}.")
    if result.failed:
        cautions.append(f"{result.failed:,} clients could not be checked. Try again later.")
    return cautions
