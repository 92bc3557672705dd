"""Trials on the page of the interfaces: reads about a client or a participant, and writes after a confirmation."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render

from carefund.access.access_log import store_synchronisation
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_clients_by_care_recipient_id, list_clients_by_ndis_number
from carefund.console.page_access import Request, report_refusals
from carefund.domain.care_recipient.clients import is_care_recipient_id
from carefund.records.models import Client
from carefund.runs.business_day import business_today
from carefund.runs.ndis.trials import request_pace_trial
from carefund.runs.trials import request_trial
from carefund.runs.write_trials import request_write
from carefund.sync.ndis.contracts import NDIS_NUMBER
from carefund.sync.ndis.problems import PaceProblem
from carefund.sync.shown_writes import CannotTry, ShownWrite, show_write

_TRIALS = {
    False: ("Trial of the interfaces", request_trial),
    True: ("Trial of the PACE interfaces", request_pace_trial),
}


def try_reads(request: Request) -> None:
    """Ask for a trial with the client of a Care Recipient ID, or with the participant of an NDIS number."""
    is_pace = request.POST.get("interface") == "ndia"
    client = _find_participant(request) if is_pace else _find_client(request)
    if client is None:
        return
    store_synchronisation(
        request.user, client, "Trial of the PACE interfaces" if is_pace else "Trial of the interfaces"
    )
    with report_refusals(request, "Trial of the interfaces"):
        try:
            request_pace_trial(client, request.user) if is_pace else request_trial(client, request.user)
        except PaceProblem as problem:
            messages.error(request, f"{problem.message} {problem.advice}")


def _find_client(request: Request) -> Client | None:
    """The client of the Care Recipient ID given; without one, a message says so."""
    care_recipient_id = request.POST.get("number", "").strip()
    wanted = [care_recipient_id] if is_care_recipient_id(care_recipient_id) else []
    client = find_clients_by_care_recipient_id(request.user, wanted).get(care_recipient_id)
    if client is None:
        messages.error(request, "No client has this Care Recipient ID.")
    return client


def _find_participant(request: Request) -> Client | None:
    number = "".join(request.POST.get("number", "").split())
    found = list_clients_by_ndis_number(request.user, number) if NDIS_NUMBER.fullmatch(number) else []
    if len(found) == 1:
        return found[0]
    messages.error(request, f"{'More than one' if found else 'No'} client has this NDIS number.")
    return None


def show_write_to_confirm(request: Request) -> HttpResponse | None:
    """What a write would send, and where; None where it cannot be tried, and a message says why."""
    client = _find_client(request)
    shown = _show(request, client) if client else None
    if client is None or shown is None:
        return None
    store_synchronisation(request.user, client, "Trial of a write, to confirm")
    return render(request, "console/interface_write.html", {"shown": shown, "client": client})


def _show(request: Request, client: Client) -> ShownWrite | None:
    try:
        return show_write(client, request.POST.get("write", ""), business_today())
    except CannotTry as missing:
        messages.error(request, f"{missing.message} {missing.advice}".strip())
        return None


def send_write(request: Request) -> None:
    """Ask for a write as it was confirmed."""
    client, operation = _find_client(request), request.POST.get("write", "")
    if client is None:
        return
    with report_refusals(request, "Trial of a write"):
        try:
            with one_act():
                request_write(client, operation, request.POST.get("digest", ""), request.user)
                store_act(request.user, "Interface write tried", operation)
        except CannotTry as missing:
            messages.error(request, f"{missing.message} {missing.advice}".strip())
