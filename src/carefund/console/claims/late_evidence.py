"""The PDF that says why a line comes late: attach it, look at it, take it away again before it is sent."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from carefund.access.access_log import store_export, store_view
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_line_to_claim
from carefund.access.roles import may_claim, may_export
from carefund.console.claims.forms import EvidenceForm
from carefund.console.page_access import Request, page
from carefund.records.claims.late_evidence import (
    NotEvidence,
    TooLate,
    find_evidence,
    find_evidence_to_download,
    is_changeable,
    remove_evidence,
    store_evidence,
)
from carefund.records.models import InvoiceLineItem
from carefund.records.payload_store import read_payload


@page(may_claim)
def show(request: Request, line_id: int) -> HttpResponse:
    """A line's evidence (GET); attach one in its place, or take it away (POST)."""
    line = find_line_to_claim(request.user, line_id)
    form = EvidenceForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and _change(request, line, form):
        return redirect("console:line-evidence", line_id=line.pk)
    store_view(request.user, line.client, "Evidence for a late claim")
    evidence = find_evidence(line)
    context = {"line": line, "evidence": evidence, "form": form, "is_changeable": is_changeable(line)}
    return render(request, "console/claims/late_evidence.html", context)


def _change(request: Request, line: InvoiceLineItem, form: EvidenceForm) -> bool:
    """Do what was asked for; False, with the reason on the form, when the file is none."""
    try:
        if "remove" in request.POST:
            with one_act():
                remove_evidence(line)
                store_act(request.user, "Late evidence removed", f"invoice line {line.pk}")
            messages.success(request, "Evidence removed.")
        elif form.is_valid():
            file = form.cleaned_data["file"]
            with one_act():
                store_evidence(line, file.name, file.read(), request.user)
                store_act(request.user, "Late evidence attached", f"invoice line {line.pk}")
            messages.success(request, "Evidence attached. It will be sent with the line.")
        else:
            return False
    except NotEvidence as problem:
        form.add_error("file", str(problem))
        return False
    except TooLate as problem:
        messages.error(request, str(problem))
    return True


@page(lambda user: may_claim(user) and may_export(user))
def download(request: Request, line_id: int) -> HttpResponse:
    """The file, byte for byte as it was given."""
    evidence = find_evidence_to_download(line_id)
    store_export(request.user, "Evidence for a late claim", clients=[evidence.line_item.client])
    response = HttpResponse(read_payload(evidence.payload), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{evidence.file_name}"'
    return response
