"""Rates by API: what budgets are explained with, and what an administrator enters. The same rules as by page."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Field, Path, Router, Schema, Status

from carefund.access.roles import may_administer, may_read
from carefund.domain.care_recipient.rates import Rate, WantedRate
from carefund.records.care_recipient.rates import WrongRate, list_entered, list_rates, rate_of
from carefund.records.models import EnteredRate
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken, of_every_branch
from carefund.rest.values import Day, Given, Number, Price, Text
from carefund.runs import rates as managing

router = Router(tags=["rates"])
RateId = Annotated[Number, Path()]


class RateIn(Given):
    """A rate: dollars a day, of a tier dollars in all. `code`: a level, such as 5 or HCP2, or the funder's code."""

    code: Annotated[Text, Field(min_length=1, max_length=40)]
    name: Annotated[Text, Field(min_length=1, max_length=120)]
    kind: Literal["level", "supplement", "pathway", "tier"]
    amount: Price
    from_date: Day
    published: Annotated[Text, Field(min_length=1, max_length=300)]


class RateOut(Schema):
    """A rate that holds from a day on, until a later one of its code. `rate_id` is null for those that come with
    Carefund, which are not edited but taken over by one from the same day."""

    rate_id: int | None
    code: str
    name: str
    kind: str
    amount: Decimal
    from_date: date
    published: str
    entered_by: str


@router.get(
    "",
    auth=BearerToken(may_read),
    response={200: list[RateOut], **NOT_CHANGED, **refusals()},
    operation_id="list_rates",
)
def list_all(request: AuthenticatedRequest) -> list[dict[str, Any]]:
    """Every rate that holds."""
    numbers = {(row.key, row.from_date): row.pk for row in list_entered()}
    return [_describe(rate, numbers.get((rate.key, rate.from_date))) for rate in list_rates()]


@router.post(
    "",
    auth=BearerToken(of_every_branch(may_administer)),
    response={201: RateOut, **refusals(413, 415, 422)},
    operation_id="add_rate",
)
def add(request: AuthenticatedRequest, wanted: RateIn) -> Status[dict[str, Any]]:
    """Add a rate. Budgets are explained with it from now on."""
    try:
        return Status(201, _describe_row(managing.add(request.auth, _read(wanted))))
    except WrongRate as wrong:
        raise _refusal(wrong) from None


@router.put(
    "/{rate_id}",
    auth=BearerToken(of_every_branch(may_administer)),
    response={200: RateOut, **refusals(404, 413, 415, 422)},
    operation_id="edit_rate",
)
def edit(request: AuthenticatedRequest, rate_id: RateId, wanted: RateIn) -> Status[dict[str, Any]]:
    """Change a rate that was entered. It gets a new `rate_id`, and the edit can be undone."""
    try:
        return Status(200, _describe_row(managing.edit(request.auth, rate_id, _read(wanted))))
    except WrongRate as wrong:
        raise _refusal(wrong) from None


@router.post(
    "/{rate_id}/{step}",
    auth=BearerToken(of_every_branch(may_administer)),
    response={200: RateOut, **refusals(404, 422)},
    operation_id="steer_rate",
)
def steer(
    request: AuthenticatedRequest, rate_id: RateId, step: Annotated[Literal["remove", "restore", "undo"], Path()]
) -> Status[dict[str, Any]]:
    """Remove a rate that was entered, restore a removed one, or undo the last edit of one."""
    try:
        return Status(200, _describe_row(managing.steer(request.auth, rate_id, step)))
    except WrongRate as wrong:
        raise _refusal(wrong) from None


def _read(wanted: RateIn) -> WantedRate:
    return WantedRate(**{name: getattr(wanted, name) for name in WantedRate._fields})


def _refusal(wrong: WrongRate) -> ApiProblem:
    problems = [LineProblem(line=None, field=field, message=text) for field, text in wrong.problems.items()]
    return ApiProblem("invalid", problems=problems)


def _describe_row(row: EnteredRate) -> dict[str, Any]:
    return _describe(rate_of(row), row.pk)


def _describe(rate: Rate, number: int | None) -> dict[str, Any]:
    return {
        "rate_id": number,
        "code": rate.key,
        "name": rate.name,
        "kind": rate.kind.value,
        "amount": rate.amount,
        "from_date": rate.from_date,
        "published": rate.published,
        "entered_by": rate.entered_by,
    }
