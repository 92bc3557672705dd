"""Switching PACE on: for the organisation, then for a client; and a client's funding under the NDIS."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render

from carefund.access.access_log import store_view
from carefund.access.gate import find_client_to_read, find_client_to_synchronise, list_others_of_number
from carefund.access.roles import may_administer
from carefund.console.care_recipient.client import frame
from carefund.console.ndis.forms import ParticipantForm, SettingsForm
from carefund.console.page_access import Request, page
from carefund.records.models import Client
from carefund.records.ndis.queries import (
    find_category_aliases,
    find_participant,
    is_pace_api_enabled,
    list_contracts,
    list_unknown_categories,
)
from carefund.runs.ndis.enabling import store_details, store_settings
from carefund.runs.ndis.plans import find_open_question


@page(may_administer)
def show_settings(request: Request) -> HttpResponse | HttpResponseRedirect:
    """NDIS SyncPro settings of the organisation: the PACE API, and category texts to be mapped."""
    unknown = list_unknown_categories()
    form = SettingsForm(request.POST or None, unknown=unknown, initial={"pace_api": is_pace_api_enabled()})
    if request.method == "POST" and form.is_valid():
        store_settings(request.user, pace_api=form.cleaned_data["pace_api"], mapped=form.mapped())
        messages.success(request, "NDIS SyncPro settings saved.")
        return redirect("console:ndis-settings")
    context = {"form": form, "has_unknown": bool(unknown), "aliases": find_category_aliases()}
    return render(request, "console/ndis/settings.html", context)


@page()
def show_client(request: Request, client_id: int) -> HttpResponse:
    """A client's funding under the NDIS: details, contracts, and + NDIS PACE where every tick is set."""
    client = find_client_to_read(request.user, client_id)
    store_view(request.user, client, "NDIS funding")
    return render(request, "console/ndis/client.html", {**frame(client), **_ndis(request, client)})


def _explain_beginning(*, may_retrieve: bool, enabled: bool) -> str:
    """How a client gets a first service contract."""
    if may_retrieve:
        return "+ NDIS PACE retrieves the plan and shows its budgets before anything is created."
    if not enabled:
        return "Plans cannot be retrieved while the PACE API is turned off. An administrator can turn it on."
    return (
        "Edit the NDIS details and select NDIS PACE participant and API access. The button + NDIS PACE then appears "
        "here."
    )


def _ndis(request: Request, client: Client) -> dict[str, Any]:
    participant = find_participant(client.pk)
    enabled = is_pace_api_enabled()
    number = participant.ndis_number if participant else None
    may_retrieve = enabled and participant is not None and participant.api_access
    return {
        "participant": participant,
        "same_number": list_others_of_number(request.user, number, client) if number else [],
        "pace_api": enabled,
        "may_retrieve": may_retrieve,
        "how_to_begin": _explain_beginning(may_retrieve=may_retrieve, enabled=enabled),
        "contracts": list_contracts(client.pk),
        "question": find_open_question(client.pk),
    }


@page()
def edit_client(request: Request, client_id: int) -> HttpResponse | HttpResponseRedirect:
    """Edit a client's NDIS details: number, and the two ticks of which the second shows only once the first is set."""
    client = find_client_to_synchronise(request.user, client_id)
    row = find_participant(client.pk)
    names = ("ndis_number", "surname", "birth_date", "is_pace_participant", "api_access")
    initial = {name: getattr(row, name) for name in names} if row else {}
    form = ParticipantForm(request.POST or None, client=client, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        store_details(client, form.details)
        messages.success(request, "NDIS details saved.")
        return redirect("console:ndis-client", client.pk)
    store_view(request.user, client, "NDIS details")
    context = {**frame(client), "form": form, "pace_api": is_pace_api_enabled()}
    return render(request, "console/ndis/edit.html", context)
