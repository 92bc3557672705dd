"""Balances of unspent funds by API: the funder does not say them, so another system, or a person, enters them."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Path, Router, Schema, Status

from carefund.access.access_log import store_view
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_client_to_synchronise
from carefund.access.roles import may_synchronise
from carefund.access.tokens import name_account
from carefund.records.care_recipient.spending import store_balance
from carefund.rest.problems import ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Day, Given, Number, Price

router = Router(tags=["spending"])
_FIRST_DAY = date(2025, 11, 1)  # of the programme


class BalanceIn(Given):
    """What unspent funds came to on a day: `CU` those that the provider holds, `HC` those of the home care account."""

    source: Literal["CU", "HC"]
    amount: Price
    balance_date: Day


class BalanceOut(Schema):
    """A balance as it is kept."""

    client_id: int
    source: str
    amount: Decimal
    balance_date: date
    entered_by: str


@router.post(
    "/{client_id}/unspent-balances",
    auth=BearerToken(may_synchronise),
    response={201: BalanceOut, **refusals(404, 413, 415)},
    operation_id="store_unspent_balance",
)
def store(
    request: AuthenticatedRequest, client_id: Annotated[Number, Path()], wanted: BalanceIn
) -> Status[dict[str, Any]]:
    """Note what unspent funds came to on a day. Earlier balances stay, and the one of the latest day counts."""
    client = find_client_to_synchronise(request.auth, client_id)
    if not _FIRST_DAY <= wanted.balance_date <= timezone.localdate():
        problem = LineProblem(line=None, field="balance_date", message="must be a day from 1 November 2025 to today")
        raise ApiProblem("invalid", problems=[problem])
    with one_act():
        balance = store_balance(client, wanted.model_dump(), name_account(request.auth))
        store_act(request.auth, "Unspent funds entered", str(balance), after=wanted.model_dump())
    store_view(request.auth, client, "Unspent funds (API)")
    names = ("client_id", "source", "amount", "balance_date", "entered_by")
    return Status(201, {name: getattr(balance, name) for name in names})
