"""The list of clients: search as one types, filters, order, selection for a bulk sync, and the same as CSV."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from carefund.access.access_log import store_export, store_views
from carefund.access.gate import list_clients_for
from carefund.access.roles import may_export, may_synchronise
from carefund.console.care_recipient.client_lines import describe_row
from carefund.console.csv_download import stream_csv
from carefund.console.page_access import Request, page
from carefund.console.templatetags.formatting import level
from carefund.domain.care_recipient.identity import IdentityState
from carefund.records.care_recipient.client_list import (
    BY_AVAILABLE,
    SORTS,
    ClientFilter,
    ClientRow,
    list_client_rows,
    list_clients,
    list_ids_by_available,
    list_in_order,
    list_levels,
)
from carefund.records.care_recipient.identities import describe_identity
from carefund.records.care_recipient.queries import list_service_providers, list_waiting_matches
from carefund.records.care_recipient.surveys import Freshness, list_freshness
from carefund.records.models import Client
from carefund.records.ndis.queries import find_newest_contracts
from carefund.records.not_found import Listing

PAGE_SIZE = 50
COLUMNS = {
    "care-recipient": "Care Recipient ID",
    "provider": "Service Provider ID",
    "level": "Level",
    "available": "Available this quarter",
    "safe": "Safe to spend",
    "checked": "Last checked",
}
FIGURES = {"level", "available", "safe"}  # of Support at Home; one cell stands for them under the NDIS alone
BUDGETS = {"low": "Under 10% available", "overspent": "Overspent", "none": "No home support budget"}
STATES = {
    "stale": "Figures out of date or missing",
    "failed": "Last sync failed",
    "consent": "Consent not given",
    "never": "Not synchronised yet",
    "no-id": "No Care Recipient ID yet",
    "inactive": "Inactive",
}
IDENTITIES = {state.value: state.label for state in IdentityState}


@page()
def list_all(request: Request) -> HttpResponse:
    """The list, whole or, while somebody types, its table alone."""
    wanted, stale_before = read_filter(request), _stale_before()
    shown, people = _paged(request, find_wanted(request, wanted), wanted.sort)
    fresh = list_freshness(people)
    contracts = find_newest_contracts([client.pk for client in people if client.is_under_ndis_alone])
    columns = _columns(request)
    store_views(request.user, people, "List of clients")
    context: dict[str, Any] = {
        "lines": [
            describe_row(row, stale_before, fresh[row.client.pk], contracts.get(row.client.pk))
            for row in list_client_rows(people, timezone.localdate())
        ],
        "page": shown,
        "filter": wanted,
        "columns": columns,
        "figure_columns": len(FIGURES.intersection(columns)),
        "all_columns": COLUMNS,
        "query": urlencode([(key, value) for key, value in _asked(request) if key != "page"]),
        "chips": _chips(wanted),
    }
    if request.htmx and not request.htmx.boosted:
        response = render(request, "console/care_recipient/pieces/client_table.html", context)
        response.headers["HX-Push-Url"] = f"{request.path}?{context['query']}" if context["query"] else request.path
        return response
    if may_synchronise(request.user):
        context["waiting"] = list_waiting_matches(list_clients_for(request.user)).count()
    context |= {"providers": list_service_providers(), "levels": list_levels(), "budgets": BUDGETS, "states": STATES}
    context["identities"] = IDENTITIES
    return render(request, "console/care_recipient/clients.html", context)


@page(may_export)
def export(request: Request) -> StreamingHttpResponse:
    """The filtered list as CSV, in the access log with its size."""
    clients = find_wanted(request, read_filter(request))
    store_export(request.user, "List of clients (CSV)", clients=clients)
    return stream_csv(_lines(clients), f"clients-{timezone.localdate():%Y-%m-%d}.csv")


def read_filter(request: Request) -> ClientFilter:
    """The filter that an address asks for; unknown values stand for none."""
    asked = request.GET
    sort = asked.get("sort", "name")
    return ClientFilter(
        search=asked.get("search", "").strip()[:80],
        service_provider_id=asked.get("provider", "")[:20],
        level=asked.get("level", "")[:20],
        budget=asked["budget"] if asked.get("budget") in BUDGETS else "",
        state=asked["state"] if asked.get("state") in STATES else "",
        identity=asked["identity"] if asked.get("identity") in IDENTITIES else "",
        sort=sort if sort.removeprefix("-") in {*SORTS, BY_AVAILABLE} else "name",
    )


def find_wanted(request: Request, wanted: ClientFilter) -> Listing[Client]:
    """The clients whom this person may read and this filter lets through."""
    return list_clients(
        list_clients_for(request.user), wanted, today=timezone.localdate(), stale_before=_stale_before()
    )


def _stale_before() -> datetime:
    return timezone.now() - timedelta(hours=settings.STALE_AFTER_HOURS)


def _asked(request: Request) -> Iterator[tuple[str, str]]:
    """The query's names and values that say something."""
    for key, values in request.GET.lists():
        yield from ((key, value) for value in values if value and (key, value) != ("sort", "name"))


