"""What a client may still spend by API: where money is, what fits, what is planned, how budgets add up. No rules."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Field, Path, Query, Router, Schema, Status

from carefund.access.access_log import store_view
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_client_to_read, find_client_to_synchronise
from carefund.access.roles import may_read, may_synchronise
from carefund.access.tokens import name_account
from carefund.domain.care_recipient.explaining import Origin
from carefund.domain.care_recipient.planned import Frequency, write_fit
from carefund.records.care_recipient.commitments import find_spending
from carefund.records.care_recipient.planned_services import Taken, remove_planned_by_reference, store_planned
from carefund.records.care_recipient.spending import describe_source, find_fit, list_planned, list_sources
from carefund.rest.funding import find_funding_of
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Day, Given, Number, Price, Searched, Text
from carefund.sync.care_recipient.explanations import as_data, explain_funding

router = Router(tags=["spending"])
_Funding = Literal["ON", "AT", "HM", "RC", "EL", "AS"]
_Reference = Annotated[Text, Field(min_length=1, max_length=64)]


class SourceOut(Schema):
    """Money that services are paid from. A budget of the funder's has a `budget_id`; unspent funds that were entered by
    hand have a `balance_date`. `safe_to_spend` is our estimate: `available` less the three amounts between them."""

    type_code: str
    budget_id: str | None
    balance_date: date | None
    entered_by: str | None
    available: Decimal
    claimed_not_drawn: Decimal
    delivered_not_claimed: Decimal
    planned: Decimal
    safe_to_spend: Decimal


class SpendingOut(Schema):
    """The sources in the order in which the funder draws."""

    client_id: int
    sources: list[SourceOut]


class FitQuestion(Given):
    """One more service. Without `from_date`: from today."""

    price: Price
    frequency: Frequency
    from_date: Day | None = None
    funding_source: _Funding = "ON"


class FitOut(Schema):
    """Until when it fits: `visits` are paid for, the last on `last_date`. The visit on `first_without` is not: money
    runs out (`is_out_of_money`), or no budget is known for that day. `left` stays safe to spend."""

    client_id: int
    visits: int
    last_date: date | None
    first_without: date | None
    is_out_of_money: bool
    left: Decimal
    answer: str


class TermOut(Schema):
    """One part of a figure: `origin` says whether it is from Services Australia (`funder`), computed or unknown."""

    label: str
    when: str
    amount: Decimal
    origin: Origin
    working: str
    basis: str | None


class FigureOut(Schema):
    """A figure of a budget with its parts, and what they do not explain."""

    name: str
    stated: Decimal | None
    not_explained: Decimal
    likely_cause: str
    terms: list[TermOut]


class ExplanationOut(Schema):
    """How a budget adds up."""

    budget_id: str
    budget_type_code: str
    is_explained: bool
    is_worked_out: bool
    figures: list[FigureOut]


class ExplanationsOut(Schema):
    """The budgets of a client, explained."""

    client_id: int
    budgets: list[ExplanationOut]


class PlannedIn(Given):
    """A planned service as the rostering system knows it. No `to_date`: it goes on."""

    service_id: Annotated[Text, Field(min_length=1, max_length=60)]
    service_text: Annotated[Text, Field(max_length=200)] = ""
    price: Price
    frequency: Frequency
    from_date: Day
    to_date: Day | None = None
    funding_source: _Funding = "ON"


class PlannedOut(Schema):
    """A planned service as it is kept; `external_reference_id` is empty for what was entered by hand."""

    external_reference_id: str
    service_id: str
    service_text: str
    price: Decimal
    frequency: str
    from_date: date
    to_date: date | None
    funding_source: str


class PlannedListOut(Schema):
    """All planned services of a client."""

    client_id: int
    planned_services: list[PlannedOut]


@router.get(
    "/{client_id}/spending",
    auth=BearerToken(may_read),
    response={200: SpendingOut, **NOT_CHANGED, **refusals(404, 422)},
    operation_id="find_spending",
)
def show(request: AuthenticatedRequest, client_id: Annotated[Number, Path()]) -> dict[str, Any]:
    """Return what is safe to spend of each source of money that covers today: an estimate with its parts."""
    client = find_client_to_read(request.auth, client_id)
    spending = find_spending(client, timezone.localdate())
    store_view(request.auth, client, "Spending (API)")
    return {"client_id": client.pk, "sources": [describe_source(source) for source in list_sources(spending)]}


@router.get(
    "/{client_id}/spending/fit",
    auth=BearerToken(may_read),
    response={200: FitOut, **NOT_CHANGED, **refusals(404, 422)},
    operation_id="find_fit",
)
def answer(
    request: AuthenticatedRequest, client_id: Annotated[Number, Path()], asked: Query[FitQuestion]
) -> dict[str, Any]:
    """Return until when one more service fits into what is safe to spend."""
    client = find_client_to_read(request.auth, client_id)
    if not asked.price:
        raise _wrong("price", "must be more than zero")
    today = timezone.localdate()
    first = asked.from_date or today
    if not 2025 <= first.year <= 2099:
        raise _wrong("from_date", "must be a day from 2025 to 2099")
    found = find_fit(find_spending(client, today), asked.price, asked.frequency, first, asked.funding_source)
    store_view(request.auth, client, "Spending (API)")
    names = ("visits", "last_date", "first_without", "is_out_of_money", "left")
    told = {name: getattr(found, name) for name in names}
    return {"client_id": client.pk, **told, "answer": write_fit(found, asked.price)}


@router.get(
    "/{client_id}/explanations",
    auth=BearerToken(may_read),
    response={200: ExplanationsOut, **NOT_CHANGED, **refusals(404, 422)},
    operation_id="list_explanations",
)
def explain(
    request: AuthenticatedRequest, client_id: Annotated[Number, Path()], budget_id: Searched = ""
) -> dict[str, Any]:
    """Return what makes up each figure of a client's budgets, or of the one with this ID, and what is not explained."""
    client = find_client_to_read(request.auth, client_id)
    funding = find_funding_of(client, None)
    wanted = [figures for figures in funding.budgets if budget_id in ("", figures.budget.budget_id)]
    found = explain_funding(funding, wanted)
    store_view(request.auth, client, "How budgets add up (API)")
    told = [
        {
            "budget_id": figures.budget.budget_id,
            "budget_type_code": figures.budget.budget_type_code,
            **as_data(found[figures.budget.pk]),
        }
        for figures in wanted
    ]
    return {"client_id": client.pk, "budgets": told}


