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
from carefund.funders.answers import Answer
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    CareRecipientSummary,
    IndividualContribution,
)
from carefund.records.archive import ArchivedPage, answers_as_of
from carefund.records.models import Client
from carefund.sync.answers import BUDGET_DETAILS, BUDGET_LIST, CONTRIBUTIONS, SUMMARY, read_archived


@dataclass(slots=True)
class FundingAsOf:
    """The funder's picture of one person at an instant. `sources` tells the SHA-256 of the answer behind each part."""

    client: Client
    instant: datetime
    pages: list[ArchivedPage] = field(default_factory=list)
    answers: dict[str, list[Answer[Any]]] = field(default_factory=dict)

    @property
    def summary(self) -> CareRecipientSummary | None:
        return next((answer.value for answer in self.answers.get(SUMMARY.operation, ())), None)

    @property
    def contributions(self) -> Sequence[IndividualContribution]:
        return next((answer.value for answer in self.answers.get(CONTRIBUTIONS.operation, ())), ())

    @property
    def budgets(self) -> Sequence[Budget]:
        return next((answer.value for answer in self.answers.get(BUDGET_LIST.operation, ())), ())

    @property
    def details(self) -> dict[str, BudgetDetails]:
        """Entitlements and usage by the budget's id, of the budgets whose details were ever read."""
        return {answer.subject_id: answer.value for answer in self.answers.get(BUDGET_DETAILS.operation, ())}

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
        summary, details = self.summary, self.details
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
                    "entitlements": [_snake(line) for line in details[row.budget_id].entitlements],
                    "usage": [_snake(line) for line in details[row.budget_id].usage],
                }
                if row.budget_id in details
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
    funding = FundingAsOf(client, instant, answers_as_of(client.pk, instant))
    for answer in read_archived(funding.pages):
        funding.answers.setdefault(answer.operation, []).append(answer)
    return funding
