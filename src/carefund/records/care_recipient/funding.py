"""One person's funding as stored: the reads behind the client page, the plan page, the command line and the API.

A constant number of queries whatever the history; sums that need several tables are made here, once. No writing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from carefund.domain.care_recipient.budgets import Effects, effects_of, is_open, rollover_received
from carefund.domain.care_recipient.commitments import NOTHING, Commitment, subtract_commitment
from carefund.domain.care_recipient.draws import DrawnBy, who_drew
from carefund.domain.care_recipient.in_force import Standing, stand
from carefund.domain.periods import Period
from carefund.records.care_recipient.commitments import available_of, covers, find_committed
from carefund.records.models import (
    ApprovedService,
    BudgetUsage,
    Classification,
    Client,
    Entitlement,
    IndividualContribution,
    InvoiceLineItem,
    Plan,
    PlanBudget,
    Supplement,
)
from carefund.records.own_service_provider_ids import list_own_service_provider_ids

ZERO = Decimal("0.00")
DatedRecord = Classification | ApprovedService | Supplement
Dated = TypeVar("Dated", bound=DatedRecord)
_STANDINGS = tuple(Standing)


@dataclass(frozen=True, slots=True)
class AttributedDraw:
    """A draw on a budget, and who made it."""

    line: BudgetUsage
    drawn_by: DrawnBy


@dataclass(frozen=True, slots=True)
class BudgetFigures:
    """A plan budget with what makes it up, what was drawn and by whom, and what is spoken for beyond that.

    `used`, `rollover_deduction` and `write_off` are sizes that lower the total, whatever sign the funder uses; below
    zero where more was given back. `commitment` None: not known, as of an earlier day. `own_ids` are this
    organisation's service provider ids.
    """

    budget: PlanBudget
    entitlements: tuple[Entitlement, ...]
    usage: tuple[BudgetUsage, ...]
    commitment: Commitment | None
    with_usage: bool
    own_ids: frozenset[str] = frozenset()

    @property
    def total(self) -> Decimal:
        total: Decimal | None = self.budget.total
        return total or ZERO

    @property
    def effects(self) -> Effects:
        return effects_of(self.budget)

    @property
    def used(self) -> Decimal:
        return ZERO - self.effects.used

    @property
    def rollover_deduction(self) -> Decimal:
        return ZERO - self.effects.rollover_deduction

    @property
    def write_off(self) -> Decimal:
        return ZERO - self.effects.write_off

    @property
    def available(self) -> Decimal:
        return available_of(self.budget)

    @property
    def committed(self) -> Decimal | None:
        """What is delivered, claimed or not, and not yet drawn."""
        return None if self.commitment is None else self.commitment.committed

    @property
    def safe_to_spend(self) -> Decimal:
        """What the funder calls available, less what is committed or planned as far as that is known: an estimate."""
        return subtract_commitment(self.available, self.commitment or NOTHING)

    @property
    def draws(self) -> list[AttributedDraw]:
        """Every draw that was ever listed, and who made it."""
        return [
            AttributedDraw(
                line, who_drew(line.service_provider_id, self.own_ids, has_line=line.invoice_line_item_id is not None)
            )
            for line in self.usage
        ]

    @property
    def current_usage(self) -> list[BudgetUsage]:
        """The draws that the funder still lists."""
        return [draw for draw in self.usage if draw.no_longer_returned_date is None]

    @property
    def use_by(self) -> dict[DrawnBy, Decimal]:
        """What the draws that the funder still lists come to for each who drew, in the funder's sign: negative."""
        sums: dict[DrawnBy, Decimal] = {}
        for draw in self.draws:
            if draw.line.no_longer_returned_date is None:
                sums[draw.drawn_by] = sums.get(draw.drawn_by, ZERO) + (draw.line.amount or ZERO)
        return {drawer: sums[drawer] for drawer in DrawnBy if drawer in sums}

    @property
    def current_entitlements(self) -> list[Entitlement]:
        """The entitlements that the funder still lists."""
        return [entitlement for entitlement in self.entitlements if entitlement.no_longer_returned_date is None]

    @property
    def rollover_received(self) -> Decimal | None:
        """The part of the total that no entitlement explains; None if it is not known or there is none."""
        current = [current_entitlement.amount for current_entitlement in self.current_entitlements]
        if not current:
            return None
        return rollover_received(self.budget.total, current) or None

    def days_gone(self, today: date) -> tuple[int, int] | None:
        """Days of the period that have begun by today, and all its days. None for a budget without both dates."""
        start, end = self.budget.start_date, self.budget.end_date
        if start is None or end is None:
            return None
        days = (end - start).days + 1
        return min(max((today - start).days + 1, 0), days), days

    def covers(self, day: date) -> bool:
        """Whether the budget can be drawn for a service of that day."""
        return covers(self.budget, day)


