"""First contact on a page: descriptions compared and accepted, the interfaces tried, what was seen taken away."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import may_administer
from carefund.console.background_work import describe_item
from carefund.console.page_access import Request, page
from carefund.console.views.interface_trials import send_write, show_write_to_confirm, try_reads
from carefund.funders.interfaces.documents import LARGEST, MOST_TOGETHER, WrongDescription
from carefund.runs.models import RunItem
from carefund.runs.trials import find_newest_trial
from carefund.sync.interface_proposals import (
    ComparedDescriptions,
    NotAccepted,
    accept,
    discard_compared,
    find_compared,
    is_set_elsewhere,
    list_offers,
    preview,
    read_uploads,
    require_compared,
    summarise_interfaces,
    take_lines,
    waits_for_restart,
)
from carefund.sync.shareable_description import describe_archived
from carefund.sync.shown_writes import find_obstacle_to_writing
from carefund.sync.trials import write_findings, write_verdict
from carefund.sync.write_trials import WRITES


@page(may_administer)
def show(request: Request) -> HttpResponse:
    """The interfaces in use, descriptions that wait for a decision, and the last trial (GET); a step further (POST)."""
    if request.method != "POST":
        return _show(request, find_compared())
    match request.POST.get("step"):
        case "compare":
            _compare(request)
        case "try":
            try_reads(request)
        case "show-write":
            return show_write_to_confirm(request) or redirect("console:interfaces")
        case "send-write":
            send_write(request)
        case "take-lines":
            _take_lines(request)
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
    lines = list_offers(report) if report else []
    context = {
        "compared": compared,
        "questions": [
            (question, question.is_likely if agreed is None else question.key in agreed)
            for question in (compared.questions if compared else ())
        ],
        "interfaces": summarise_interfaces() if settings.INTERFACES_FILE else "",
        "file": settings.INTERFACES_FILE,
        "waits_for_restart": waits_for_restart(),
        "is_set_elsewhere": is_set_elsewhere(),
        "work": work,
        "to_synchronise": _find_page_to_synchronise(trial) if trial and report and "write" not in report else "",
        "writes": WRITES,
        "obstacle_to_writing": find_obstacle_to_writing(),
        "report": report,
        "findings": write_findings(report) if report else [],
        "verdict": write_verdict(report) if report else "",
        "lines": lines,
        "can_take_lines": any(line.is_offered for line in lines),
    }
    return render(request, "console/interfaces.html", context | more)


def _find_page_to_synchronise(trial: RunItem) -> str:
    """The address of the page on which the client of a trial is brought in step."""
    page_name = "console:synchronise" if trial.care_recipient_id else "console:ndis-client"
    return reverse(page_name, args=[trial.client_id]) if trial.client_id else ""


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


def _take_lines(request: Request) -> None:
    """Add the lines of the last trial that were ticked to the file."""
    trial, wanted = find_newest_trial(), request.POST.getlist("line")
    offered = {line.key for line in list_offers(trial.result) if line.is_offered} if trial and trial.result else set()
    keys = [key for key in wanted if key in offered]
    try:
        with one_act():
            store_act(request.user, "Interfaces file changed", f"{len(keys)} lines")
            take_lines(keys)
    except NotAccepted as fault:
        messages.error(request, str(fault))
        return
    messages.success(request, "The interfaces file was saved. Restart Carefund to use it, then try again.")


@page(may_administer)
def download_description(request: Request) -> HttpResponse:
    """What the archives say of how answers are written, without a value, as a file."""
    text = describe_archived()
    store_act(request.user, "Interfaces described for sharing")
    response = HttpResponse(text, content_type="application/toml; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="interfaces-seen.toml"'
    return response
