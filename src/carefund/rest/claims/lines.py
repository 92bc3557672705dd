"""Claimed lines as the API shows them: in a batch, in a claim and among exceptions."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from django.utils import timezone
from ninja import Field, Schema

from carefund.access.roles import may_claim
from carefund.records.claims.claimed_lines import LineRow, list_lines
from carefund.rest.tokens import BearerToken, of_every_branch
from carefund.rest.values import Text

# A batch, a claim and a stage of the money are about clients of any branch.
CLAIMS = BearerToken(of_every_branch(may_claim))
ClaimId = Annotated[Text, Field(min_length=1, max_length=24)]


class DrawnOut(Schema):
    """What was drawn for a line from a budget, as the funder signs it."""

    budget_id: str
    amount: Decimal


class ClaimedLineOut(Schema):
    """A claimed line with both sides of its story: what was claimed and paid, and what was drawn. `match` says how the
    two lie side by side, the way to look at first in front."""

    line_id: int
    external_reference_id: str
    client_id: int
    care_recipient_id: str | None
    service_id: str
    delivery_date: date
    state: str
    match: list[str]
    claimed: Decimal
    paid: Decimal | None
    individual_contribution_amount: Decimal | None
    expected_contribution: Decimal | None
    payment_determination: str
    drawn: Decimal
    difference: Decimal
    budgets: list[DrawnOut]


class ClaimedLinesOut(Schema):
    """Claimed lines. Ask again with `start` set to `next_start`; null: there are no more."""

    lines: list[ClaimedLineOut]
    next_start: int | None


def read_rows(requests: Iterable[Any]) -> Sequence[LineRow]:
    """Return payment requests as lines, in their order."""
    return list_lines([payment_request.pk for payment_request in requests], timezone.localdate())


def describe_line(row: LineRow) -> dict[str, Any]:
    """Return a claimed line as the API shows one."""
    asked, line = row.request, row.request.line_item
    return {
        "line_id": line.pk,
        "external_reference_id": line.external_reference_id,
        "client_id": line.client_id,
        "care_recipient_id": line.client.care_recipient_id,
        "service_id": line.service_id,
        "delivery_date": line.delivery_date,
        "state": row.state.value,
        "match": [kind.value for kind in row.kinds],
        "claimed": row.truth.claimed,
        "paid": asked.paid_amount,
        "individual_contribution_amount": asked.individual_contribution_amount,
        "expected_contribution": row.expected_contribution,
        "payment_determination": asked.payment_determination,
        "drawn": row.truth.drawn,
        "difference": row.truth.difference,
        "budgets": [{"budget_id": draw.budget_id, "amount": draw.amount} for draw in row.truth.draws],
    }
