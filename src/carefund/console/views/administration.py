"""What administrators look after: funder connections, schedules, and the log of who looked at whose funding."""

from datetime import timedelta

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from carefund.access.log import list_entries
from carefund.access.roles import may_administer, may_run_in_bulk
from carefund.console.door import Request, page
from carefund.records.queries import list_devices
from carefund.runs.models import Run
from carefund.runs.queries import list_runs

_PAGE_SIZE = 100


@page(may_run_in_bulk)
def show(request: Request) -> HttpResponse:
    """The admin console: the doors to all of it, with the state of each."""
    return render(
        request,
        "console/administration.html",
        {"runs": list_runs()[:5], "devices": list_devices() if may_administer(request.user) else []},
    )


@page(may_administer)
def show_connections(request: Request) -> HttpResponse:
    """How this installation reaches the funders: device, keys and limits. Secrets are never shown."""
    now = timezone.now()
    return render(
        request,
        "console/connections.html",
        {
            "devices": list_devices(),
            "soon": now + timedelta(days=14),
            "now": now,
            "environment": settings.FUNDER_ENVIRONMENT,
            "funder": settings.SERVICES_AUSTRALIA,
        },
    )


@page(may_administer)
def show_schedules(request: Request) -> HttpResponse:
    """When runs begin by themselves, and how the last of them went."""
    scheduled = list_runs().filter(trigger=Run.Trigger.SCHEDULED)[:10]
    return render(request, "console/schedules.html", {"runs": scheduled})


@page(may_administer)
def show_access_log(request: Request) -> HttpResponse:
    """Who viewed, exported or synchronised whose funding, newest first."""
    user_name = request.GET.get("user", "").strip()[:150]
    client = request.GET.get("client", "")
    entries = list_entries(user_name=user_name, client_id=int(client) if client.isdigit() else None)
    shown = Paginator(entries, _PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "console/access_log.html", {"page": shown, "user_name": user_name})