@dataclass(slots=True)
class Funding:
    """Everything stored about one person's funding on one day. Without a plan nothing was ever synchronised."""

    client: Client
    today: date
    plan: Plan | None
    earlier_plans: tuple[Plan, ...] = ()
    classifications: tuple[Classification, ...] = ()
    approved_services: tuple[ApprovedService, ...] = ()
    supplements: tuple[Supplement, ...] = ()
    contributions: tuple[IndividualContribution, ...] = ()
    budgets: tuple[BudgetFigures, ...] = field(default=())

    @property
    def current_budgets(self) -> list[BudgetFigures]:
        """Budgets that cover today, in the order of their use: the ongoing one first."""
        current = [budget for budget in self.budgets if budget.covers(self.today)]
        return sorted(current, key=lambda figures: (figures.budget.budget_type_code != "ON", figures.budget.budget_id))

    @property
    def other_budgets(self) -> list[BudgetFigures]:
        """Budgets before and after, newest first."""
        return [budget for budget in self.budgets if not budget.covers(self.today)]

    @property
    def current_classifications(self) -> list[Classification]:
        return self._in_force(self.classifications)

    def _in_force(self, records: Iterable[Dated]) -> list[Dated]:
        return [record for record in records if standing_of(record, self.today) is Standing.IN_FORCE]

    @property
    def has_plan_dates(self) -> bool:
        """Whether anything ever dated the plan; without a classification it has no dates, which is not "open"."""
        plan = self.plan
        return plan is not None and (
            plan.start_date is not None or plan.end_date is not None or bool(self.plan_classifications)
        )

    @property
    def plan_classifications(self) -> list[Classification]:
        """The classifications that the dates of the plan rest on: its own, as far as the funder still lists them."""
        return [
            classification
            for classification in self.classifications
            if classification.no_longer_returned_date is None
            and self.plan is not None
            and classification.plan_id == self.plan.pk
        ]

    @property
    def plan_budgets(self) -> list[BudgetFigures]:
        """The budgets of the plan itself, without those of earlier plans."""
        return [budget for budget in self.budgets if self.plan is not None and budget.budget.plan_id == self.plan.pk]

    @property
    def level_ended_date(self) -> date | None:
        """When the last classification ended, None while one is in force or none was ever sent."""
        ends = [
            classification.end_date
            for classification in self.classifications
            if classification.end_date and classification.no_longer_returned_date is None
        ]
        ended = [end for end in ends if end < self.today]
        return max(ended) if ended and not self.current_classifications else None

    @property
    def current_contribution(self) -> IndividualContribution | None:
        """The newest shares in force, None if the funder sent none: unknown, which is not 0 %."""
        holding = [
            contribution
            for contribution in self.contributions
            if Period(contribution.effective_date_from, contribution.effective_date_to).covers(self.today)
        ]
        return max(holding, key=lambda contribution: contribution.effective_date_from or date.min) if holding else None


def standing_of(record: DatedRecord, day: date) -> Standing:
    """How a record stands on a day."""
    return stand(record.start_date, record.end_date, day, returned=record.no_longer_returned_date is None)


def sort_by_standing(records: Iterable[Dated], day: date) -> tuple[Dated, ...]:
    """The records in force first, then those to come, then those that ended; else in the order given."""
    return tuple(sorted(records, key=lambda record: _STANDINGS.index(standing_of(record, day))))


def find_funding(client: Client, today: date, *, open_days: int, with_all_usage: bool = False) -> Funding:
    """All that is stored of one person. Usage is read for open budgets, or for all on demand (the plan page)."""
    plans = list(Plan.objects.filter(client=client).order_by("-is_latest", "-id"))
    if not plans:
        return Funding(client, today, None)
    return Funding(
        client,
        today,
        plans[0],
        tuple(plans[1:]),
        tuple(Classification.objects.filter(client=client).order_by("-start_date", "id")),
        sort_by_standing(
            ApprovedService.objects.filter(client=client).order_by("category", "service_text", "start_date", "id"),
            today,
        ),
        sort_by_standing(Supplement.objects.filter(client=client).order_by("-start_date", "id"), today),
        tuple(IndividualContribution.objects.filter(client=client).order_by("-effective_date_from", "id")),
        tuple(_find_budgets(client, today, open_days, with_all_usage)),
    )


def _find_budgets(client: Client, today: date, open_days: int, with_all: bool) -> list[BudgetFigures]:
    budgets = list(PlanBudget.objects.filter(client=client).order_by("-start_date", "budget_type_code", "budget_id"))
    read = [budget for budget in budgets if with_all or is_open(budget.end_date, today, open_days)]
    ids = {budget.pk for budget in read}
    entitlements: dict[int, list[Entitlement]] = {}
    for entitlement in Entitlement.objects.filter(client=client, plan_budget_id__in=ids).order_by("start_date", "id"):
        entitlements.setdefault(entitlement.plan_budget_id, []).append(entitlement)
    usage: dict[int, list[BudgetUsage]] = {}
    drawn = BudgetUsage.objects.filter(client=client, plan_budget_id__in=ids)
    for line in drawn.order_by("-delivery_date", "-id"):
        usage.setdefault(line.plan_budget_id, []).append(line)
    committed = find_committed(budgets, today)
    own_ids = frozenset(list_own_service_provider_ids())
    return [
        BudgetFigures(
            budget,
            tuple(entitlements.get(budget.pk, ())),
            tuple(usage.get(budget.pk, ())),
            committed[budget.pk],
            budget.pk in ids,
            own_ids,
        )
        for budget in budgets
    ]


def find_own_lines(client: Client) -> dict[tuple[str, str], int]:
    """Our own invoice lines of a person, by the funder's invoice id and the item's."""
    lines = InvoiceLineItem.objects.filter(client=client, invoice__invoice_id__isnull=False)
    return {
        (str(invoice_id), item_id): number
        for number, invoice_id, item_id in lines.values_list("pk", "invoice__invoice_id", "item_id")
    }
