"""A quarter on its way to its close: everybody's budget of it, what is still to be drawn, and the rollovers asked for.

One read for the page, its file, the command and the check before a rollover. The rule is in domain. Nothing here
writes; what was asked for is kept by rollovers.py.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models import Sum as SumOf

from carefund.domain.care_recipient.budgets import effects_of, is_closed
from carefund.domain.care_recipient.quarter_close import ClosingBudget, Projection, Readiness
from carefund.domain.claims.checks import amount_of
from carefund.domain.claims.money import Sum
from carefund.domain.quarters import Quarter
from carefund.domain.wording import write_money
from carefund.records.claims.open_lines import list_given_back_lines, list_unsent_lines
from carefund.records.draws import net_draws
from carefund.records.models import (
    ClaimBatch,
    Entitlement,
    ExceptionCase,
    InvoiceLineItem,
    PaymentRequest,
    PlanBudget,
    Rollover,
)

ZERO = Decimal("0.00")
_ONGOING = "ON"
_NOTHING = Sum()
# A budget that was issued again stays in the funder's list beside the new one, without money.
_ISSUED_AGAIN = PlanBudget.objects.filter(
    client=OuterRef("client"),
    budget_type_code=_ONGOING,
    start_date=OuterRef("start_date"),
    end_date=OuterRef("end_date"),
    no_longer_returned_date__isnull=True,
    total__gt=0,
)
# Nobody waits for these draws.
_SETTLED = ExceptionCase.objects.filter(
    payment_request=OuterRef("pk"),
    state__in=(ExceptionCase.State.ACCEPTED, ExceptionCase.State.CLOSED_UNPAID),
    closed_at__isnull=True,
)


class Closing(NamedTuple):
    """One person's budget in figures alone, as totals and filters need it."""

    budget_key: int
    client_id: int
    closing: ClosingBudget
    readiness: Readiness


class _HeldFigures(NamedTuple):
    """What of a budget its close is worked out from."""

    pk: int
    client_id: int
    end_date: date
    status: str
    total: Decimal | None
    available: Decimal | None
    used: Decimal | None
    write_off: Decimal | None
    rollover_deduction: Decimal | None


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
            said.append(
                "It is not certain whether the budget was rolled over. Carefund checks before it requests the rollover "
                "again."
            )
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


def list_closings(
    quarter: Quarter, today: date, branch: str = "", budget_keys: Collection[int] | None = None
) -> list[Closing]:
    """Everybody's ongoing budget that ends in a quarter, by name, in figures; of one branch, or of some budgets."""
    budgets = _list_budgets(quarter, branch)
    if budget_keys is not None:
        budgets = budgets.filter(pk__in=budget_keys)
    figures = budgets.order_by("client__last_name", "client__first_name", "id").values_list(*_HeldFigures._fields)
    listed = _leave_out_issued_again(list(map(_HeldFigures._make, figures)))
    clients = None if budget_keys is None else {held.client_id for held in listed}
    lines, entitled = _Lines.read(quarter, clients), _add_up_entitlements(_list_of_quarter(quarter), clients)
    asked = dict(_list_rollovers(budgets).values_list("plan_budget", "state"))
    found = []
    for held in listed:
        closing = _close(held, lines, entitled.get(held.pk) or held.total or ZERO, asked.get(held.pk))
        found.append(Closing(held.pk, held.client_id, closing, closing.readiness(today)))
    return found


def list_rows_of(closings: Sequence[Closing], today: date) -> list[ClosingRow]:
    """The same budgets with all that a list shows of them, in their order."""
    keys = [closing.budget_key for closing in closings]
    budgets = PlanBudget.objects.select_related("client").in_bulk(keys)
    rollovers = {row.plan_budget_id: row for row in Rollover.objects.filter(plan_budget__in=keys).order_by("id")}
    return [
        ClosingRow(
            budgets[key], closing, readiness, rollovers.get(key),
            closing.readiness_but_for_request(today) is Readiness.READY,
        )
        for key, _, closing, readiness in closings
        if key in budgets
    ]  # fmt: skip


def list_closing_rows(
    quarter: Quarter, today: date, branch: str = "", budget_keys: Collection[int] | None = None
) -> list[ClosingRow]:
    """Everybody's ongoing budget that ends in a quarter, by name; of one branch, or of some budgets alone."""
    return list_rows_of(list_closings(quarter, today, branch, budget_keys), today)


def _list_of_quarter(quarter: Quarter) -> QuerySet[PlanBudget]:
    return PlanBudget.objects.filter(
        budget_type_code=_ONGOING,
        end_date__range=(quarter.start_date, quarter.end_date),
        no_longer_returned_date__isnull=True,
    )


def _list_budgets(quarter: Quarter, branch: str) -> QuerySet[PlanBudget]:
    budgets = _list_of_quarter(quarter).filter(client__is_active=True)
    return budgets.filter(client__service_provider_id=branch) if branch else budgets


