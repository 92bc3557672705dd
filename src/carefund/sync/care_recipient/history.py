"""What was known of a person at an instant, read again from the archived answers.

The answers are decoded by the same types as when they came in, so a figure shown as of a day is the figure received.
Beside them stands what is ours: which lines and ids, and, for now alone, what is committed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.utils import timezone

from carefund.domain.care_recipient.budgets import effects_of, find_available
from carefund.domain.care_recipient.commitments import BudgetKey, Commitment, subtract_commitment
from carefund.domain.care_recipient.draws import DrawnBy, who_drew
from carefund.domain.care_recipient.in_force import stand
from carefund.domain.care_recipient.plans import latest_period
from carefund.domain.periods import Period
from carefund.funders.answers import FunderAnswer
from carefund.funders.services_australia.payloads import (
    ApprovedService,
    Budget,
    BudgetDetails,
    BudgetUsage,
    CareRecipientSummary,
    Classification,
    Entitlement,
    IndividualContribution,
    Supplement,
)
from carefund.records.archive import ArchivedPage, answers_as_of
from carefund.records.care_recipient.commitments import find_committed, key_of
from carefund.records.care_recipient.funding import find_own_lines
from carefund.records.models import Client, Plan, PlanBudget
from carefund.records.own_service_provider_ids import list_own_service_provider_ids
from carefund.sync.care_recipient.answers import BUDGET_DETAILS, BUDGET_LIST, CONTRIBUTIONS, SUMMARY, read_archived

NO_DATES = Period(None, None)


@dataclass(slots=True)
class FundingAsOf:
    """What the funder said of one person by an instant. `sources` gives the SHA-256 of the answer behind each part.

    `plan`: the dates of the plan that was the latest then, by the classifications known then.
    `own_lines` are our lines by the funder's invoice and item id; `commitments` None: not known of an earlier day.
    `unreadable`: why stored answers cannot be shown, a sentence each.
    """

    client: Client
    instant: datetime
    pages: list[ArchivedPage] = field(default_factory=list)
    answers: dict[str, list[FunderAnswer[Any]]] = field(default_factory=dict)
    plan: Period = NO_DATES
    own_lines: dict[tuple[str, str], int] = field(default_factory=dict)
    own_ids: frozenset[str] = frozenset()
    commitments: dict[BudgetKey, Commitment] | None = None
    unreadable: list[str] = field(default_factory=list)

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

    def list_entitlements(self, budget_id: str) -> Sequence[Entitlement]:
        """A budget's entitlements by its details, and where those were not read by the list of budgets."""
        if budget_id in self.details:
            return self.details[budget_id].entitlements
        return next((budget.entitlements for budget in self.budgets if budget.budget_id == budget_id), ())

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
        summary = self.summary
        return {
            "care_recipient_id": self.client.care_recipient_id,
            "as_of": self.instant.isoformat(),
            "plan": {"start_date": self.plan.start_date, "end_date": self.plan.end_date},
            "classifications": self._dated(summary.classifications) if summary else [],
            "approved_services": self._dated(summary.approved_services) if summary else [],
            "supplements": self._dated(summary.supplements) if summary else [],
            "individual_contributions": [_snake(row) for row in self.contributions],
            "budgets": [self._budget_as_data(row, key) for row, key in self._keyed_budgets()],
            "sources": self.sources,
            "cannot_be_shown": self.unreadable,
        }

    def _dated(self, rows: Sequence[Classification | ApprovedService | Supplement]) -> list[dict[str, Any]]:
        """Dated rows with how they stood on the day, which may end with the instant."""
        day = timezone.localdate(self.instant - timedelta(microseconds=1))
        return [_snake(row) | {"standing": stand(row.start_date, row.end_date, day).value} for row in rows]

    def who_drew(self, draw: BudgetUsage) -> DrawnBy:
        """Who made a draw, as far as is known now."""
        has_line = (draw.invoice_id, draw.item_id) in self.own_lines
        return who_drew(draw.service_provider_id, self.own_ids, has_line=has_line)

    def _keyed_budgets(self) -> Iterator[tuple[Budget, BudgetKey]]:
        """Each budget with its key: its id, and how many with that id came before it."""
        seen: Counter[str] = Counter()
        for row in self.budgets:
            yield row, (row.budget_id, seen[row.budget_id])
            seen[row.budget_id] += 1

    def _budget_as_data(self, row: Budget, key: BudgetKey) -> dict[str, Any]:
        """A budget as received, with what is committed of it and who drew."""
        known = None if self.commitments is None else self.commitments.get(key)
        available = find_available(row.total, row.available, effects_of(row))
        details, entitlements = self.details.get(row.budget_id), self.list_entitlements(row.budget_id)
        return _snake(row) | {
            "committed": known and known.committed,
            "claimed_not_drawn": known and known.claimed,
            "delivered_not_claimed": known and known.delivered,
            "planned": known and known.planned,
            "safe_to_spend": known and subtract_commitment(available, known),
            "entitlements": [_snake(line) for line in entitlements] if details or entitlements else None,
            "usage": [_snake(line) | {"drawn_by": self.who_drew(line)} for line in details.usage] if details else None,
        }


def _snake(row: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__ if name not in ("entitlements", "usage")}


def find_funding_now(client: Client) -> FundingAsOf:
    """What is known now, with what our own open lines commit of each budget; the plan as it is stored, which keeps its
    dates when no classification is listed any more."""
    funding = find_funding_as_of(client, timezone.now())
    dates = Plan.objects.filter(client=client, is_latest=True).values_list("start_date", "end_date").first()
    if dates:
        funding.plan = Period(*dates)
    budgets = list(PlanBudget.objects.filter(client=client))
    committed = find_committed(budgets, timezone.localdate())
    funding.commitments = {key_of(budget): committed[budget.pk] for budget in budgets}
    return funding


def find_funding_as_of(client: Client, instant: datetime) -> FundingAsOf:
    """What was known at an instant. Nothing fetched by then: an answer without pages."""
    funding = FundingAsOf(client, instant, answers_as_of(client.pk, instant))
    funding.own_lines = find_own_lines(client)
    funding.own_ids = frozenset(list_own_service_provider_ids())
    for answer in read_archived(funding.pages, funding.unreadable):
        funding.answers.setdefault(answer.operation, []).append(answer)
    funding.plan = _plan_as_of(funding)
    return funding


def _plan_as_of(funding: FundingAsOf) -> Period:
    made = Plan.objects.filter(client=funding.client, created_at__lte=funding.instant).order_by("id")
    plans = [Period(start, end) for start, end in made.values_list("start_date", "end_date")]
    rows = funding.summary.classifications if funding.summary else ()
    known = [Period(row.start_date, row.end_date) for row in rows]
    return latest_period(plans or [NO_DATES], known) or NO_DATES
