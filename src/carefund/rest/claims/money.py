"""Where the money for delivered services is, by API: each stage, and its lines. No rules here."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from django.utils import timezone
from ninja import Path, Query, Router, Schema

from carefund.access.access_log import store_views
from carefund.domain.claims.money import Stage, describe_stage
from carefund.records.claims.money import MoneyLine, find_money, list_lines_in, list_money_lines
from carefund.rest.claims.lines import CLAIMS
from carefund.rest.problems import NOT_CHANGED, refusals
from carefund.rest.tokens import AuthenticatedRequest
from carefund.rest.values import BranchId, Given, ListPart

router = Router(tags=["money"])


class Branch(Given):
    """Which branch; empty: all."""

    service_provider_id: BranchId = ""


class BranchPart(Branch, ListPart):
    """Which part of a list, of which branch."""


class SumOut(Schema):
    """So many lines, and what they come to."""

    lines: int
    amount: Decimal


class AgeOut(SumOut):
    """The lines that were delivered so long ago."""

    delivered: str


class StageOut(SumOut):
    """A stage. The last two count lines that are still to be claimed: the window closes soon, or is over."""

    stage: str
    by_age: list[AgeOut]
    closes_within_14_days: SumOut
    window_closed: SumOut


class MoneyLineOut(Schema):
    """A line of a stage. `days_left`: to claim it without a reason; null where that says nothing."""

    line_id: int
    external_reference_id: str
    client_id: int
    care_recipient_id: str | None
    service_provider_id: str
    service_id: str
    service_text: str
    delivery_date: date
    funding_source: str
    quantity: Decimal
    price_per_unit: Decimal
    amount: Decimal
    age_days: int
    days_left: int | None


class MoneyLinesOut(Schema):
    """Lines, oldest first. Ask again with `start` set to `next_start`; null: there are no more."""

    lines: list[MoneyLineOut]
    next_start: int | None


@router.get("", auth=CLAIMS, response={200: list[StageOut], **NOT_CHANGED, **refusals()}, operation_id="list_stages")
def show(request: AuthenticatedRequest, wanted: Query[Branch]) -> list[dict[str, Any]]:
    """The stages of the money for delivered services, of one branch or of all."""
    return [describe_stage(sums) for sums in find_money(timezone.localdate(), wanted.service_provider_id)]


@router.get(
    "/{stage}/lines",
    auth=CLAIMS,
    response={200: MoneyLinesOut, **NOT_CHANGED, **refusals()},
    operation_id="list_stage_lines",
)
def list_lines(
    request: AuthenticatedRequest, stage: Annotated[Stage, Path()], wanted: Query[BranchPart]
) -> dict[str, Any]:
    """The lines of a stage. The access log names their clients."""
    today = timezone.localdate()
    shown, following = wanted.cut(list_lines_in(stage, today, wanted.service_provider_id))
    store_views(request.auth, (item.client for item in shown), f"Money: {stage.label} (API)")
    return {
        "lines": [_describe(line) for line in list_money_lines(shown, stage, today)],
        "next_start": following,
    }


def _describe(line: MoneyLine) -> dict[str, Any]:
    item = line.item
    return {
        **{name: getattr(item, name) for name in MoneyLineOut.model_fields if hasattr(item, name)},
        "line_id": item.pk,
        "care_recipient_id": item.client.care_recipient_id,
        "service_provider_id": item.invoice.service_provider_id,
        "amount": line.amount,
        "age_days": line.age_days,
        "days_left": line.days_left,
    }
