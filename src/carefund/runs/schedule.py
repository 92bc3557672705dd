"""The only clock of background work: what is asked for automatically, and when; once per slot, whoever looks first.

A slot missed because the machine was off is made up for once, at the next look, however many were missed. The table at
the end names what recurs; a fresh installation has a row for each (`runs.default_schedules`), which people may change.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from carefund.domain.schedules import is_business_hour, latest_slot, next_slot
from carefund.funders.errors.configuring import NotConfigured
from carefund.records.models import Client
from carefund.runs.alerts.looking import request_look
from carefund.runs.alerts.mailing import request_mail
from carefund.runs.alerts.smtp import find_mail_obstacle
from carefund.runs.backups import find_backup_obstacle, request_backup
from carefund.runs.care_management.refreshing import request_saving
from carefund.runs.care_recipient.surveying import SURVEYING, request_survey
from carefund.runs.care_recipient.unread_budgets import request_unread_budgets
from carefund.runs.claims.accounts import request_routine_accounts
from carefund.runs.claims.claiming import request_reconciliation, request_routine_checks, request_unsent
from carefund.runs.models import Run, RunItem, Schedule
from carefund.runs.ndis.comparing import find_comparison_obstacle, request_daily_comparisons
from carefund.runs.requests import NothingToDo, request_run
from carefund.runs.retention import request_retention

_CLOCKS_DIFFER_BY = timedelta(minutes=10)
_SUNDAY = 6


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """What recurs. `request` asks for it; `defaults` are the row of a fresh installation. What `follows_sync` is due
    whenever a scheduled sync has ended; else the row says when. One that `has_parts` lets people choose what is
    synchronised, one that `has_survey` also a survey. `find_obstacle` says in sentences what is missing here, without
    which it will not run; "" for nothing."""

    request: Callable[[Schedule, datetime], Run]
    defaults: dict[str, Any] = field(default_factory=dict)
    follows_sync: bool = False
    has_parts: bool = False
    has_survey: bool = False
    find_obstacle: Callable[[], str] = str  # the empty text


def list_schedules() -> list[Schedule]:
    """The schedules, in the order of the table."""
    return sorted(Schedule.objects.filter(kind__in=ENTRIES), key=lambda schedule: list(ENTRIES).index(schedule.kind))


def find_schedule(kind: str) -> Schedule:
    """The row of an entry of the table. Raises Schedule.DoesNotExist before the first migration has ended."""
    return Schedule.objects.get(kind=kind)


def find_obstacle(schedule: Schedule) -> str:
    """Return why a schedule that is on will not run, and what to do; "" for one that will."""
    return ENTRIES[schedule.kind].find_obstacle() if schedule.is_enabled else ""


def next_due_at(schedule: Schedule, now: datetime) -> datetime | None:
    """When this schedule is next due; None while it is off or something is missing, and for what follows another."""
    if not schedule.is_enabled or find_obstacle(schedule):
        return None
    if schedule.every_minutes:
        return max(now, schedule.last_slot_at + timedelta(minutes=schedule.every_minutes))
    if schedule.at is None:
        return None
    return next_slot(now, schedule.at, settings.BUSINESS_TIME_ZONE, schedule.weekday)


def list_changeable(schedule: Schedule) -> set[str]:
    """Return what people may change of a schedule: whether it is on, and what says when it is due and what it reads."""
    names = {"is_enabled"} | ({"parts"} if ENTRIES[schedule.kind].has_parts else set())
    names |= {"at", "weekday"} if schedule.at is not None else set()
    return names | ({"every_minutes"} if schedule.every_minutes is not None else set())


def store_schedule(schedule: Schedule) -> None:
    """Keep what a person changed. It holds from the next slot on; nothing is made up for by an earlier one."""
    schedule.last_slot_at = timezone.now()
    schedule.last_run_id = Run.objects.order_by("-id").values_list("id", flat=True).first() or 0
    schedule.save()


def request_due_runs(now: datetime) -> list[Run]:
    """Ask for every run that is due and was not asked for. Two processes at once ask once."""
    made = []
    for schedule in Schedule.objects.filter(is_enabled=True, kind__in=ENTRIES):
        due = _find_due(schedule, now)
        if due is None:  # looked at before, so that a round without work writes nothing
            continue
        name, value = due
        fresh = Schedule.objects.filter(pk=schedule.pk, **{f"{name}__lt": value})
        with transaction.atomic():
            if fresh.update(**{name: value}):
                with suppress(NothingToDo, NotConfigured):
                    made.append(ENTRIES[schedule.kind].request(schedule, now))
    return made


def _find_due(schedule: Schedule, now: datetime) -> tuple[str, Any] | None:
    """The column that says what was asked for last, and what it says once this is; None when nothing is due."""
    if ENTRIES[schedule.kind].follows_sync:
        return _find_due_after_sync(schedule)
    if schedule.every_minutes:
        slot = now if schedule.last_slot_at <= now - timedelta(minutes=schedule.every_minutes) else None
    elif schedule.at is not None:
        slot = latest_slot(now, schedule.at, settings.BUSINESS_TIME_ZONE, schedule.weekday)
    else:
        return None
    if schedule.last_slot_at > now + _CLOCKS_DIFFER_BY:
        # A clock that was ahead must not silence the schedule until it is that late again.
        Schedule.objects.filter(pk=schedule.pk).update(last_slot_at=slot or now)
        return None
    return ("last_slot_at", slot) if slot and schedule.last_slot_at < slot else None


def _find_due_after_sync(schedule: Schedule) -> tuple[str, int] | None:
    ended = Run.objects.filter(
        Q(kind=Run.SYNC) | Q(kind=SURVEYING.name, items__outcome=RunItem.Outcome.UNCHANGED),  # nobody was to be read
        trigger=Run.Trigger.SCHEDULED,
        status=Run.Status.FINISHED,
    )
    newest = ended.filter(id__gt=schedule.last_run_id).order_by("-id").values_list("id", flat=True).first()
    return ("last_run_id", newest) if newest else None


def _request_nightly(schedule: Schedule, now: datetime) -> Run:
    if schedule.parts == Run.Parts.SURVEY:
        return request_survey(trigger=Run.Trigger.SCHEDULED)
    return request_run(
        trigger=Run.Trigger.SCHEDULED,
        clients=Client.objects.filter(is_active=True, care_recipient_id__isnull=False),
        scope="active clients",
        parts=schedule.parts,
    )


def _request_daytime(schedule: Schedule, now: datetime) -> Run:
    if not is_business_hour(now, settings.BUSINESS_TIME_ZONE):
        raise NothingToDo
    return request_survey(trigger=Run.Trigger.ROUTINE, only_moved=True)


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


def _request_comparison() -> Run:
    """Our records beside the funder's, and the account summaries that ours are to tie to."""
    run = request_reconciliation(Run.Trigger.ROUTINE)
    with suppress(NothingToDo):  # they are being read already
        request_routine_accounts()
    return run


