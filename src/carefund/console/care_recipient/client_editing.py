"""Add and edit clients, and decide whether somebody in a provider file is a client who is here."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from carefund.access.access_log import store_view, store_views
from carefund.access.gate import find_client_to_synchronise, find_match_to_decide, list_chosen_clients, list_clients_for
from carefund.access.roles import may_synchronise
from carefund.console.care_recipient.client import frame
from carefund.console.care_recipient.forms import ClientForm
from carefund.console.care_recipient.identity_views import list_taken_over
from carefund.console.page_access import Request, page
from carefund.records.care_recipient.clients import EDITED, CannotEdit, add_client, decide_match, edit_client
from carefund.records.care_recipient.identities import describe_identity
from carefund.records.care_recipient.queries import list_waiting_matches
from carefund.records.models import Client
from carefund.runs.queries import is_under_way

_FROM_FUNDER = "services-australia"


@page(may_synchronise)
def add(request: Request) -> HttpResponse:
    """A new client, of one of the branches of whoever adds them, or of none that is known yet."""
    form = ClientForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            client = add_client(form.cleaned_data, made_by=request.user.get_username(), user=request.user)
        except CannotEdit as refusal:
            form.add_error("care_recipient_id", str(refusal))
        else:
            messages.success(request, "Client added.")
            return redirect("console:client", client.pk)
    context = {"form": form, "cancel_address": reverse("console:clients")}
    return render(request, "console/care_recipient/client_edit.html", context)


@page()
def edit(request: Request, client_id: int) -> HttpResponse:
    """A client's name, birth date, care recipient id, branch, and whether they are active; where asked for, with the
    funder's details filled in, to be looked at before they are saved."""
    client = find_client_to_synchronise(request.user, client_id)
    takes_over = request.GET.get("details") == _FROM_FUNDER
    initial = {name: getattr(client, name) for name in EDITED}
    initial |= describe_identity(client).offered if takes_over else {}
    form = ClientForm(request.POST or None, user=request.user, client=client, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            changed = edit_client(client.pk, form.cleaned_data, made_by=request.user.get_username())
        except CannotEdit as refusal:
            form.add_error("care_recipient_id", str(refusal))
        else:
            messages.success(request, "Client saved." if changed else "Nothing was changed.")
            return _back_to(request, client)
    store_view(request.user, client, "Client details")
    context = {
        **frame(client),
        "form": form,
        "cancel_address": reverse("console:client", args=[client.pk]),
        "taken_over": list_taken_over(client) if takes_over else [],
    }
    return render(request, "console/care_recipient/client_edit.html", context)


def _back_to(request: Request, client: Client) -> HttpResponse:
    """The client's page, or the list if the client was moved to a branch of others."""
    if list_chosen_clients(request.user, [client.pk]):
        return redirect("console:client", client.pk)
    return redirect("console:clients")


@page(may_synchronise)
def list_matches(request: Request) -> HttpResponse:
    """Rows of provider files that may be clients who are here, for a person to decide."""
    matches = list(list_waiting_matches(list_clients_for(request.user)))
    store_views(request.user, [match.client for match in matches], "Care Recipient IDs to confirm")
    return render(request, "console/care_recipient/client_matches.html", {"matches": matches})


@require_POST
@page(may_synchronise)
def decide(request: Request, match_id: int) -> HttpResponse:
    """The same person, or another one."""
    match = find_match_to_decide(request.user, match_id)
    verdict = request.POST.get("verdict")
    if verdict not in ("same", "other"):
        raise PermissionDenied
    is_same = verdict == "same"
    try:
        if is_same and is_under_way(match.client):
            raise CannotEdit("A sync of this client is in progress. Wait until it finishes, then confirm again.")
        found = decide_match(match.pk, is_same=is_same, made_by=request.user.get_username(), user=request.user)
    except CannotEdit as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _add_message(found, is_same=is_same))
    return redirect("console:client-matches")


def _add_message(found: Any, *, is_same: bool) -> str:
    if found is None:
        return "Decision saved."
    return "Care Recipient ID added to the client." if is_same else "Added as a new client."
