"""Account summaries by API: what was paid and held over by month, what does not tie to our claims. No rules here."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Path, Router, Schema, Status

from carefund.access.access_log import store_export
from carefund.access.gate import may_read_branch, require
from carefund.access.roles import may_claim, may_export
from carefund.records.claims.accounts import (
    begin_of_month,
    describe_account,
    find_account_evidence,
    find_account_of,
    list_account_rows,
    list_accounts,
)
from carefund.records.own_service_provider_ids import list_own_service_provider_ids
from carefund.rest.problems import NOT_CHANGED, ApiProblem, refusals
from carefund.rest.runs import RunOut, describe_run
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import BranchId, Day, Digest, Given
from carefund.runs.business_day import business_today
from carefund.runs.claims.accounts import list_months, request_accounts
from carefund.runs.requests import NothingToDo

router = Router(tags=["accounts"])
Branch = Annotated[BranchId, Path(min_length=1)]


class FindingOut(Schema):
    """One thing that does not tie: by `amount` the account has more than our records."""

    issue: str
    amount: Decimal
    claim_id: str
    sentence: str


class AccountOut(Schema):
    """One month of the account with Services Australia: opening + claims - paid = expected_closing. What the funder
    does not state is null. `answers` are the SHA-256 of the stored answers, newest first."""

    service_provider_id: str
    month: date
    read_at: datetime
    opening: Decimal | None
    claims: Decimal
    paid: Decimal | None
    expected_closing: Decimal
    closing: Decimal | None
    difference: Decimal
    ties: bool
    findings: list[FindingOut]
    answers: list[str]


class AccountIn(Given):
    """Which month to read, by any of its days."""

    month: Day


@router.get(
    "/{service_provider_id}/accounts",
    auth=BearerToken(may_claim),
    response={200: list[AccountOut], **NOT_CHANGED, **refusals(404, 422)},
    operation_id="list_accounts",
)
def list_all(request: AuthenticatedRequest, service_provider_id: Branch) -> list[dict[str, Any]]:
    """The account summaries of a Service Provider ID by month, newest first, and what does not tie to our claims."""
    _require_branch(request, service_provider_id)
    return [describe_account(row) for row in list_account_rows(list_accounts(service_provider_id))]


@router.post(
    "/{service_provider_id}/accounts",
    auth=BearerToken(may_claim),
    response={202: RunOut, **refusals(404, 409, 413, 415, 422, 503)},
    operation_id="request_account",
)
def read(request: AuthenticatedRequest, service_provider_id: Branch, wanted: AccountIn) -> Status[dict[str, Any]]:
    """Ask for one month, of the last 24, to be read from Services Australia; follow it at `/runs/{run_id}`."""
    _require_branch(request, service_provider_id)
    month = begin_of_month(wanted.month)
    if month not in list_months(business_today()):
        raise ApiProblem("invalid", "Choose a month of the last two years.")
    try:
        run = request_accounts([month], branch=service_provider_id, requested_by=request.auth)
    except NothingToDo:
        raise ApiProblem("conflict", "This month is being retrieved already.") from None
    return Status(202, describe_run(run))


@router.get(
    "/{service_provider_id}/accounts/{month}/answers/{digest}",
    auth=BearerToken(may_claim),
    response={200: None, **NOT_CHANGED, **refusals(404, 422)},
    operation_id="find_account_answer",
    openapi_extra={"responses": {200: {"description": "The stored answer.", "content": {"application/json": {}}}}},
)
def show_answer(
    request: AuthenticatedRequest, service_provider_id: Branch, month: Annotated[Day, Path()], digest: Digest
) -> HttpResponse:
    """One stored answer about a month by its SHA-256, byte for byte as received."""
    require(request.auth, may_export)
    _require_branch(request, service_provider_id)
    body, _ = find_account_evidence(find_account_of(service_provider_id, begin_of_month(month)), digest)
    store_export(request.auth, "Stored response: account summary (API)", clients=[])
    return HttpResponse(body, content_type="application/json")


def _require_branch(request: AuthenticatedRequest, service_provider_id: str) -> None:
    is_own = service_provider_id in list_own_service_provider_ids()
    if not is_own or not may_read_branch(request.auth, service_provider_id):
        raise ApiProblem("not-found", "There is no such Service Provider ID.")
