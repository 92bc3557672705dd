"""Quarter close: who is ready, what rolls over and what is lost, and the rollover of those who were chosen."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from carefund.access.access_log import store_export, store_views
from carefund.access.gate import require
from carefund.access.roles import may_claim, may_export
from carefund.console.claims.money import read_branch
from carefund.console.csv_download import stream_csv
from carefund.console.page_access import Request, page, report_refusals
from carefund.console.url_numbers import read_number
from carefund.domain.care_recipient.quarter_close import Readiness, add_up_rows, count_days_to_close, quarter_to_close
from carefund.domain.quarters import Quarter, previous_quarter, quarter_of
from carefund.plain_numbers import read_day
from carefund.records.care_recipient.quarter_close import (
    Closing,
    ClosingRow,
    list_closing_rows,
    list_closings,
    list_rows_of,
)
from carefund.records.care_recipient.queries import list_service_providers
from carefund.runs.care_recipient.rolling_over import roll_over
from carefund.runs.requests import NothingToDo

Row = TypeVar("Row", Closing, ClosingRow)
_PAGE_SIZE = 100
_LOSES = "loses"
_SHOWN = {"": "All clients", _LOSES: "Will lose money", **{reason.value: reason.label for reason in Readiness}}


@page(may_claim)
def show(request: Request) -> HttpResponseBase:
    """One quarter: its totals and everybody's budget of it (GET), the same as CSV, and the rollover of some (POST)."""
    if request.method == "POST":
        return _roll_over(request)
    if request.GET.get("format") == "csv":
        return _export(request)
    today, quarter, branch = timezone.localdate(), _read_quarter(request), read_branch(request)
    closings = list_closings(quarter, today, branch)
    which = request.GET.get("show", "") if request.GET.get("show", "") in _SHOWN else ""
    shown = Paginator(_choose(closings, which), _PAGE_SIZE).get_page(request.GET.get("page"))
    listed = list_rows_of(list(shown.object_list), today)
    store_views(request.user, (row.budget.client for row in listed), "Quarter close")
    context = {
        "quarter": quarter,
        "earlier": previous_quarter(quarter),
        "days_left": count_days_to_close(quarter.end_date, today),
        "totals": add_up_rows(closings),
        "rows": listed,
        "page": shown,
        "which": which,
        "filters": _SHOWN,
        "branch": branch,
        "providers": list_service_providers(),
        "query": _write_query(quarter, branch, which),
        "base_query": _write_query(quarter, branch),
    }
    return render(request, "console/claims/quarter_close.html", context)


def _export(request: Request) -> StreamingHttpResponse:
    """The rows as CSV, in the access log with their number."""
    require(request.user, may_export)
    today, quarter = timezone.localdate(), _read_quarter(request)
    rows = _choose(list_closing_rows(quarter, today, read_branch(request)), request.GET.get("show", ""))
    store_export(request.user, "Quarter close (CSV)", clients=[row.budget.client_id for row in rows])
    return stream_csv(_write_rows(rows), f"quarter-close-{quarter.end_date:%Y-%m-%d}.csv")


def _roll_over(request: Request) -> HttpResponse:
    """What a rollover of those who were chosen comes to; once that was confirmed, the request for it."""
    today, quarter, branch = timezone.localdate(), _read_quarter(request), read_branch(request)
    back = f"{reverse('console:quarter-close')}?{_write_query(quarter, branch)}"
    rows = _read_chosen(request, quarter, branch, today)
    if not rows:
        messages.error(request, "Select at least one client whose quarter is ready.")
        return redirect(back)
    totals = add_up_rows(rows)
    expected = f"{len(rows)} {totals.rollover} {totals.loss}"
    if request.POST.get("expected") == expected:
        with report_refusals(request):
            back = _request(request, rows, back)
        return redirect(back)
    store_views(request.user, (row.budget.client for row in rows), "Rollover to confirm")
    context = {
        "quarter": quarter,
        "rows": rows,
        "totals": totals,
        "expected": expected,
        "has_changed": "expected" in request.POST,
        "keys": ",".join(str(row.budget.pk) for row in rows),
        "branch": branch,
        "back": back,
    }
    return render(request, "console/claims/rollover.html", context)


def _request(request: Request, rows: Sequence[ClosingRow], back: str) -> str:
    """Ask for the rollovers; gives the address of the page to go on with."""
    try:
        run = roll_over(rows, request.user)
    except NothingToDo:
        messages.error(request, "These rollovers have just been requested by someone else.")
        return back
    return reverse("console:run", args=[run.pk])


def _read_chosen(request: Request, quarter: Quarter, branch: str, today: date) -> list[ClosingRow]:
    """Those of the chosen who can be rolled over: the ticked ones, those of a confirmation, or all who are ready."""
    sent = request.POST.get("keys", "").split(",") if request.POST.get("keys") else request.POST.getlist("chosen")
    keys = None if request.POST.get("all") == "1" else [number for text in sent if (number := read_number(text))]
    rows = list_closing_rows(quarter, today, branch, keys)
    return [row for row in rows if row.can_be_asked_for]


def _read_quarter(request: Request) -> Quarter:
    """The quarter that an address asks for by any of its days; that which ended last."""
    asked = request.POST.get("quarter") or request.GET.get("quarter", "")
    today = timezone.localdate()
    try:
        return min(quarter_of(read_day(asked)), quarter_of(today))
    except ValueError:
        return quarter_to_close(today)


def _choose(rows: Sequence[Row], which: str) -> list[Row]:
    if which == _LOSES:
        return [row for row in rows if (projection := row.closing.projection) and projection.loss]
    return [row for row in rows if which in ("", row.readiness.value)]


def _write_query(quarter: Quarter, branch: str, which: str = "") -> str:
    asked: dict[str, Any] = {"quarter": quarter.start_date, "branch": branch, "show": which}
    return urlencode({name: value for name, value in asked.items() if value})


def _write_rows(rows: Sequence[ClosingRow]) -> Iterator[Sequence[object]]:
    yield (
        "care_recipient_id", "last_name", "first_name", "service_provider_id", "budget_id", "quarter_end", "readiness",
        "available", "not_claimed", "undecided", "not_drawn", "base", "cap", "projected_rollover", "projected_loss",
        "rollover", "write_off", "differs_from_projection",
    )  # fmt: skip
    for row in rows:
        client, closing, projection = row.budget.client, row.closing, row.projection
        yield (
            client.care_recipient_id or "", client.last_name, client.first_name, client.service_provider_id,
            row.budget.budget_id, closing.end_date, row.readiness.label, closing.available, closing.not_claimed.amount,
            closing.undecided.amount, closing.not_drawn.amount, closing.base, projection.cap if projection else None,
            projection.rollover if projection else None, projection.loss if projection else None,
            closing.rolled if closing.is_rolled_over else None, closing.written_off if closing.is_rolled_over else None,
            row.deviation,
        )  # fmt: skip
