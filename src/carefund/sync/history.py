"""What was known of a person at an instant, read again from the archived answers.

The answers are decoded by the same types as when they came in, so a figure shown as of a day is the figure received.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.utils import timezone

from carefund.domain.plans import Period, plan_period
from carefund.funders.decoding import RowReader
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    CareRecipientSummary,
    IndividualContribution,
)
from carefund.records.archive import ArchivedPage, answers_as_of
from carefund.records.models import Client

_SUMMARIES = RowReader(CareRecipientSummary)
_CONTRIBUTIONS = RowReader(IndividualContribution)
_BUDGETS = RowReader(Budget)
_DETAILS = RowReader(BudgetDetails)


@dataclass(slots=True)
class FundingAsOf:
    """The funder's picture of one person at an instant. `sources` tells the SHA-256 of the answer behind each part."""

    client: Client
    instant: datetime
    summary: CareRecipientSummary | None = None
    contributions: Sequence[IndividualContribution] = ()
    budgets: Sequence[Budget] = ()
    details: dict[str, BudgetDetails] = field(default_factory=dict)
    pages: list[ArchivedPage] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        return bool(self.pages)

    @property
    def plan(self) -> Period:
        """The plan's dates by the classifications known then."""
        rows = self.summary.classifications if self.summary else ()
        return plan_period(Period(row.start_date, row.end_date) for row in rows) or Period(None, None)

    @property
    def sources(self) -> dict[str, str]:
        return {
            f"{page.operation}:{page.subject_id}" if page.subject_id else page.operation: page.digest
            for page in self.pages
        }

    def as_data(self) -> dict[str, Any]:
        """Plain data for JSON: the field names of the product, money and dates as text."""
        summary = self.summary
        return {
            "care_recipient_id": self.client.care_recipient_id,
            "as_of": self.instant.isoformat(),
            "plan": {"start_date": self.plan.start_date, "end_date": self.plan.end_date},
            "classifications": [_snake(row) for row in summary.classifications] if summary else [],
            "approved_services": [_snake(row) for row in summary.approved_services] if summary else [],
            "supplements": [_snake(row) for row in summary.supplements] if summary else [],
            "individual_contributions": [_snake(row) for row in self.contributions],
            "budgets": [
                _snake(row)
                | {
                    "entitlements": [_snake(line) for line in self.details[row.budget_id].entitlements],
                    "usage": [_snake(line) for line in self.details[row.budget_id].usage],
                }
                if row.budget_id in self.details
                else _snake(row) | {"entitlements": None, "usage": None}
                for row in self.budgets
            ],
            "sources": self.sources,
        }


def _snake(row: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__ if name not in ("entitlements", "usage")}


def find_funding_now(client: Client) -> FundingAsOf:
    """What is known now."""
    return find_funding_as_of(client, timezone.now())


def find_funding_as_of(client: Client, instant: datetime) -> FundingAsOf:
    """What was known at an instant. Nothing fetched by then: an answer without pages."""
    funding = FundingAsOf(client, instant, pages=answers_as_of(client.pk, instant))
    for page in funding.pages:
        if not page.body:
            continue
        match page.operation:
            case "care_recipient_summary":
                funding.summary = _SUMMARIES.read_one(page.body, page.operation)
            case "individual_contribution":
                funding.contributions = (*funding.contributions, *_CONTRIBUTIONS.read_rows(page.body, page.operation))
            case "budgets_by_care_recipient":
                funding.budgets = (*funding.budgets, *_BUDGETS.read_rows(page.body, page.operation))
            case "budget_details":
                funding.details[page.subject_id] = _DETAILS.read_one(page.body, page.operation)
    return funding
