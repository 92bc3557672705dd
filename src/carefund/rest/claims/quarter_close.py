"""Quarter close by API: who is ready, what goes on and what is lost, and the rollover of what was previewed."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status

from carefund.access.access_log import store_views
from carefund.domain.care_recipient.quarter_close import Readiness, add_up_rows, count_days_to_close, quarter_to_close
from carefund.domain.fingerprints import fingerprint_of
from carefund.domain.quarters import Quarter, quarter_of
from carefund.records.care_recipient.quarter_close import (
    ClosingRow,
    describe_closing,
    list_closing_rows,
    list_closings,
    list_rows_of,
)
from carefund.rest.claims.lines import CLAIMS
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.runs import RunOut, describe_run
from carefund.rest.tokens import AuthenticatedRequest
from carefund.rest.values import BranchId, Day, Digest, Flag, Given, ListPart, WholeNumber
from carefund.runs.care_recipient.rolling_over import roll_over
from carefund.runs.requests import NothingToDo

router = Router(tags=["quarter close"])
_FIRST_DAY = date(2000, 1, 1)


class ClosingPart(ListPart):
    """Which quarter, by any of its days (unless given: the one that ended last), of which branch, and which part."""

    quarter: Day | None = None
    service_provider_id: BranchId = ""
    readiness: Readiness | None = None


class RolloverQuestion(Given):
    """Whose budgets of a quarter: these, or all that are ready."""

    quarter: Day | None = None
    service_provider_id: BranchId = ""
    plan_budget_ids: Annotated[list[WholeNumber], Field(max_length=5000)] = []
    everybody: Flag = False


class RolloverIn(RolloverQuestion):
    """The same question, with the fingerprint of its preview."""

    fingerprint: Digest


class ClosingOut(Schema):
    """A client's budget of a quarter. The projected amounts are our estimate, `rollover` and `write_off` what the
    funder did; `pending` is claimed and not drawn."""

    plan_budget_id: int
    client_id: int
    care_recipient_id: str | None
    budget_id: str
    readiness: str
    can_roll_over: bool
    available: Decimal | None
    not_claimed: Decimal
    pending: Decimal
    base: Decimal
    projected_rollover: Decimal | None
    projected_loss: Decimal | None
    rollover: Decimal | None
    write_off: Decimal | None


class QuarterOut(Schema):
    """A quarter: how many clients there are, how many are ready or rolled over, and what it comes to."""

    start_date: date
    end_date: date
    days_left: int
    people: int
    ready: int
    rolled_over: int
    not_claimed: Decimal
    pending: Decimal
    rollover: Decimal
    loss: Decimal
    budgets: list[ClosingOut]
    next_start: int | None


class RolloverPreviewOut(Schema):
    """What a rollover comes to, as an estimate. Hand `fingerprint` back to ask for exactly this."""

    number: int
    rollover: Decimal
    loss: Decimal
    fingerprint: str
    budgets: list[ClosingOut]


@router.get("", auth=CLAIMS, response={200: QuarterOut, **NOT_CHANGED, **refusals()}, operation_id="find_quarter")
def show(request: AuthenticatedRequest, wanted: Query[ClosingPart]) -> dict[str, Any]:
    """A quarter on its way to its close: its totals, and everybody's budget of it."""
    today = timezone.localdate()
    quarter = _read_quarter(wanted.quarter, today)
    closings = list_closings(quarter, today, wanted.service_provider_id)
    chosen, following = wanted.cut([row for row in closings if wanted.readiness in (None, row.readiness)])
    shown = list_rows_of(chosen, today)
    store_views(request.auth, (row.budget.client_id for row in shown), "Quarter close (API)")
    totals = add_up_rows(closings)
    return {
        "start_date": quarter.start_date,
        "end_date": quarter.end_date,
        "days_left": count_days_to_close(quarter.end_date, today),
        **{name: getattr(totals, name) for name in ("people", "ready", "rolled_over", "rollover", "loss")},
        "not_claimed": totals.not_claimed.amount,
        "pending": totals.pending.amount,
        "budgets": [_describe(row) for row in shown],
        "next_start": following,
    }


@router.post(
    "/rollover-preview",
    auth=CLAIMS,
    response={200: RolloverPreviewOut, **refusals(413, 415)},
    operation_id="preview_rollover",
)
def preview(request: AuthenticatedRequest, wanted: RolloverQuestion) -> Status[dict[str, Any]]:
    """What goes on and what is lost if these are rolled over. Nothing is stored, and nobody is asked."""
    rows = _choose(wanted)
    store_views(request.auth, (row.budget.client_id for row in rows), "Rollover to confirm (API)")
    totals = add_up_rows(rows)
    told = {"number": len(rows), "rollover": totals.rollover, "loss": totals.loss}
    return Status(200, told | {"fingerprint": _fingerprint(rows), "budgets": [_describe(row) for row in rows]})


@router.post(
    "/rollover",
    auth=CLAIMS,
    response={202: RunOut, **refusals(409, 413, 415, 503)},
    operation_id="request_rollover",
)
def ask(request: AuthenticatedRequest, wanted: RolloverIn) -> Status[dict[str, Any]]:
    """Ask for the rollover of exactly what was previewed. It cannot be taken back. Follow it at `/runs/{run_id}`."""
    rows = _choose(wanted)
    if _fingerprint(rows) != wanted.fingerprint:
        raise ApiProblem("preview-changed")
    try:
        return Status(202, describe_run(roll_over(rows, request.auth)))
    except NothingToDo:
        raise ApiProblem("preview-changed", "These rollovers have just been requested by someone else.") from None


def _choose(wanted: RolloverQuestion) -> list[ClosingRow]:
    """Return those of the chosen who can be rolled over. Raise ApiProblem where there is nobody."""
    if wanted.everybody == bool(wanted.plan_budget_ids):
        raise _wrong("plan_budget_ids", "give either these or everybody")
    today = timezone.localdate()
    keys = None if wanted.everybody else wanted.plan_budget_ids
    rows = list_closing_rows(_read_quarter(wanted.quarter, today), today, wanted.service_provider_id, keys)
    ready = [row for row in rows if row.can_be_asked_for]
    if not ready:
        raise ApiProblem("invalid", "None of these can be rolled over.", advice="Choose budgets that are ready.")
    return ready


def _fingerprint(rows: Sequence[ClosingRow]) -> str:
    amounts = ((row.projection.rollover, row.projection.loss) if row.projection else () for row in rows)
    return fingerprint_of([*((row.budget.pk, row.readiness.value) for row in rows), *amounts])


def _read_quarter(day: date | None, today: date) -> Quarter:
    if day is None:
        return quarter_to_close(today)
    if not _FIRST_DAY <= day <= quarter_of(today).end_date:
        raise _wrong("quarter", "must be a day from 2000 to the end of this quarter")
    return quarter_of(day)


def _wrong(field: str, message: str) -> ApiProblem:
    return ApiProblem("invalid", problems=[LineProblem(line=None, field=field, message=message)])


def _describe(row: ClosingRow) -> dict[str, Any]:
    about = {"plan_budget_id": row.budget.pk, "client_id": row.budget.client_id}
    return {**describe_closing(row), **about, "can_roll_over": row.can_be_asked_for}
