"""What administrators look after: funder connections and schedules."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import may_administer, may_run_in_bulk
from carefund.console.background_work import describe_item
from carefund.console.forms import ScheduleForm
from carefund.console.page_access import Request, page
from carefund.funders.configuration import missing_values
from carefund.records.care_recipient.queries import list_devices
from carefund.records.care_recipient.surveys import find_tested_survey
from carefund.runs.backups import describe_backups
from carefund.runs.connections import find_shown_test, request_connection_test
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA
from carefund.runs.models import Run
from carefund.runs.queries import list_runs
from carefund.runs.schedule import find_obstacle, list_schedules, next_due_at, store_schedule
from carefund.sync.interface_proposals import summarise_interfaces


@page(may_run_in_bulk)
def show(request: Request) -> HttpResponse:
    """The admin console: the ways to all of it, with the state of each."""
    return render(
        request,
        "console/administration.html",
        {"runs": list_runs()[:5], "devices": list_devices() if may_administer(request.user) else []},
    )


@page(may_administer)
def show_connections(request: Request) -> HttpResponse:
    """How this installation reaches the funders: device, keys and limits. Secrets are never shown.

    Its button asks for a test, which is work in the background; the page shows how far it is and what came of it.
    """
    if request.method == "POST":
        request_connection_test(SERVICES_AUSTRALIA, request.user)
        return redirect("console:connections")
    now = timezone.now()
    calls = settings.SERVICES_AUSTRALIA.timing.calls_per_second
    return render(
        request,
        "console/connections.html",
        {
            "work": describe_item(find_shown_test(SERVICES_AUSTRALIA)),
            "survey": find_tested_survey(),
            "backups": describe_backups(now),
            "backup_folder": settings.BACKUP_FOLDER,
            "missing": [sentence for _, sentence in missing_values(settings.SERVICES_AUSTRALIA)],
            "devices": list_devices(),
            "now": now,
            "environment": settings.FUNDER_ENVIRONMENT,
            "interfaces": _describe_interfaces(),
            "funder": settings.SERVICES_AUSTRALIA,
            "calls_per_second": f"{calls:g}" if calls else "No limit",
        },
    )


def _describe_interfaces() -> str:
    """Return which interfaces are spoken, in words."""
    return (
        f"{settings.INTERFACES_FILE}: {summarise_interfaces()}"
        if settings.INTERFACES_FILE
        else "Standard interfaces, no interfaces file"
    )


def _store(request: Request, form: ScheduleForm) -> None:
    schedule = form.save(commit=False)
    store_schedule(schedule)
    before = {name: form.initial.get(name) for name in form.changed_data}
    after = {name: form.cleaned_data[name] for name in form.changed_data}
    store_act(request.user, "Schedule changed", schedule.name, before=before, after=after)


@page(may_administer)
def show_schedules(request: Request) -> HttpResponse:
    """When runs begin by themselves, how to change that, and how the last of them went."""
    schedules = list(list_schedules())
    forms = [ScheduleForm(None, instance=schedule, prefix=schedule.kind) for schedule in schedules]
    if request.method == "POST":
        forms = [ScheduleForm(request.POST, instance=schedule, prefix=schedule.kind) for schedule in schedules]
        if all(form.is_valid() for form in forms):
            with one_act():
                for form in forms:
                    if form.has_changed():
                        _store(request, form)
            messages.success(request, "Schedules saved.")
            return redirect("console:schedules")
    now = timezone.now()
    return render(
        request,
        "console/schedules.html",
        {
            "lines": [
                (schedule, form, next_due_at(schedule, now), find_obstacle(schedule))
                for schedule, form in zip(schedules, forms, strict=True)
            ],
            "time_zone": settings.BUSINESS_TIME_ZONE,
            "runs": list_runs(trigger=Run.Trigger.SCHEDULED)[:10],
        },
    )
