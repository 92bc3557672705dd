"""Bringing clients in by file: choose it, see what is new, what differs and what is wrong, then import it."""

from itertools import islice

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from carefund.access.access_log import store_views
from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import may_import_clients
from carefund.console.care_recipient.forms import ClientFileForm
from carefund.console.page_access import Request, page
from carefund.domain.care_recipient.client_file import FIELDS, REQUIRED, TITLES
from carefund.domain.csv_tables import UnreadableFile
from carefund.domain.wording import many
from carefund.records.care_recipient.client_import import (
    ClientImport,
    Imported,
    NotImported,
    plan_clients,
    store_clients,
)
from carefund.records.file_uploads import CLIENTS, find_upload, mark_as_loaded, store_upload
from carefund.records.models import FileUpload

_PROBLEMS, _SHOWN = 200, 20


@page(may_import_clients)
def upload(request: Request) -> HttpResponse:
    """Choose a file. One that is no table at all is told here; everything else is shown in the preview."""
    form = ClientFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        content = file.read()
        try:
            plan_clients(content, timezone.localdate())
        except UnreadableFile as problem:
            form.add_error("file", str(problem))
        else:
            kept = store_upload(CLIENTS, file.name, content, request.user)
            return redirect("console:client-upload", upload_id=kept.pk)
    columns = [(title, name in REQUIRED) for name, title in TITLES.items()]
    return render(request, "console/care_recipient/client_files.html", {"form": form, "columns": columns})


@page(may_import_clients)
def preview(request: Request, upload_id: int) -> HttpResponse:
    """What a file would add and change, each bad row by line and column; POST imports it, all or nothing."""
    kept = find_upload(CLIENTS, upload_id)
    if kept.loaded_at is not None:
        messages.info(request, "This file has already been imported.")
        return redirect("console:clients")
    plan = plan_clients(bytes(kept.content), timezone.localdate())
    if request.method == "POST":
        if plan.fingerprint != request.POST.get("fingerprint"):
            messages.error(request, "Clients have changed since the preview. Check it again.")
            return redirect("console:client-upload", upload_id=kept.pk)
        fields = [name for name in FIELDS if name in request.POST.getlist("update")]
        try:
            imported = _import(request, kept, plan, fields)
        except NotImported as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{many(imported.new, 'client')} added, {imported.changed:,} changed.")
            return redirect("console:client-matches" if imported.to_confirm else "console:clients")
    return _show(request, kept, plan)


def _import(request: Request, kept: FileUpload, plan: ClientImport, fields: list[str]) -> Imported:
    with one_act():
        if not mark_as_loaded(kept):  # two clicks at the same moment
            raise NotImported("This file has already been imported.")
        imported = store_clients(plan, fields, made_by=request.user.get_username(), user=request.user)
        after = {"new": imported.new, "changed": imported.changed, "fields": fields, "to_confirm": imported.to_confirm}
        store_act(request.user, "Client file imported", f"upload {kept.pk}", after=after)
    return imported


def _show(request: Request, kept: FileUpload, plan: ClientImport) -> HttpResponse:
    fields = [
        {"name": name, "title": TITLES[name], "rows": found[:_SHOWN], "number": len(found), "more": len(found) > _SHOWN}
        for name in FIELDS
        if (found := plan.differences.get(name))
    ]
    shown = [row.client_id for field in fields for row in field["rows"]]  # type: ignore[attr-defined]
    shown += [match.client_id for match in plan.matches[:_SHOWN]]
    store_views(request.user, shown, "Client file")
    context = {
        "upload": kept,
        "plan": plan,
        "problems": [
            problem._replace(column=TITLES.get(problem.column, "Whole row")) for problem in plan.problems[:_PROBLEMS]
        ],
        "fields": fields,
        "new": plan.new[:_SHOWN],
        "alike_lines": [row.line for row in islice(plan.alike, _SHOWN)],
        "to_confirm": len({match.care_recipient_id for match in plan.matches}),
        "has_something": bool(plan.new or plan.matches or fields),
    }
    return render(request, "console/care_recipient/client_upload.html", context)
