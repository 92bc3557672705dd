"""Bringing invoices in by file: choose it, see what it would do and what is wrong, then load it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from carefund.access.access_log import store_views
from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import may_claim
from carefund.console.claims.forms import InvoiceFileForm
from carefund.console.page_access import Request, page
from carefund.domain.claims.invoice_file import COLUMNS, REQUIRED
from carefund.domain.csv_tables import ROW, UnreadableFile
from carefund.records.claims.invoice_uploads import (
    NotLoadable,
    load_upload,
    plan_file,
    plan_upload,
)
from carefund.records.file_uploads import INVOICES, find_upload, store_upload

_SHOWN = 200


@page(may_claim)
def upload(request: Request) -> HttpResponse:
    """Choose a file. One that is no table at all is told here; everything else is shown in the preview."""
    form = InvoiceFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        content = file.read()
        try:
            plan_file(content)
        except UnreadableFile as problem:
            form.add_error("file", str(problem))
        else:
            kept = store_upload(INVOICES, file.name, content, request.user)
            return redirect("console:invoice-upload", upload_id=kept.pk)
    columns = [(_name_column(name), name in REQUIRED) for name in COLUMNS]
    return render(request, "console/claims/invoices.html", {"form": form, "columns": columns})


def _name_column(name: str) -> str:
    """Return what people call a column: Care Recipient ID, Service ID, Delivery date."""
    if name == ROW:
        return "Whole row"
    if name.endswith("_naps_id"):
        return "Service NAPS ID"
    if name in ("care_recipient_id", "service_provider_id"):
        return name.removesuffix("_id").replace("_", " ").title() + " ID"
    return name.replace("_", " ").capitalize().replace(" id", " ID")


@page(may_claim)
def preview(request: Request, upload_id: int) -> HttpResponse:
    """What a file would add, each bad row by line and column; POST loads it, all or nothing."""
    kept = find_upload(INVOICES, upload_id)
    if kept.loaded_at is not None:
        messages.info(request, "This file has already been imported.")
        return redirect("console:claims")
    if request.method == "POST":
        try:
            with one_act():
                lines = load_upload(kept)
                store_act(request.user, "Invoice file loaded", f"upload {kept.pk}", after={"lines": lines})
        except NotLoadable as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{lines:,} line{'' if lines == 1 else 's'} imported.")
            return redirect("console:batch-new")
    plan = plan_upload(kept)
    shown = (plan.client_ids.get(row.care_recipient_id) for row in plan.rows[:20])
    store_views(request.user, shown, "Invoice file")
    problems = [problem._replace(column=_name_column(problem.column)) for problem in plan.problems[:_SHOWN]]
    context = {"upload": kept, "plan": plan, "problems": problems, "rows": plan.rows[:20]}
    return render(request, "console/claims/invoice_upload.html", context)