ENTRIES: dict[str, ScheduleEntry] = {
    Schedule.Kind.NIGHTLY: ScheduleEntry(
        _request_nightly, {"at": time(2, 0), "parts": Run.Parts.SURVEY}, has_parts=True, has_survey=True
    ),
    Schedule.Kind.DAYTIME: ScheduleEntry(_request_daytime, {"is_enabled": False, "every_minutes": 15}),
    Schedule.Kind.TAIL: ScheduleEntry(
        _request_tail,
        {"at": time(4, 0), "weekday": _SUNDAY, "parts": Run.Parts.BUDGETS_AND_USAGE},
        has_parts=True,
    ),
    Schedule.Kind.UNREAD: ScheduleEntry(lambda _, now: request_unread_budgets(now), {"at": time(3, 0)}),
    Schedule.Kind.CONTRACTS: ScheduleEntry(
        lambda *_: request_daily_comparisons(), {"at": time(3, 0)}, find_obstacle=find_comparison_obstacle
    ),
    Schedule.Kind.CLAIM_BATCHES: ScheduleEntry(lambda *_: request_unsent(), {"every_minutes": 15}),
    Schedule.Kind.CLAIM_CHECKS: ScheduleEntry(lambda *_: request_routine_checks(), {"every_minutes": 15}),
    Schedule.Kind.CLAIM_BOOKS: ScheduleEntry(lambda *_: _request_comparison(), {"at": time(4, 30)}),
    Schedule.Kind.POOLS: ScheduleEntry(lambda *_: request_saving(), {"is_enabled": False}, follows_sync=True),
    Schedule.Kind.RETENTION: ScheduleEntry(lambda *_: request_retention(Run.Trigger.ROUTINE), {"at": time(5, 0)}),
    Schedule.Kind.BACKUP: ScheduleEntry(
        lambda *_: request_backup(Run.Trigger.ROUTINE), {"at": time(1, 0)}, find_obstacle=find_backup_obstacle
    ),
    Schedule.Kind.ALERTS: ScheduleEntry(lambda *_: request_look(Run.Trigger.ROUTINE), {"every_minutes": 60}),
    Schedule.Kind.ALERT_MAIL: ScheduleEntry(
        lambda _, now: request_mail(now), {"at": time(7, 0)}, find_obstacle=find_mail_obstacle
    ),
}
