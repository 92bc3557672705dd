"""How ongoing money goes from quarter to quarter: what was used, what is planned or likely, what rolls over. Pure.

Past figures are the funder's; all that is to come is an estimate. Source: rules SAH-01, SAH-06, SAH-07 and SAH-18.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from carefund.domain.care_recipient.commitments import ZERO
from carefund.domain.care_recipient.planned import Planned, list_visits, list_visits_to_come
from carefund.domain.care_recipient.rollover import rollover_of
from carefund.domain.periods import Period
from carefund.domain.quarters import next_quarter, quarter_of

LOOK_BACK_DAYS = 56
_CENTS = Decimal("0.01")


class Foreseen(StrEnum):
    """What an estimate of spending to come rests on."""

    PLANNED = "planned"
    DELIVERED = "delivered"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class OngoingBudget:
    """An ongoing budget of one quarter. `used`: drawn or committed. `rollover`, `lost`: as the funder says.

    `base`: what its entitlements come to, or its total where they are not known.
    """

    period: Period
    total: Decimal
    used: Decimal
    rollover: Decimal
    lost: Decimal
    base: Decimal


@dataclass(frozen=True, slots=True)
class QuarterTrend:
    """A quarter in figures: `used` and `to_come` (planned or likely), then `rollover` and `lost`, which together are
    what remains; both are zero if it is below zero. `is_estimate`: it has not ended."""

    period: Period
    total: Decimal
    used: Decimal
    to_come: Decimal
    rollover: Decimal
    lost: Decimal
    is_estimate: bool

    @property
    def remaining(self) -> Decimal:
        return self.total - self.used - self.to_come


@dataclass(frozen=True, slots=True)
class Trend:
    """Quarters in order. `weekly` is the forecast's spending in a week; `runs_out_date` the first day without money."""

    quarters: tuple[QuarterTrend, ...]
    basis: Foreseen
    weekly: Decimal
    runs_out_date: date | None


def project(
    budgets: Iterable[OngoingBudget],
    entitled: Decimal | None,
    services: Sequence[Planned],
    delivered: Iterable[tuple[date, Decimal]],
    today: date,
) -> Trend:
    """The quarters that ended, the present one and, where it is known what a quarter brings (`entitled`), the next.

    With planned services their visits are what is to come; without them the daily average of what was delivered in the
    last eight weeks, `delivered` by day.
    """
    rows, runs_out_date = [], None
    daily = _average(delivered, today)
    basis = Foreseen.PLANNED if services else Foreseen.DELIVERED if daily else Foreseen.NOTHING
    for budget in sorted(budgets, key=lambda budget: budget.period.start_date or date.min):
        end = budget.period.end_date
        if end is None or (budget.period.start_date or date.min) > today:
            continue
        if end < today:
            rows.append(_ended(budget))
            continue
        spending = _spend(services, daily, today, today, end)
        rows.append(
            _to_come(budget.period, budget.total, budget.used + budget.lost + budget.rollover, spending, budget.base)
        )
        runs_out_date = _find_end(budget.total - budget.used - budget.lost - budget.rollover, spending)
        if entitled is not None and end == quarter_of(today).end_date:
            coming = next_quarter(quarter_of(today))
            days = (end - (budget.period.start_date or quarter_of(today).start_date)).days + 1
            base = (entitled / days * coming.days).quantize(_CENTS)
            total = base + rows[-1].rollover
            spending = _spend(services, daily, today, coming.start_date, coming.end_date)
            rows.append(_to_come(Period(coming.start_date, coming.end_date), total, ZERO, spending, base))
    return Trend(tuple(rows), basis, (daily * 7).quantize(_CENTS), runs_out_date)


def _ended(budget: OngoingBudget) -> QuarterTrend:
    rest = budget.total - budget.used
    known = budget.rollover + budget.lost
    rollover = budget.rollover if known else rollover_of(rest, budget.base)
    return QuarterTrend(budget.period, budget.total, budget.used, ZERO, rollover, max(rest - rollover, ZERO), False)


def _to_come(
    period: Period, total: Decimal, used: Decimal, spending: Sequence[tuple[date, Decimal]], base: Decimal
) -> QuarterTrend:
    to_come = sum((amount for _, amount in spending), ZERO).quantize(_CENTS)
    rest = total - used - to_come
    rollover = rollover_of(rest, base)
    return QuarterTrend(period, total, used, to_come, rollover, max(rest - rollover, ZERO), True)


def _spend(
    services: Sequence[Planned], daily: Decimal, today: date, first: date, last: date
) -> list[tuple[date, Decimal]]:
    """What is spent on each day, by the visits that are planned or else by the average."""
    if services:
        visits = [
            (day, service.price)
            for service in services
            for day in (
                list_visits_to_come(service, today, last) if first <= today else list_visits(service, first, last)
            )
        ]
        return sorted(visits)
    if not daily:
        return []
    begin = max(first, today + timedelta(days=1))
    return [(begin + timedelta(days=number), daily) for number in range(max((last - begin).days + 1, 0))]


def _average(delivered: Iterable[tuple[date, Decimal]], today: date) -> Decimal:
    """What was delivered a day in the last eight weeks, or since the first delivery in them."""
    since = today - timedelta(days=LOOK_BACK_DAYS)
    recent = [(day, amount) for day, amount in delivered if since < day <= today]
    amount = sum((amount for _, amount in recent), ZERO)
    if amount <= 0:
        return ZERO
    return amount / ((today - min(day for day, _ in recent)).days + 1)


def _find_end(left: Decimal, spending: Iterable[tuple[date, Decimal]]) -> date | None:
    """The first day on which what is to come exceeds what is left."""
    for day, amount in spending:
        left -= amount
        if left < 0:
            return day
    return None