def _leave_out_issued_again(listed: list[_HeldFigures]) -> list[_HeldFigures]:
    """Few budgets have no total, so only they are looked for a second time."""
    without_total = [held.pk for held in listed if held.total == 0]
    if not without_total:
        return listed
    again = PlanBudget.objects.filter(Exists(_ISSUED_AGAIN), pk__in=without_total)
    left_out = set(again.values_list("pk", flat=True))
    return [held for held in listed if held.pk not in left_out]


def _list_rollovers(budgets: QuerySet[PlanBudget]) -> QuerySet[Rollover]:
    """What was asked for, the newest of a budget last. Rollovers are few, so the database begins with them."""
    return Rollover.objects.filter(plan_budget__in=budgets.order_by().values("pk")).order_by("id")


@dataclass(frozen=True, slots=True)
class _Lines:
    """Own ongoing lines of a quarter that were not drawn, added up by person."""

    not_claimed: dict[int, Sum]
    undecided: dict[int, Sum]
    not_drawn: dict[int, Sum]

    @classmethod
    def read(cls, quarter: Quarter, clients: Collection[int] | None) -> "_Lines":
        """Those of everybody, or of some people. Each list is short, however many lines there ever were."""
        unmatched = PaymentRequest.objects.filter(is_matched=False).order_by()
        states = PaymentRequest.State
        # The lines of a batch are of its days, and batches are few.
        batches = ClaimBatch.objects.filter(from_date__lte=quarter.end_date, to_date__gte=quarter.start_date).order_by()
        claimed = unmatched.filter(state__in=(states.READY, states.CLAIMED), batch__in=batches.values("pk"))
        paid = unmatched.filter(~Exists(_SETTLED), ~Exists(net_draws("line_item")), state=states.PAID)
        not_drawn = list(paid.values_list("line_item", flat=True))
        return cls(
            _add_up((list_unsent_lines(), list_given_back_lines()), quarter, clients),
            _add_up((InvoiceLineItem.objects.filter(pk__in=claimed.values("line_item")),), quarter, clients),
            _add_up((InvoiceLineItem.objects.filter(pk__in=not_drawn),), quarter, clients),
        )


def _add_up(
    parts: Iterable[QuerySet[InvoiceLineItem]], quarter: Quarter, clients: Collection[int] | None
) -> dict[int, Sum]:
    found: dict[int, Sum] = defaultdict(Sum)
    for lines in parts:
        within = lines.filter(
            delivery_date__range=(quarter.start_date, quarter.end_date), funding_source__in=(_ONGOING, "")
        )
        if clients is not None:
            within = within.filter(client__in=clients)
        for client_id, quantity, price in within.order_by().values_list("client_id", "quantity", "price_per_unit"):
            found[client_id] += Sum(1, amount_of(quantity, price))
    return found


def find_bases(budgets: Collection[PlanBudget]) -> dict[int, Decimal]:
    """Return the base of a rollover's 10%, by the budget's key: its entitlements, or its total without any."""
    entitled = _add_up_entitlements([budget.pk for budget in budgets], {budget.client_id for budget in budgets})
    return {budget.pk: entitled.get(budget.pk) or budget.total or ZERO for budget in budgets}


def _add_up_entitlements(
    budgets: QuerySet[PlanBudget] | Collection[int], clients: Collection[int] | None
) -> dict[int, Decimal | None]:
    """What each budget is made up of; of some people by the index, which begins with the client."""
    keys: Any = budgets.order_by().values("pk") if isinstance(budgets, QuerySet) else budgets
    listed = Entitlement.objects.filter(plan_budget__in=keys, no_longer_returned_date__isnull=True)
    if clients is not None:
        listed = listed.filter(client__in=clients)
    return dict(listed.order_by().values_list("plan_budget").annotate(base=SumOf("amount")))


def _close(budget: _HeldFigures, lines: _Lines, base: Decimal, asked: str | None) -> ClosingBudget:
    rolled = written_off = ZERO
    if budget.rollover_deduction or budget.write_off:
        effects = effects_of(budget)
        rolled, written_off = ZERO - effects.rollover_deduction, ZERO - effects.write_off
    key = budget.client_id
    return ClosingBudget(
        budget.end_date, budget.available, base, is_closed(budget.status), rolled, written_off,
        lines.not_claimed.get(key, _NOTHING), lines.undecided.get(key, _NOTHING), lines.not_drawn.get(key, _NOTHING),
        asked == Rollover.State.ASKED,
    )  # fmt: skip


def describe_closing(row: ClosingRow) -> dict[str, Any]:
    """Return a row as plain data."""
    projection, closing = row.projection, row.closing
    return {
        "care_recipient_id": row.budget.client.care_recipient_id,
        "budget_id": row.budget.budget_id,
        "readiness": row.readiness.value,
        "available": closing.available,
        "not_claimed": closing.not_claimed.amount,
        "pending": row.pending,
        "base": closing.base,
        "projected_rollover": projection.rollover if projection else None,
        "projected_loss": projection.loss if projection else None,
        "rollover": closing.rolled if closing.is_rolled_over else None,
        "write_off": closing.written_off if closing.is_rolled_over else None,
    }
