"""First contact on a page: descriptions compared and accepted, the interfaces tried, what was seen taken away."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from carefund.access.access_log import store_synchronisation
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_clients_by_care_recipient_id
from carefund.access.roles import may_administer
from carefund.console.background_work import describe_item
from carefund.console.page_access import Request, page, report_refusals
from carefund.domain.care_recipient.clients import is_care_recipient_id
from carefund.funders.interfaces.documents import LARGEST, MOST_TOGETHER, WrongDescription
from carefund.runs.trials import find_newest_trial, request_trial
from carefund.sync.interface_proposals import (
    ComparedDescriptions,
    NotAccepted,
    accept,
    discard_compared,
    find_compared,
    preview,
    read_uploads,
    require_compared,
    summarise_interfaces,
    waits_for_restart,
)
from carefund.sync.shareable_description import describe_archived
from carefund.sync.trials import write_findings, write_line


@page(may_administer)
def show(request: Request) -> HttpResponse:
    """The interfaces in use, descriptions that wait for a decision, and the last trial (GET); a step further (POST)."""
    if request.method != "POST":
        return _show(request, find_compared())
    match request.POST.get("step"):
        case "compare":
            _compare(request)
        case "try":
            _try(request)
        case "discard":
            discard_compared()
        case "preview":
            return _preview(request)
        case "accept":
            return _accept(request)
    return redirect("console:interfaces")


def _show(request: Request, compared: ComparedDescriptions | None, **more: Any) -> HttpResponse:
    trial = find_newest_trial()
    work = describe_item(trial)
    report = trial.result if trial else None
    agreed = more.pop("agreed", None)
    context = {
        "compared": compared,
        "questions": [
            (question, question.is_likely if agreed is None else question.key in agreed)
            for question in (compared.questions if compared else ())
        ],
        "interfaces": summarise_interfaces() if settings.INTERFACES_FILE else "",
        "file": settings.INTERFACES_FILE,
        "waits_for_restart": waits_for_restart(),
        "is_set_elsewhere": settings.INTERFACES_FILE not in ("", str(settings.ACCEPTED_INTERFACES_FILE)),
        "work": work,
        "report": report,
        "findings": write_findings(report) if report else [],
        "lines": [write_line(line) for line in report["lines"]] if report else [],
    }
    return render(request, "console/interfaces.html", context | more)


def _compare(request: Request) -> None:
    """Compare what was uploaded; what cannot be used is a message, and nothing is kept of it."""
    files = request.FILES.getlist("files")
    large = next((file.name for file in files if (file.size or 0) > LARGEST), None)
    try:
        if not files:
            raise WrongDescription("Choose at least one file.")
        if large:
            raise WrongDescription(f"{large} is larger than {LARGEST // 1024 // 1024} MB.")
        if sum(file.size or 0 for file in files) > MOST_TOGETHER:
            raise WrongDescription(f"These files are larger than {MOST_TOGETHER // 1024 // 1024} MB together.")
        uploads = [(file.name or "", file.read()) for file in files]
        with one_act():
            read_uploads(uploads)
            store_act(request.user, "Interface descriptions compared", f"{len(files)} files")
    except WrongDescription as fault:
        messages.error(request, str(fault))


def _try(request: Request) -> None:
    care_recipient_id = request.POST.get("care_recipient_id", "").strip()
    wanted = [care_recipient_id] if is_care_recipient_id(care_recipient_id) else []
    client = find_clients_by_care_recipient_id(request.user, wanted).get(care_recipient_id)
    if client is None:
        messages.error(request, "No client has this Care Recipient ID.")
        return
    store_synchronisation(request.user, client, "Trial of the interfaces")
    with report_refusals(request, "Trial of the interfaces"):
        request_trial(client, request.user)


def _preview(request: Request) -> HttpResponse:
    """The file that would come out of the answers given."""
    compared, agreed = require_compared(), request.POST.getlist("agreed")
    try:
        text, open_points = preview(compared, agreed)
    except NotAccepted as fault:
        messages.error(request, str(fault))
        return _show(request, compared, agreed=agreed)
    return _show(request, compared, agreed=agreed, text=text, open_points=open_points)


def _accept(request: Request) -> HttpResponse:
    compared, agreed = require_compared(), request.POST.getlist("agreed")
    try:
        with one_act():
            store_act(request.user, "Interfaces file accepted", f"{len(compared.files)} descriptions")
            accept(compared, agreed)
    except NotAccepted as fault:
        messages.error(request, str(fault))
        return _show(request, compared, agreed=agreed)
    messages.success(request, "The interfaces file was saved. Restart Carefund to use it.")
    return redirect("console:interfaces")


@page(may_administer)
def download_description(request: Request) -> HttpResponse:
    """What the archives say of how answers are written, without a value, as a file."""
    text = describe_archived()
    store_act(request.user, "Interfaces described for sharing")
    response = HttpResponse(text, content_type="application/toml; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="interfaces-seen.toml"'
    return response