@router.get(
    "/{client_id}/planned-services",
    auth=BearerToken(may_read),
    response={200: PlannedListOut, **NOT_CHANGED, **refusals(404, 422)},
    operation_id="list_planned_services",
)
def list_all(request: AuthenticatedRequest, client_id: Annotated[Number, Path()]) -> dict[str, Any]:
    """Return the planned services of a client, those with the next visit first."""
    client = find_client_to_read(request.auth, client_id)
    rows = list_planned(find_spending(client, timezone.localdate()))
    store_view(request.auth, client, "Planned services (API)")
    return {"client_id": client.pk, "planned_services": [row.service for row in rows]}


@router.put(
    "/{client_id}/planned-services/{path:external_reference_id}",
    auth=BearerToken(may_synchronise),
    response={200: PlannedOut, 201: PlannedOut, **refusals(404, 409, 413, 415)},
    operation_id="store_planned_service",
)
def store(
    request: AuthenticatedRequest,
    client_id: Annotated[Number, Path()],
    external_reference_id: Annotated[_Reference, Path()],
    wanted: PlannedIn,
) -> Status[dict[str, Any]]:
    """Add a planned service (201), or replace the one with this reference (200); the same again changes nothing."""
    client = find_client_to_synchronise(request.auth, client_id)
    if wanted.to_date is not None and wanted.to_date < wanted.from_date:
        raise _wrong("to_date", "is before from_date")
    if not wanted.price:
        raise _wrong("price", "must be more than zero")
    if not 2025 <= wanted.from_date.year <= 2099:
        raise _wrong("from_date", "must be a day from 2025 to 2099")
    values = wanted.model_dump() | {"frequency": wanted.frequency.value}
    try:
        with one_act():
            stored, changed = store_planned(client, external_reference_id, values, name_account(request.auth))
            if changed:
                store_act(request.auth, f"Planned service {changed}", str(stored), after=values)
    except Taken:
        raise ApiProblem("conflict", "A planned service of another client has this reference.") from None
    return Status(201 if changed == "added" else 200, {name: getattr(stored, name) for name in PlannedOut.model_fields})


@router.delete(
    "/{client_id}/planned-services/{path:external_reference_id}",
    auth=BearerToken(may_synchronise),
    response={204: None, **refusals(404)},
    operation_id="remove_planned_service",
)
def remove(
    request: AuthenticatedRequest,
    client_id: Annotated[Number, Path()],
    external_reference_id: Annotated[_Reference, Path()],
) -> Status[None]:
    """Remove a planned service."""
    client = find_client_to_synchronise(request.auth, client_id)
    with one_act():
        removed = remove_planned_by_reference(client, external_reference_id)
        store_act(request.auth, "Planned service removed", removed)
    return Status(204, None)


def _wrong(field: str, message: str) -> ApiProblem:
    return ApiProblem("invalid", problems=[LineProblem(line=None, field=field, message=message)])
