"""What was known of a person at an instant, read again from the archived answers.

The answers are decoded by the same types as when they came in, so a figure shown as of a day is the figure received.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.utils import timezone

from carefund.domain.plans import Period, latest_period
from carefund.domain.standing import stand
from carefund.funders.answers import Answer
from carefund.funders.services_australia.payloads import (
    ApprovedService,
    Budget,
    BudgetDetails,
    CareRecipientSummary,
    Classification,
    IndividualContribution,
    Supplement,
)
from carefund.records.archive import ArchivedPage, answers_as_of
from carefund.records.models import Client, Plan
from carefund.sync.answers import BUDGET_DETAILS, BUDGET_LIST, CONTRIBUTIONS, SUMMARY, read_archived

NO_DATES = Period(None, None)


@dataclass(slots=True)
class FundingAsOf:
    """The funder's picture of one person at an instant. `sources` tells the SHA-256 of the answer behind each part.

    `plan`: the dates of the plan that was the latest then, by the classifications known then.
    """

    client: Client
    instant: datetime
    pages: list[ArchivedPage] = field(default_factory=list)
    answers: dict[str, list[Answer[Any]]] = field(default_factory=dict)
    plan: Period = NO_DATES

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
            "classifications": self._dated(summary.classifications) if summary else [],
            "approved_services": self._dated(summary.approved_services) if summary else [],
            "supplements": self._dated(summary.supplements) if summary else [],
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

    def _dated(self, rows: Sequence[Classification | ApprovedService | Supplement]) -> list[dict[str, Any]]:
        """Dated rows with how they stood on the day, which may end with the instant."""
        day = timezone.localdate(self.instant - timedelta(microseconds=1))
        return [_snake(row) | {"standing": stand(row.start_date, row.end_date, day).value} for row in rows]


def _snake(row: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__ if name not in ("entitlements", "usage")}


def find_funding_now(client: Client) -> FundingAsOf:
    """What is known now; the plan as it is stored, which keeps its dates when no classification is listed any more."""
    funding = find_funding_as_of(client, timezone.now())
    dates = Plan.objects.filter(client=client, is_latest=True).values_list("start_date", "end_date").first()
    if dates:
        funding.plan = Period(*dates)
    return funding


def find_funding_as_of(client: Client, instant: datetime) -> FundingAsOf:
    """What was known at an instant. Nothing fetched by then: an answer without pages."""
    funding = FundingAsOf(client, instant, answers_as_of(client.pk, instant))
    for answer in read_archived(funding.pages):
        funding.answers.setdefault(answer.operation, []).append(answer)
    funding.plan = _plan_as_of(funding)
    return funding


def _plan_as_of(funding: FundingAsOf) -> Period:
    made = Plan.objects.filter(client=funding.client, created_at__lte=funding.instant).order_by("id")
    plans = [Period(start, end) for start, end in made.values_list("start_date", "end_date")]
    rows = funding.summary.classifications if funding.summary else ()
    known = [Period(row.start_date, row.end_date) for row in rows]
    return latest_period(plans or [NO_DATES], known) or NO_DATES
