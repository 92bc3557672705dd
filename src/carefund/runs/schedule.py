"""What runs by itself, and when: asked for by whichever process looks first, once per slot.

A slot missed because the machine was off is made up for once, at the next look, however many were missed.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from carefund.domain.schedules import latest_slot, next_slot
from carefund.records.models import Client
from carefund.runs.models import Run, Schedule
from carefund.runs.requests import NothingToDo, request_run

_CLOCKS_DIFFER_BY = timedelta(minutes=10)


def list_schedules() -> "QuerySet[Schedule]":
    return Schedule.objects.order_by("kind")


def next_due_at(schedule: Schedule, now: datetime) -> datetime | None:
    """When this schedule is next due; None while it is switched off."""
    if not schedule.is_enabled:
        return None
    return next_slot(now, schedule.at, settings.BUSINESS_TIME_ZONE, schedule.weekday)


def store_schedule(schedule: Schedule) -> None:
    """Keep what a person changed. It holds from the next slot on; nothing is made up for by an earlier one."""
    schedule.last_slot_at = timezone.now()
    schedule.save()


def request_due_runs(now: datetime) -> list[Run]:
    """Ask for every run that is due and was not asked for. Two processes at once ask once."""
    made = []
    for schedule in Schedule.objects.filter(is_enabled=True):
        slot = latest_slot(now, schedule.at, settings.BUSINESS_TIME_ZONE, schedule.weekday)
        if schedule.last_slot_at > now + _CLOCKS_DIFFER_BY:
            # A clock that was ahead must not silence the schedule until it is that late again.
            Schedule.objects.filter(pk=schedule.pk).update(last_slot_at=slot)
        if schedule.last_slot_at >= slot:  # looked at before, so that a round without work writes nothing
            continue
        with transaction.atomic():
            due = Schedule.objects.filter(pk=schedule.pk, last_slot_at__lt=slot).update(last_slot_at=slot)
            if due:
                try:
                    made.append(_REQUESTS[schedule.kind](schedule, now))
                except NothingToDo:
                    continue
    return made


def _request_nightly(schedule: Schedule, now: datetime) -> Run:
    return request_run(
        trigger=Run.Trigger.SCHEDULED,
        clients=Client.objects.filter(is_active=True, care_recipient_id__isnull=False),
        scope="everybody active",
        parts=schedule.parts,
    )


def _request_tail(schedule: Schedule, now: datetime) -> Run:
    """Budgets that ended before the usual window, as long as late changes are still likely."""
    today = now.astimezone(settings.BUSINESS_TIME_ZONE).date()
    ended = Client.objects.filter(
        is_active=True,
        care_recipient_id__isnull=False,
        plans__plan_budgets__end_date__lt=today - timedelta(days=settings.OPEN_BUDGET_DAYS),
        plans__plan_budgets__end_date__gte=today - timedelta(days=settings.TAIL_DAYS),
    ).distinct()
    return request_run(
        trigger=Run.Trigger.SCHEDULED,
        clients=ended,
        scope=f"budgets that ended up to {settings.TAIL_DAYS} days ago",
        parts=Run.Parts.BUDGETS_AND_USAGE,
        open_budget_days=settings.TAIL_DAYS,
    )


_REQUESTS: dict[str, Callable[[Schedule, datetime], Run]] = {
    Schedule.Kind.NIGHTLY: _request_nightly,
    Schedule.Kind.TAIL: _request_tail,
}
