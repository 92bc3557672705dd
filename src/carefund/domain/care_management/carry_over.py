"""What of a care management pool would be lost on 30 June: an estimate, never a figure of the funder.

Within a financial year everything goes on to the next quarter; into the next financial year at most what was allocated
for April to June. Source: rules SAH-06 and SAH-09.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from carefund.domain.care_recipient.budgets import Figures, effects_of
from carefund.domain.quarters import Quarter, next_quarter, quarter_of

_ZERO = Decimal("0.00")


class Reported(Figures, Protocol):
    """What is needed of a pooled budget."""

    @property
    def start_date(self) -> date | None: ...
    @property
    def end_date(self) -> date | None: ...
    @property
    def allocated(self) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """The forecast with the parts it is made of, in dollars, all of them zero or more.

    left_now + to_come_in + to_be_allocated - expected_use = expected_left (never below zero), and what of that exceeds
    `may_be_carried` is `lost`.
    """

    year_end_date: date
    left_now: Decimal
    to_come_in: Decimal
    to_be_allocated: Decimal
    expected_use: Decimal
    expected_left: Decimal
    may_be_carried: Decimal
    lost: Decimal


def last_quarter_of_year(quarter: Quarter) -> Quarter:
    """April to June of the quarter's financial year."""
    return Quarter(date(quarter.financial_year + 1, 4, 1))


def estimate_loss(budgets: Iterable[Reported], today: date) -> Estimate | None:
    """What would be lost on the coming 30 June if spending went on as in this financial year so far.

    `budgets` are all of one pool, past quarters too. None without a budget in today's quarter to go by. Allocations of
    quarters not yet known are taken to be as large per day as this quarter's.
    """
    by_quarter: dict[Quarter, list[Reported]] = {}
    for budget in budgets:
        if budget.start_date is not None:
            by_quarter.setdefault(quarter_of(budget.start_date), []).append(budget)
    this = quarter_of(today)
    if this not in by_quarter:
        return None
    per_day = sum((_allocation(row) for row in by_quarter[this]), _ZERO) / this.days

    def allocated_for(quarter: Quarter) -> Decimal:
        known = by_quarter.get(quarter)
        return sum((_allocation(row) for row in known), _ZERO) if known else per_day * quarter.days

    last = last_quarter_of_year(this)
    coming: list[Quarter] = []
    while (coming[-1] if coming else this) != last:
        coming.append(next_quarter(coming[-1] if coming else this))
    # Rounded before they are added up, so that what people see adds up to the cent.
    left_now = _cents(sum((_left(row) for row in by_quarter[this]), _ZERO))
    to_come_in = _cents(_not_carried_yet(by_quarter, this))
    to_be_allocated = _cents(sum((allocated_for(quarter) for quarter in coming), _ZERO))
    expected_use = _cents(_use_per_day(by_quarter, this, today) * (last.end_date - today).days)
    expected_left = max(_ZERO, left_now + to_come_in + to_be_allocated - expected_use)
    may_be_carried = _cents(allocated_for(last))
    lost = max(_ZERO, expected_left - may_be_carried)
    return Estimate(
        last.end_date, left_now, to_come_in, to_be_allocated, expected_use, expected_left, may_be_carried, lost
    )


def _not_carried_yet(by_quarter: dict[Quarter, list[Reported]], this: Quarter) -> Decimal:
    """Money of ended quarters that the funder has not moved on yet: all of this year's, and of the last year's final
    quarter no more than was allocated for it."""
    found = _ZERO
    for quarter, rows in by_quarter.items():
        left = sum((_left(row) for row in rows), _ZERO)
        if quarter < this and quarter.financial_year == this.financial_year:
            found += left
        elif quarter.financial_year == this.financial_year - 1 and quarter.number == 4:
            found += min(left, sum((_allocation(row) for row in rows), _ZERO))
    return found


def _use_per_day(by_quarter: dict[Quarter, list[Reported]], this: Quarter, today: date) -> Decimal:
    """The pace of this financial year so far; before its first day is over there is none."""
    quarters = [quarter for quarter in by_quarter if quarter <= this and quarter.financial_year == this.financial_year]
    used = max(_ZERO, -sum((effects_of(row).used for quarter in quarters for row in by_quarter[quarter]), _ZERO))
    days = sum(
        (min(today, quarter.end_date) - _first_day(by_quarter[quarter], quarter)).days + (quarter != this)
        for quarter in quarters
    )
    return used / days if days > 0 else _ZERO


def _first_day(rows: list[Reported], quarter: Quarter) -> date:
    """The programme, and a branch, may begin within a quarter."""
    return min((row.start_date for row in rows if row.start_date), default=quarter.start_date)


def _allocation(budget: Reported) -> Decimal:
    return (budget.total or _ZERO) if budget.allocated is None else budget.allocated


def _left(budget: Reported) -> Decimal:
    return max(_ZERO, budget.available or _ZERO)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
