"""Schedules by API: what recurs, when it is due, and changing that. No rules here."""

from datetime import datetime, time
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Field, Path, Router, Schema, Status

from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import may_administer
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken, of_every_branch
from carefund.rest.values import Flag, Given
from carefund.runs.models import Run, Schedule
from carefund.runs.schedule import (
    ENTRIES,
    find_obstacle,
    find_schedule,
    list_changeable,
    list_schedules,
    next_due_at,
    store_schedule,
)

router = Router(tags=["administration"])
_MAY = BearerToken(of_every_branch(may_administer))


class ScheduleIn(Given):
    """What to change; what is left out stays. `at` is a time of the provider's day, `weekday` 0 for Monday to 6, null
    for every day."""

    is_enabled: Flag | None = None
    at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] | None = None
    weekday: Annotated[int, Field(ge=0, le=6, strict=True)] | None = None
    every_minutes: Annotated[int, Field(ge=1, le=1440, strict=True)] | None = None
    parts: Literal["everything", "contributions", "budgets", "budgets and usage", "survey"] | None = None


class ScheduleOut(Schema):
    """A schedule. `obstacle` says why one that is on will not run; `next_due_at` is null while that is so."""

    kind: str
    name: str
    is_enabled: bool
    at: str | None
    weekday: int | None
    every_minutes: int | None
    parts: str
    changeable: list[str]
    next_due_at: datetime | None
    obstacle: str


@router.get(
    "", auth=_MAY, response={200: list[ScheduleOut], **NOT_CHANGED, **refusals()}, operation_id="list_schedules"
)
def list_all(request: AuthenticatedRequest) -> list[dict[str, Any]]:
    """Every schedule, and what may be changed of it."""
    return [_describe(schedule) for schedule in list_schedules()]


@router.put("/{kind}", auth=_MAY, response={200: ScheduleOut, **refusals(413, 415)}, operation_id="edit_schedule")
def edit(
    request: AuthenticatedRequest, kind: Annotated[Schedule.Kind, Path()], wanted: ScheduleIn
) -> Status[dict[str, Any]]:
    """Change a schedule. It holds from the next time on; nothing is made up for."""
    schedule = find_schedule(kind)
    given = {
        name: value
        for name, value in wanted.model_dump(exclude_unset=True).items()
        if value is not None or name == "weekday"
    }
    _require_changeable(schedule, given)
    if "at" in given:
        given["at"] = time.fromisoformat(given["at"])
    before = {name: getattr(schedule, name) for name in given}
    for name, value in given.items():
        setattr(schedule, name, value)
    with one_act():
        store_schedule(schedule)
        store_act(request.auth, "Schedule changed", schedule.name, before=before, after=given)
    return Status(200, _describe(find_schedule(kind)))


def _require_changeable(schedule: Schedule, given: dict[str, Any]) -> None:
    """Raise ApiProblem for what cannot be changed of this schedule."""
    wrong = set(given) - list_changeable(schedule)
    problems = [
        LineProblem(line=None, field=name, message="does not belong to this schedule") for name in sorted(wrong)
    ]
    if given.get("parts") == Run.Parts.SURVEY and not wrong and not ENTRIES[schedule.kind].has_survey:
        problems.append(LineProblem(line=None, field="parts", message="cannot be a survey here"))
    if problems:
        raise ApiProblem("invalid", problems=problems)


def _describe(schedule: Schedule) -> dict[str, Any]:
    names = ("kind", "name", "is_enabled", "weekday", "every_minutes", "parts")
    return {
        **{name: getattr(schedule, name) for name in names},
        "at": f"{schedule.at:%H:%M}" if schedule.at else None,
        "changeable": sorted(list_changeable(schedule)),
        "next_due_at": next_due_at(schedule, timezone.now()),
        "obstacle": find_obstacle(schedule),
    }
