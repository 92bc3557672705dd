"""Data and erasure: all data of one client as a file for an access request, and the erasure, with a plan first.

For administrators. Erasing needs the client's ID typed and a proof that it is the administrator who asks.
"""

import json
from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from carefund.access import two_factor
from carefund.access.access_log import store_view
from carefund.access.directory import is_of_directory
from carefund.access.gate import find_client_to_read
from carefund.access.personal_data import take_out_personal_data
from carefund.access.roles import may_administer
from carefund.console.care_recipient.forms import ErasureForm
from carefund.console.lockout import describe_wait
from carefund.console.page_access import Request, page
from carefund.runs.erasing import request_erasure
from carefund.runs.erasure import describe_backup_copies, plan_erasure
from carefund.runs.queries import is_under_way

_SIGNED_IN_LATELY = timedelta(minutes=10)


@page(may_administer)
def show(request: Request, client_id: int) -> HttpResponse:
    """What is kept of a client and what an erasure would do (GET); ask for the erasure as it was shown (POST)."""
    client = find_client_to_read(request.user, client_id)
    store_view(request.user, client, "Data and erasure")
    plan = plan_erasure(client)
    of_directory = is_of_directory(request.user)
    words = client.care_recipient_id or client.last_name
    form = ErasureForm(request.POST or None, words=words, plan=plan.fingerprint, needs_proof=not of_directory)
    if request.method == "POST" and form.is_valid() and _is_proven(request, form):
        run = request_erasure(client, plan, request.user)
        messages.success(request, "Erasure requested. This page says what was erased and what was kept.")
        return redirect("console:run", run_id=run.pk)
    return render(
        request,
        "console/care_recipient/personal_data.html",
        {
            "client": client,
            "plan": plan,
            "form": form,
            "words": words,
            "has_id": bool(client.care_recipient_id),
            "of_directory": of_directory,
            "is_under_way": is_under_way(client),
            "about_backups": describe_backup_copies(),
        },
    )


@page(may_administer)
def download(request: Request, client_id: int) -> HttpResponse:
    """Everything that is kept of a client, as JSON, in both logs before it goes out."""
    client = find_client_to_read(request.user, client_id)
    data = take_out_personal_data(request.user, client, "Personal data (JSON)")
    text = json.dumps(data, indent=1, default=str, ensure_ascii=False)
    response = HttpResponse(text, content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="client-{client.pk}-data.json"'
    return response


def _is_proven(request: Request, form: ErasureForm) -> bool:
    """Whether it is the administrator who asks: by password or code, or by a sign-in at the directory just now."""
    if form.needs_proof:
        if two_factor.is_proven(request, request.user, form.cleaned_data["proof"]):
            return True
        device = two_factor.find_device(request.user)
        wait = describe_wait(device) if device else ""
        form.add_error("proof", wait or "This is neither your password nor the code that the app shows now.")
        return False
    signed_in_at = request.user.last_login
    if signed_in_at is not None and timezone.now() - signed_in_at <= _SIGNED_IN_LATELY:
        return True
    form.add_error(None, "Sign out, sign in again, then erase the client within 10 minutes.")
    return False
