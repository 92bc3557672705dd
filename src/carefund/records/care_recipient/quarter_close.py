"""A quarter on its way to its close: everybody's budget of it, what is still to be drawn, and the rollovers asked for.

One read for the page, its file, the command and the check before a rollover. The rule is in
domain/care_recipient/quarter_close.py. `store_rollovers` and the functions after it alone write.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models import Sum as SumOf

from carefund.domain.care_recipient.budgets import effects_of, is_closed
from carefund.domain.care_recipient.quarter_close import ClosingBudget, Projection, Readiness
from carefund.domain.claims.checks import amount_of
from carefund.domain.claims.money import Sum
from carefund.domain.quarters import Quarter
from carefund.domain.wording import write_money
from carefund.records.claims.open_lines import list_given_back_lines, list_unsent_lines
from carefund.records.durability import durable
from carefund.records.models import (
    BudgetUsage,
    Entitlement,
    ExceptionCase,
    InvoiceLineItem,
    PaymentRequest,
    PlanBudget,
    Rollover,
)
from carefund.records.not_found import find_one
from carefund.records.payload_store import store_payload

ZERO = Decimal("0.00")
_ONGOING = "ON"
_DRAWS = BudgetUsage.objects.filter(invoice_line_item=OuterRef("line_item"), no_longer_returned_date__isnull=True)


@dataclass(frozen=True, slots=True)
class ClosingRow:
    """One person's budget in the list. `rollover` is the newest that was asked for."""

    budget: PlanBudget
    closing: ClosingBudget
    readiness: Readiness
    rollover: Rollover | None
    is_ready_at_last: bool

    @property
    def can_be_asked_for(self) -> bool:
        """Whether somebody may ask for its rollover, for the first time or because the run of an earlier request was
        cancelled."""
        asked_again = self.rollover is not None and self.rollover.state == Rollover.State.ASKED
        return self.is_ready_at_last and (self.readiness is Readiness.READY or asked_again)

    @property
    def details(self) -> list[str]:
        """What else there is to say of it, in words."""
        said = [self.rollover.problem] if self.rollover and self.rollover.problem else []
        if self.rollover and self.rollover.is_uncertain and not self.closing.is_rolled_over:
            said.append("Not certain yet. Carefund checks the budget before it asks again.")
        if self.deviation is not None:
            more = "more" if self.deviation > 0 else "less"
            differs = f"{write_money(abs(self.deviation))} {more} rollover than estimated"
            said.append(differs if self.deviation else "Rollover as estimated")
        return said

    @property
    def tone(self) -> str:
        """How its state is coloured."""
        return {Readiness.READY: "good", Readiness.NOT_CLAIMED: "warn"}.get(self.readiness, "")

    @property
    def rollover_amount(self) -> Decimal | None:
        """What goes to the next quarter: the estimate, or once it is there the funder's figure."""
        return self.projection.rollover if self.projection else self._of_funder(self.closing.rolled)

    @property
    def lost(self) -> Decimal | None:
        """What is lost: the estimate, or once it is there the funder's figure."""
        return self.projection.loss if self.projection else self._of_funder(self.closing.written_off)

    def _of_funder(self, amount: Decimal) -> Decimal | None:
        return amount if self.closing.is_rolled_over else None

    @property
    def pending(self) -> Decimal:
        """What is claimed and not drawn."""
        return (self.closing.undecided + self.closing.not_drawn).amount

    @property
    def projection(self) -> Projection | None:
        return self.closing.projection

    @property
    def deviation(self) -> Decimal | None:
        """What rolled over beyond what was projected when it was confirmed; None before it is there."""
        if self.rollover is None or not self.closing.is_rolled_over or self.rollover.state == Rollover.State.REFUSED:
            return None
        projected: Decimal = self.rollover.amount
        return self.closing.rolled - projected


@dataclass(frozen=True, slots=True)
class QuarterTotals:
    """What the rows of a quarter come to."""

    people: int
    ready: int
    rolled_over: int
    not_claimed: Sum
    pending: Sum
    rollover: Decimal
    loss: Decimal
    rolled: Decimal
    written_off: Decimal


def list_closing_rows(
    quarter: Quarter, today: date, branch: str = "", budget_keys: Collection[int] | None = None
) -> list[ClosingRow]:
    """Everybody's ongoing budget that ends in a quarter, by name; of one branch, or of some budgets alone."""
    budgets = PlanBudget.objects.filter(
        budget_type_code=_ONGOING,
        end_date__range=(quarter.start_date, quarter.end_date),
        no_longer_returned_date__isnull=True,
        client__is_active=True,
    )
    if branch:
        budgets = budgets.filter(client__service_provider_id=branch)
    if budget_keys is not None:
        budgets = budgets.filter(pk__in=budget_keys)
    listed = list(budgets.select_related("client").order_by("client__last_name", "client__first_name", "id"))
    clients = {budget.client_id for budget in listed} if budget_keys is not None else None
    lines = _Lines.read(quarter, clients)
    bases = find_bases(budgets)
    rollovers = {row.plan_budget_id: row for row in Rollover.objects.filter(plan_budget__in=budgets).order_by("id")}
    return [_row(budget, lines, bases[budget.pk], rollovers.get(budget.pk), today) for budget in listed]


def add_up_rows(rows: Iterable[ClosingRow]) -> QuarterTotals:
    """The totals of a quarter's rows."""
    listed = list(rows)
    projections = [row.projection for row in listed if row.projection]
    pending = (row.closing.undecided + row.closing.not_drawn for row in listed)
    return QuarterTotals(
        people=len(listed),
        ready=sum(row.readiness is Readiness.READY for row in listed),
        rolled_over=sum(row.readiness is Readiness.ROLLED_OVER for row in listed),
        not_claimed=sum((row.closing.not_claimed for row in listed), Sum()),
        pending=sum(pending, Sum()),
        rollover=sum((projection.rollover for projection in projections), ZERO),
        loss=sum((projection.loss for projection in projections), ZERO),
        rolled=sum((row.closing.rolled for row in listed), ZERO),
        written_off=sum((row.closing.written_off for row in listed), ZERO),
    )


