"""Exceptions: lines and draws that do not match, by state, owner and age; whose they are; the same as CSV."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from carefund.access.access_log import store_export, store_views
from carefund.access.accounts import list_accounts_that_claim
from carefund.access.roles import may_claim, may_export
from carefund.console.claims.forms import CaseForm
from carefund.console.csv_download import stream_csv
from carefund.console.page_access import Request, page
from carefund.console.url_numbers import read_number
from carefund.domain.claims.match_kinds import MatchKind
from carefund.domain.claims.matching import USAGE_LAG_DAYS
from carefund.domain.wording import many
from carefund.records.care_recipient.queries import list_service_providers
from carefund.records.claims.exceptions import (
    AGES,
    CLOSED,
    EVERY,
    MOST_AT_ONCE,
    NOBODY,
    TO_DO,
    CaseChange,
    DrawRow,
    ExceptionFilter,
    ExceptionRow,
    list_draw_keys,
    list_draw_rows,
    list_exception_clients,
    list_exception_keys,
    list_exception_rows,
    list_exceptions,
)
from carefund.records.models import ExceptionCase
from carefund.runs.claims.claiming import find_reconciliation
from carefund.runs.claims.exceptions import change_exceptions

_PAGE_SIZE = 50
_MOST_PAGES = 10_000
STATES = {TO_DO: "Open or waiting", **dict(ExceptionCase.State.choices), CLOSED: "closed automatically", EVERY: "all"}


@page(may_claim)
def show(request: Request) -> HttpResponse:
    """Lines whose two sides do not fit; what was drawn without a line is looked for after the page is there."""
    today, wanted = timezone.localdate(), read_filter(request.GET)
    shown = Paginator(list_exceptions(wanted, today), _PAGE_SIZE).get_page(request.GET.get("page"))
    rows = list_exception_rows(shown.object_list, today)
    store_views(request.user, (row.line.request.line_item.client for row in rows), "Claim exceptions")
    people = list_people()
    context = _describe_filter(wanted, people) | {
        "rows": [(row, _find_step(row)) for row in rows],
        "page": shown,
        "total": shown.paginator.count,
        "form": CaseForm(people=people),
        "reconciliation": find_reconciliation(),
        "lag_days": USAGE_LAG_DAYS,
    }
    return render(request, "console/claims/exceptions.html", context)


@page(may_claim)
def show_draws(request: Request) -> HttpResponse:
    """What was drawn by us, no matching line: within the page of exceptions, or as a page of its own."""
    today, wanted = timezone.localdate(), read_filter(request.GET)
    number = min(read_number(request.GET.get("page")) or 1, _MOST_PAGES)
    found = list_draw_keys(wanted, today, (number - 1) * _PAGE_SIZE, number * _PAGE_SIZE + 1)
    rows = list_draw_rows(found[:_PAGE_SIZE], today)
    store_views(request.user, (row.usage.client for row in rows), "Drawn by us, no matching line")
    people = list_people()
    query = write_query(wanted)
    context = _describe_filter(wanted, people) | {
        "rows": rows,
        "number": number,
        "page_address": f"{reverse('console:draws-without-line')}?{query}&" if query else "?",
        "older": number + 1 if len(found) > _PAGE_SIZE else 0,
        "form": CaseForm(people=people, prefix="draws"),
        "draws": True,
    }
    name = "draws_without_line" if request.htmx and not request.htmx.boosted else "draws_without_line_page"
    return render(request, f"console/claims/{name}.html", context)


@require_POST
@page(may_claim)
def change(request: Request) -> HttpResponse:
    """Set owner, due day, state or a note of the ticked exceptions, or of all that the filter lets through."""
    with_draws = request.POST.get("what") == "draws"
    form = CaseForm(request.POST, people=list_people(), prefix="draws" if with_draws else None)
    wanted = read_filter(QueryDict(request.POST.get("filter", "")[:500]))
    address = reverse("console:draws-without-line" if with_draws else "console:claim-exceptions")
    back = f"{address}?{write_query(wanted)}".rstrip("?")
    keys = _read_chosen(request, wanted, with_draws=with_draws)
    if not form.is_valid() or not (form.sets() or form.cleaned_data["note"]):
        messages.error(request, "Choose an owner, a due date or a state, or write a note of up to 1,000 characters.")
    elif not keys:
        messages.error(request, "Select at least one exception.")
    else:
        asked = CaseChange(form.sets(), form.cleaned_data["note"])
        number = change_exceptions(request.user, asked, **{"usage_ids" if with_draws else "request_ids": keys})
        messages.success(request, f"{many(number, 'exception')} changed.")
    return redirect(back)


def _read_chosen(request: Request, wanted: ExceptionFilter, *, with_draws: bool) -> list[int]:
    if request.POST.get("all") != "1":
        return [number for text in request.POST.getlist("chosen")[:MOST_AT_ONCE] if (number := read_number(text))]
    today = timezone.localdate()
    return list_draw_keys(wanted, today) if with_draws else list_exception_keys(wanted, today)


@page(lambda user: may_claim(user) and may_export(user))
def export(request: Request) -> StreamingHttpResponse:
    """The lines of the filter as CSV, in the access log with its size."""
    today, wanted = timezone.localdate(), read_filter(request.GET)
    requests = list_exceptions(wanted, today)
    store_export(request.user, "Claim exceptions (CSV)", clients=list_exception_clients(wanted, today))
    rows = list_exception_rows(requests, today)
    return stream_csv(_write_rows(rows), f"exceptions-{today:%Y-%m-%d}.csv")


def _write_rows(rows: Sequence[ExceptionRow]) -> Iterator[Sequence[object]]:
    yield (
        "care_recipient_id", "last_name", "first_name", "service_provider_id", "reference", "service_id",
        "delivery_date", "exception", "remarks", "claimed", "paid", "drawn", "difference", "contribution",
        "expected_contribution", "age_days", "state", "owner", "due_date", "notes",
    )  # fmt: skip
    for row in rows:
        line, asked, case = row.line.request.line_item, row.line.request, row.case
        yield (
            line.client.care_recipient_id or "", line.client.last_name, line.client.first_name,
            line.invoice.service_provider_id, line.external_reference_id, line.service_id, line.delivery_date,
            row.kind.label, "; ".join(row.line.remarks), row.line.truth.claimed, asked.paid_amount,
            row.line.truth.drawn, row.line.truth.difference, asked.individual_contribution_amount,
            row.line.expected_contribution, row.age_days, row.state,
            case.owner.username if case and case.owner else "", case.due_date if case else None,
            " / ".join(row.notes),
        )  # fmt: skip


@page(lambda user: may_claim(user) and may_export(user))
def export_draws(request: Request) -> StreamingHttpResponse:
    """The draws of the filter as CSV, in the access log with its size."""
    today, wanted = timezone.localdate(), read_filter(request.GET)
    rows = list_draw_rows(list_draw_keys(wanted, today), today)
    store_export(request.user, "Drawn by us, no matching line (CSV)", clients={row.usage.client_id for row in rows})
    return stream_csv(_write_draws(rows), f"usage-without-line-{today:%Y-%m-%d}.csv")


def _write_draws(rows: Sequence[DrawRow]) -> Iterator[Sequence[object]]:
    yield (
        "care_recipient_id", "last_name", "first_name", "service_provider_id", "invoice_id", "item_id", "service_id",
        "service", "delivery_date", "budget_id", "drawn", "exception", "age_days", "state", "owner", "due_date",
    )  # fmt: skip
    for row in rows:
        draw, case = row.usage, row.case
        yield (
            draw.client.care_recipient_id or "", draw.client.last_name, draw.client.first_name,
            draw.service_provider_id, draw.invoice_id, draw.item_id, draw.item_code, draw.description,
            draw.delivery_date, draw.plan_budget.budget_id, draw.amount, row.kind.label, row.age_days, row.state,
            case.owner.username if case and case.owner else "", case.due_date if case else None,
        )  # fmt: skip


def read_filter(asked: QueryDict) -> ExceptionFilter:
    """The filter that an address asks for; unknown values stand for none."""
    owner = asked.get("owner", "")
    return ExceptionFilter(
        state=state if (state := asked.get("state", "")) in STATES else TO_DO,
        owner=owner if owner == NOBODY else str(read_number(owner) or ""),
        min_age=next((days for days in AGES if str(days) == asked.get("age")), 0),
        branch=asked.get("branch", "").strip()[:20],
    )


def write_query(wanted: ExceptionFilter) -> str:
    """The filter as an address has it; what is as it begins is left out."""
    state = "" if wanted.state == TO_DO else wanted.state
    asked = {"state": state, "owner": wanted.owner, "age": wanted.min_age or "", "branch": wanted.branch}
    return urlencode({name: value for name, value in asked.items() if value})


def list_people() -> list[tuple[int, str]]:
    """Who can own an exception: the accounts that may claim, by name."""
    return [(person.pk, person.get_full_name() or person.username) for person in list_accounts_that_claim()]


def _describe_filter(wanted: ExceptionFilter, people: Sequence[tuple[int, str]]) -> dict[str, Any]:
    return {
        "filter": wanted,
        "query": write_query(wanted),
        "states": STATES,
        "ages": AGES,
        "nobody": NOBODY,
        "people": people,
        "providers": list_service_providers(),
    }


def _find_step(row: ExceptionRow) -> tuple[str, str]:
    """The next step with an exception: what it is called and where it is done; "" where there is none."""
    line = row.line.request.line_item
    if row.kind is MatchKind.REFUSED and row.state != ExceptionCase.State.CLAIMED_AGAIN:
        asked = {
            "service_provider_id": line.invoice.service_provider_id,
            "from_date": line.delivery_date,
            "to_date": line.delivery_date,
        }
        return "Claim again", f"{reverse('console:batch-new')}?{urlencode(asked)}"
    if row.kind is MatchKind.MISSING_AT_FUNDER:
        return "Synchronise", reverse("console:synchronise", args=[line.client_id])
    if row.kind is MatchKind.CONTRIBUTION:
        return "See contributions", reverse("console:plan", args=[line.client_id])
    return "", ""
