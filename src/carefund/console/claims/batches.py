"""Batches: choose open lines and see what would be refused, keep them, send them, and follow how far they are."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from carefund.access.access_log import store_views
from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import may_claim
from carefund.console.background_work import describe_item
from carefund.console.claims.forms import BatchForm, first_choice
from carefund.console.page_access import Request, page, report_refusals
from carefund.records.care_recipient.queries import name_branch
from carefund.records.claims.batches import BatchMoved, withdraw_batch
from carefund.records.claims.claimed_lines import list_lines
from carefund.records.claims.open_lines import find_line_items
from carefund.records.claims.queries import (
    count_clients_in,
    find_batch,
    find_batch_total,
    list_claims_of,
    list_invoices_of,
    list_requests_in,
)
from carefund.records.models import ClaimBatch, Invoice
from carefund.runs.claims.claiming import name_batch, request_sending
from carefund.runs.queries import find_shown_item
from carefund.sync.claims.preparing import NothingToClaim, prepare_batch, preview_batch

_PAGE_SIZE = 100


@page(may_claim)
def choose(request: Request) -> HttpResponse:
    """The choice of lines with its preview (GET), and the batch that is made of it (POST)."""
    today = timezone.localdate()
    asked = request.POST or request.GET
    # An address may name the days alone: which branch is then still to be chosen.
    has_branch = bool(asked.get("service_provider_id"))
    days = {name: asked[name] for name in ("from_date", "to_date") if asked.get(name)}
    form = BatchForm(asked if has_branch or request.method == "POST" else None, initial=first_choice(today) | days)
    context: dict[str, Any] = {"form": form, "today": today}
    if form.is_bound and form.is_valid():
        if request.method == "POST":
            try:
                return redirect("console:batch", batch_id=_prepare(request, form, today).pk)
            except NothingToClaim:
                form.add_error(None, "No unclaimed lines match, or none of them can be claimed.")
            except BatchMoved as moved:
                form.add_error(None, str(moved))
        preview = preview_batch(form.choice(), today)
        shown = Paginator([*preview.refused, *preview.ready], _PAGE_SIZE).get_page(request.GET.get("page"))
        store_views(request.user, (checked.client_id for checked in shown.object_list), "Lines to claim")
        items = find_line_items([checked.line.key for checked in shown.object_list])
        lines = [
            {"checked": checked, "item": item}
            for checked in shown.object_list
            if (item := items.get(checked.line.key)) is not None
        ]
        context |= {"preview": preview, "page": shown, "lines": lines}
    return render(request, "console/claims/batch_new.html", context)


def _prepare(request: Request, form: BatchForm, today: date) -> ClaimBatch:
    with one_act():
        batch = prepare_batch(form.choice(), today, request.user)
        after = {name: value for name, value in form.cleaned_data.items() if value}
        store_act(request.user, "Claim batch prepared", f"batch {batch.pk}", after=after)
    return batch


@page(may_claim)
def show(request: Request, batch_id: int) -> HttpResponse:
    """One batch: its lines, what it asks for, and how far it is with the funder."""
    work = describe_item(find_shown_item(name_batch(batch_id), timezone.now()))
    batch = find_batch(batch_id)
    shown = Paginator(list_requests_in(batch), _PAGE_SIZE).get_page(request.GET.get("page"))
    rows = list_lines([payment_request.pk for payment_request in shown.object_list], timezone.localdate())
    store_views(request.user, (row.request.line_item.client for row in rows), f"Claim batch {batch.pk}")
    invoices = list_invoices_of(batch)
    context = {
        "batch": batch,
        "page": shown,
        "rows": rows,
        "total": find_batch_total(batch),
        "invoices": invoices,
        "sent": _count_sent(invoices),
        "claims": list_claims_of(batch),
        "work": work,
    }
    return render(request, "console/claims/batch.html", context)


@page(may_claim)
def send(request: Request, batch_id: int) -> HttpResponse:
    """Show what would be sent and to whom (GET); ask for it to be sent (POST), which the batch's page then follows."""
    batch = find_batch(batch_id)
    if request.method != "POST":
        return _ask_before_sending(request, batch)
    with report_refusals(request), one_act():
        request_sending(batch.pk, request.user)
        store_act(request.user, "Claim batch sent", f"batch {batch.pk}")
    return redirect("console:batch", batch_id=batch.pk)


def _ask_before_sending(request: Request, batch: ClaimBatch) -> HttpResponse:
    if batch.state in (ClaimBatch.State.CLAIMED, ClaimBatch.State.WITHDRAWN):
        return redirect("console:batch", batch_id=batch.pk)
    in_dialog = bool(request.htmx and not request.htmx.boosted)
    invoices = list_invoices_of(batch)
    context = {
        "batch": batch,
        "branch": name_branch(batch.service_provider_id),
        "number_of_clients": count_clients_in(batch),
        "number_of_invoices": len(invoices),
        "sent": _count_sent(invoices),
        "in_dialog": in_dialog,
    }
    return render(request, f"console/claims/{'batch_send' if in_dialog else 'batch_send_page'}.html", context)


def _count_sent(invoices: list[Invoice]) -> int:
    return sum(1 for invoice in invoices if invoice.status not in ("", "OPEN"))


@require_POST
@page(may_claim)
def withdraw(request: Request, batch_id: int) -> HttpResponse:
    """Give a batch up before anything was sent."""
    batch = find_batch(batch_id)
    try:
        with one_act():
            withdraw_batch(batch)
            store_act(request.user, "Claim batch withdrawn", f"batch {batch.pk}")
    except BatchMoved as moved:
        messages.error(request, str(moved))
        return redirect("console:batch", batch_id=batch.pk)
    messages.success(request, "Batch withdrawn. Its lines can be claimed again.")
    return redirect("console:claims")