def _paged(request: Request, clients: Listing[Client], sort: str) -> tuple["Page[Any]", list[Client]]:
    """One page of the list, and the clients on it."""
    wanted = request.GET.get("page")
    if sort.removeprefix("-") != BY_AVAILABLE:
        shown: Page[Any] = Paginator(clients, PAGE_SIZE).get_page(wanted)
        return shown, list(shown.object_list)
    ids = list_ids_by_available(clients, timezone.localdate(), falling=sort.startswith("-"))
    shown = Paginator(ids, PAGE_SIZE).get_page(wanted)
    return shown, list_in_order(clients, list(shown.object_list))


def _columns(request: Request) -> list[str]:
    """The chosen columns; all of them when none was chosen."""
    chosen = [name for name in request.GET.getlist("column") if name in COLUMNS]
    return chosen or list(COLUMNS)


def _chips(wanted: ClientFilter) -> list[tuple[str, str]]:
    """The filters in force as (query name, words), each to be taken away by a click."""
    chips = [
        ("search", f"“{wanted.search}”" if wanted.search else ""),
        ("provider", f"Branch {wanted.service_provider_id}" if wanted.service_provider_id else ""),
        ("level", f"Level {wanted.level}" if wanted.level else ""),
        ("budget", BUDGETS.get(wanted.budget, "")),
        ("state", STATES.get(wanted.state, "")),
        ("identity", f"Identity: {IDENTITIES[wanted.identity].lower()}" if wanted.identity else ""),
    ]
    return [(name, words) for name, words in chips if words]


def _lines(clients: Listing[Client]) -> Iterator[list[object]]:
    yield [
        "care_recipient_id", "last_name", "first_name", "service_provider_id", "level", "total", "available",
        "committed", "planned", "safe_to_spend", "checked_at", "read_in_full_at", "outcome", "consent_missing",
        "identity", "identity_differs_in",
    ]  # fmt: skip
    today = timezone.localdate()
    chunk: list[Client] = []
    for client in clients.iterator(chunk_size=500):
        chunk.append(client)
        if len(chunk) == 500:
            yield from _lines_of(chunk, today)
            chunk = []
    yield from _lines_of(chunk, today)


def _lines_of(clients: list[Client], today: date) -> Iterator[list[object]]:
    fresh = list_freshness(clients)
    return (_line(row, fresh[row.client.pk]) for row in list_client_rows(clients, today))


def _line(row: ClientRow, fresh: Freshness) -> list[object]:
    client = row.client
    state = getattr(client, "sync_state", None)
    identity = describe_identity(client).check
    return [
        client.care_recipient_id or "",
        client.last_name,
        client.first_name,
        client.service_provider_id,
        level(row.classifications),
        row.total,
        row.available,
        row.committed,
        row.commitment and row.commitment.planned,
        row.safe_to_spend,
        fresh.checked_at,
        fresh.read_in_full_at,
        state.outcome if state else "",
        state.consent_missing if state else "",
        identity.state.value,
        " ".join(identity.differing),
    ]
