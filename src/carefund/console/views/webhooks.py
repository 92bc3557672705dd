"""Webhooks: which systems are told what, what was delivered to each, and the buttons to steer one."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from carefund.access.roles import may_administer
from carefund.console.page_access import Request, page, report_refusals
from carefund.console.webhook_form import WebhookForm, fill_in
from carefund.records.webhooks.events import EVENTS
from carefund.records.webhooks.store import find_endpoint, list_deliveries, list_endpoints
from carefund.runs.webhooks import managing

_PAGE_SIZE = 50
_STEPS = {"on", "off", "rotate", "test", "secret"}
_SWITCHED = {"on": "Webhook turned on.", "off": "Webhook turned off."}


@page(may_administer)
def list_all(request: Request) -> HttpResponse:
    """Every webhook, and a form for another one."""
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with report_refusals(request):
            endpoint = managing.add(request.user, form.wanted)
            messages.success(request, "Webhook added. Copy its secret into the other system.")
            return redirect("console:webhook", webhook_id=endpoint.pk)
    return render(request, "console/webhooks.html", {"form": form, "endpoints": list_endpoints()})


@page(may_administer)
def show(request: Request, webhook_id: int) -> HttpResponse:
    """One webhook with its deliveries, newest first, and the form that changes it."""
    endpoint = find_endpoint(webhook_id)
    form = WebhookForm(request.POST or None, initial=fill_in(endpoint))
    if request.method == "POST" and form.is_valid():
        managing.edit(request.user, webhook_id, form.wanted)
        messages.success(request, "Webhook saved.")
        return redirect("console:webhook", webhook_id=webhook_id)
    shown = Paginator(list_deliveries(endpoint), _PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"endpoint": endpoint, "form": form, "page": shown, "deliveries": shown.object_list, "events": EVENTS}
    return render(request, "console/webhook.html", context)


@require_POST
@page(may_administer)
def steer(request: Request, webhook_id: int, step: str) -> HttpResponse:
    """Switch a webhook on or off, replace or show its secret, send a test, or remove it."""
    if step == "remove":
        managing.remove(request.user, webhook_id)
        messages.success(request, "Webhook removed.")
        return redirect("console:webhooks")
    if step not in _STEPS:
        raise Http404
    with report_refusals(request):
        if step in _SWITCHED:
            managing.switch(request.user, webhook_id, on=step == "on")
            messages.success(request, _SWITCHED[step])
        elif step == "rotate":
            managing.rotate(request.user, webhook_id)
            messages.success(request, "New secret created. Messages are also signed with the old one for a day.")
        elif step == "test":
            managing.send_test(request.user, webhook_id)
            messages.success(request, "Test message requested. It is sent within a few seconds.")
        elif step == "secret":
            secrets = managing.show_secrets(request.user, webhook_id)
            return render(
                request, "console/webhook_secret.html", {"endpoint": find_endpoint(webhook_id), "secrets": secrets}
            )
    return redirect("console:webhook", webhook_id=webhook_id)


@require_POST
@page(may_administer)
def send_again(request: Request, webhook_id: int, delivery_id: int) -> HttpResponse:
    """Send one message again."""
    managing.send_again(request.user, webhook_id, delivery_id)
    messages.success(request, "The message is sent again within a few seconds.")
    return redirect("console:webhook", webhook_id=webhook_id)
