"""Which budget an own line is committed to while nothing was drawn for it: each line to exactly one, or to none.

Pure, so that every page, file and command gets the same. Source: rule SAH-15.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from carefund.domain.periods import Period

ZERO = Decimal("0.00")

BudgetKey = tuple[str, int]


class OpenLine(NamedTuple):
    """A delivered line that no budget was drawn for: `amount` is its full price, `key` tells it from all others."""

    key: int
    type_code: str
    delivery_date: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Fund:
    """A budget as far as a line needs to know it. `key` is the funder's id, with a number where an id came twice."""

    key: BudgetKey
    type_code: str
    period: Period
    available: Decimal
    is_returned: bool = True

    def covers(self, line: OpenLine) -> bool:
        """Whether a line of that kind and day can be drawn from it."""
        return self.is_returned and self.type_code == line.type_code and self.period.covers(line.delivery_date)


def commit(lines: Iterable[OpenLine], funds: Iterable[Fund]) -> dict[BudgetKey, Decimal]:
    """What is committed of each budget; a line that no budget covers is in none.

    Lines are placed by day of delivery. Where several budgets cover a line, it goes to one that still holds its price,
    among those to the one that began last, then to the one with most left, then to the lowest id.
    """
    listed = sorted(funds, key=lambda fund: fund.key)
    committed = {fund.key: ZERO for fund in listed}
    for line in sorted(lines, key=lambda line: (line.delivery_date, line.key)):
        covering = [fund for fund in listed if fund.covers(line)]
        if covering:
            fund = max(covering, key=lambda fund: _fitness(fund, line, committed[fund.key]))
            committed[fund.key] += line.amount
    return committed


def first_day_of(funds: Iterable[Fund], day: date) -> date | None:
    """The first day whose lines bear on what is committed of the budgets that cover a day; None if none does.

    That is where the earliest of them begins, or of those that share a day with them, directly or through others.
    """
    listed = [fund.period for fund in funds if fund.is_returned]
    starts = [period.start_date or date.min for period in listed if period.covers(day)]
    first = min(starts, default=None)
    while first is not None:
        earlier = min(
            (period.start_date or date.min for period in listed if period.end_date is None or period.end_date >= first),
            default=first,
        )
        if earlier >= first:
            break
        first = earlier
    return first


def _fitness(fund: Fund, line: OpenLine, committed: Decimal) -> tuple[bool, date, Decimal]:
    """How well a budget suits a line; of equals `max` takes the first, which has the lowest id."""
    left = fund.available - committed
    return left >= line.amount, fund.period.start_date or date.min, left