@dataclass(frozen=True, slots=True)
class _Lines:
    """Own ongoing lines of a quarter that were not drawn, added up by person."""

    not_claimed: dict[int, Sum]
    undecided: dict[int, Sum]
    not_drawn: dict[int, Sum]

    @classmethod
    def read(cls, quarter: Quarter, clients: Collection[int] | None) -> "_Lines":
        """Those of everybody, or of some people. Each list is short, however many lines there ever were."""
        open_keys = list_unsent_lines().order_by().values("pk").union(list_given_back_lines().order_by().values("pk"))
        unmatched = PaymentRequest.objects.filter(is_matched=False).order_by()
        states = PaymentRequest.State
        prepared = unmatched.filter(state=states.READY).values("line_item")
        claimed = unmatched.filter(state=states.CLAIMED).values("line_item")
        settled = (ExceptionCase.State.ACCEPTED, ExceptionCase.State.CLOSED_UNPAID)  # nobody waits for these draws
        paid = unmatched.filter(~Exists(_DRAWS), state=states.PAID).exclude(exception_case__state__in=settled)
        return cls(
            _add_up(InvoiceLineItem.objects.filter(pk__in=open_keys), quarter, clients),
            _add_up(InvoiceLineItem.objects.filter(pk__in=prepared.union(claimed)), quarter, clients),
            _add_up(InvoiceLineItem.objects.filter(pk__in=paid.values("line_item")), quarter, clients),
        )


def _add_up(lines: QuerySet[InvoiceLineItem], quarter: Quarter, clients: Collection[int] | None) -> dict[int, Sum]:
    within = lines.filter(
        delivery_date__range=(quarter.start_date, quarter.end_date), funding_source__in=(_ONGOING, "")
    )
    if clients is not None:
        within = within.filter(client__in=clients)
    found: dict[int, Sum] = defaultdict(Sum)
    for client_id, quantity, price in within.order_by().values_list("client_id", "quantity", "price_per_unit"):
        found[client_id] += Sum(1, amount_of(quantity, price))
    return found


def find_bases(budgets: QuerySet[PlanBudget]) -> dict[int, Decimal]:
    """Return the base of a rollover's 10%, by the budget's key: its entitlements, or its total without any."""
    listed = Entitlement.objects.filter(
        plan_budget__in=budgets.order_by().values("pk"), no_longer_returned_date__isnull=True
    )
    summed = listed.order_by().values_list("plan_budget").annotate(base=SumOf("amount"))
    bases = {key: base for key, base in summed if base}
    return {key: bases.get(key, total or ZERO) for key, total in budgets.order_by().values_list("pk", "total")}


def _row(budget: PlanBudget, lines: _Lines, base: Decimal, rollover: Rollover | None, today: date) -> ClosingRow:
    effects, client_id = effects_of(budget), budget.client_id
    assert budget.end_date is not None  # by the filter
    closing = ClosingBudget(
        end_date=budget.end_date,
        available=budget.available,
        base=base or budget.total or ZERO,
        is_closed=is_closed(budget.status),
        rolled=ZERO - effects.rollover_deduction,
        written_off=ZERO - effects.write_off,
        not_claimed=lines.not_claimed.get(client_id, Sum()),
        undecided=lines.undecided.get(client_id, Sum()),
        not_drawn=lines.not_drawn.get(client_id, Sum()),
        is_asked=rollover is not None and rollover.state == Rollover.State.ASKED,
    )
    is_ready = closing.readiness_but_for_request(today) is Readiness.READY
    return ClosingRow(budget, closing, closing.readiness(today), rollover, is_ready)


def store_rollovers(rows: Sequence[ClosingRow], by: Any) -> list[Rollover]:
    """Keep what was confirmed: a rollover for each row that is ready; one that was asked for before is given again.
    Raises IntegrityError if somebody else just asked."""
    before = [
        row.rollover for row in rows if row.can_be_asked_for and row.readiness is Readiness.ASKED and row.rollover
    ]
    return before + Rollover.objects.bulk_create(
        Rollover(
            plan_budget=row.budget,
            base=row.projection.base,
            amount=row.projection.rollover,
            loss=row.projection.loss,
            asked_by=by,
        )
        for row in rows
        if row.readiness is Readiness.READY and row.projection
    )


def find_rollover(number: int) -> Rollover:
    """A rollover by its number, with its budget and client. Raises NotHere."""
    return find_one(Rollover.objects.select_related("plan_budget__client").filter(pk=number))


def begin_rollover(rollover: Rollover, now: datetime) -> None:
    """Note that the funder is about to be asked, before it is; a power cut does not undo this."""
    with durable():
        Rollover.objects.filter(pk=rollover.pk).update(is_uncertain=True, attempted_at=now)


def store_rollover_answer(rollover: Rollover, body: bytes) -> None:
    """Keep what the funder answered, as it came."""
    with transaction.atomic():
        Rollover.objects.filter(pk=rollover.pk).update(answer=store_payload(body))


def end_rollover(rollover: Rollover, state: str, now: datetime, problem: str = "") -> None:
    """Keep what came of a rollover: that is certain from now on."""
    Rollover.objects.filter(pk=rollover.pk).update(
        state=state, is_uncertain=False, finished_at=now, problem=problem[:300]
    )
