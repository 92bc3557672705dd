"""Exceptions by API: lines and draws that do not match, and what is done about them. The same rules as by page."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status

from carefund.access.access_log import store_views
from carefund.access.accounts import list_accounts_that_claim
from carefund.records.claims.exceptions import (
    MOST_AT_ONCE,
    NOBODY,
    CaseChange,
    DrawRow,
    ExceptionFilter,
    ExceptionRow,
    list_draw_keys,
    list_draw_rows,
    list_exception_rows,
    list_exceptions,
    list_notes,
)
from carefund.records.models import ExceptionCase
from carefund.rest.claims.lines import CLAIMS, ClaimedLineOut, describe_line
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest
from carefund.rest.values import BranchId, Day, Given, ListPart, Searched, Text, WholeNumber
from carefund.runs.claims.exceptions import change_exceptions

router = Router(tags=["exceptions"])
_State = Literal["open", "waiting", "claimed-again", "accepted", "closed-unpaid"]
_Which = Literal["to-do", "closed", "every"] | _State
_Numbers = Annotated[list[WholeNumber], Field(max_length=MOST_AT_ONCE)]


class ExceptionPart(ListPart):
    """Which exceptions: `to-do` is open or waiting. `owner` is the name of an account; `is_unowned`: nobody's."""

    state: Literal["to-do", "open", "waiting", "claimed-again", "accepted", "closed-unpaid", "closed", "every"] = (
        "to-do"
    )
    owner: Searched = ""
    is_unowned: bool = False
    min_age_days: Annotated[int, Field(ge=0, le=3650)] = 0
    service_provider_id: BranchId = ""


class CaseOut(Schema):
    """Where an exception stands, and whose it is."""

    state: str
    age_days: int | None
    owner: str | None
    due_date: date | None
    notes: list[str]


class ExceptionOut(CaseOut):
    """A claimed line that does not match; `kind` says how, `details` what else there is to say."""

    exception_id: int
    kind: str
    details: list[str]
    line: ClaimedLineOut


class DrawOut(CaseOut):
    """A draw by us without a line."""

    draw_id: int
    kind: str
    client_id: int
    budget_id: str
    service_provider_id: str
    item_code: str
    description: str
    delivery_date: date | None
    amount: Decimal | None


class ExceptionsOut(Schema):
    """Exceptions, oldest first. Ask again with `start` set to `next_start`; null: there are no more."""

    exceptions: list[ExceptionOut]
    next_start: int | None


class DrawsOut(Schema):
    """Draws without a line, newest first. Ask again with `start` set to `next_start`; null: there are no more."""

    draws: list[DrawOut]
    next_start: int | None


class ExceptionChangeIn(Given):
    """What to set for these exceptions and draws. What is left out stays as it is; an `owner` of null is nobody, a
    `due_date` of null none."""

    exception_ids: _Numbers = []
    draw_ids: _Numbers = []
    owner: Annotated[Text, Field(min_length=1, max_length=150)] | None = None
    due_date: Day | None = None
    state: _State | None = None
    note: Annotated[Text, Field(max_length=1000)] = ""


class ChangedOut(Schema):
    """How many were changed."""

    changed: int


@router.get("", auth=CLAIMS, response={200: ExceptionsOut, **NOT_CHANGED, **refusals()}, operation_id="list_exceptions")
def list_all(request: AuthenticatedRequest, wanted: Query[ExceptionPart]) -> dict[str, Any]:
    """Claimed lines whose two sides do not fit. The access log names their clients."""
    today = timezone.localdate()
    shown, following = wanted.cut(list_exceptions(_read(wanted), today))
    rows = list_exception_rows(shown, today)
    store_views(request.auth, (row.line.request.line_item.client for row in rows), "Claim exceptions (API)")
    return {"exceptions": [_describe(row) for row in rows], "next_start": following}


@router.get(
    "/draws", auth=CLAIMS, response={200: DrawsOut, **NOT_CHANGED, **refusals()}, operation_id="list_draws_without_line"
)
def list_draws(request: AuthenticatedRequest, wanted: Query[ExceptionPart]) -> dict[str, Any]:
    """What was drawn by us without a matching line. The access log names the clients."""
    today, last = timezone.localdate(), wanted.start + wanted.limit
    found = list_draw_keys(_read(wanted), today, wanted.start, last + 1)
    rows = list_draw_rows(found[: wanted.limit], today)
    store_views(request.auth, (row.usage.client for row in rows), "Drawn by us, no matching line (API)")
    return {"draws": [_describe_draw(row) for row in rows], "next_start": last if len(found) > wanted.limit else None}


@router.post(
    "/changes", auth=CLAIMS, response={200: ChangedOut, **refusals(413, 415)}, operation_id="change_exceptions"
)
def change(request: AuthenticatedRequest, wanted: ExceptionChangeIn) -> Status[dict[str, Any]]:
    """Set owner, due day or state of one or many exceptions, or add a note. The audit log names who did."""
    sets: dict[str, Any] = {} if wanted.state is None else {"state": wanted.state}
    if "due_date" in wanted.model_fields_set:
        sets["due_date"] = wanted.due_date
    if "owner" in wanted.model_fields_set:
        sets["owner"] = None if wanted.owner is None else _find_owner(wanted.owner)
    if not sets and not wanted.note.strip():
        raise _wrong("state", "give this, an owner, a due date or a note")
    if not wanted.exception_ids and not wanted.draw_ids:
        raise _wrong("exception_ids", "give these, or draw_ids")
    number = change_exceptions(
        request.auth,
        CaseChange(sets, wanted.note.strip()),
        request_ids=wanted.exception_ids,
        usage_ids=wanted.draw_ids,
    )
    return Status(200, {"changed": number})


def _read(wanted: ExceptionPart) -> ExceptionFilter:
    if wanted.owner and wanted.is_unowned:
        raise _wrong("is_unowned", "give either this or owner")
    owner = str(_find_owner(wanted.owner)) if wanted.owner else NOBODY if wanted.is_unowned else ""
    return ExceptionFilter(wanted.state, owner, wanted.min_age_days, wanted.service_provider_id)


def _find_owner(name: str) -> int:
    """Return the number of an account that may claim. Raise ApiProblem."""
    people: Mapping[str, int] = {person.username: person.pk for person in list_accounts_that_claim()}
    if name not in people:
        raise _wrong("owner", "is not an account that may claim")
    return people[name]


def _wrong(field: str, message: str) -> ApiProblem:
    return ApiProblem("invalid", problems=[LineProblem(line=None, field=field, message=message)])


def _describe(row: ExceptionRow) -> dict[str, Any]:
    about = {"exception_id": row.line.request.pk, "kind": row.kind.value, "details": row.details}
    return {**_describe_case(row.case, row.state, row.age_days), **about, "line": describe_line(row.line)}


def _describe_draw(row: DrawRow) -> dict[str, Any]:
    usage = row.usage
    names = ("client_id", "service_provider_id", "item_code", "description", "delivery_date", "amount")
    about = {"draw_id": usage.pk, "kind": row.kind.value, "budget_id": usage.plan_budget.budget_id}
    values = {name: getattr(usage, name) for name in names}
    return {**_describe_case(row.case, row.state, row.age_days), **about, **values}


def _describe_case(case: ExceptionCase | None, state: str, age_days: int | None) -> dict[str, Any]:
    return {
        "state": state,
        "age_days": age_days,
        "owner": case.owner.username if case and case.owner else None,
        "due_date": case and case.due_date,
        "notes": list_notes(case),
    }
