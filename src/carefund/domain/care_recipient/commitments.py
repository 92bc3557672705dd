"""Which money an own line or a planned visit is committed to while nothing was drawn for it: each to one place.

Pure, so that every page, file and command gets the same. Source: rules SAH-15, SAH-17 and SAH-18.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from carefund.domain.periods import Period

ZERO = Decimal("0.00")
ONGOING = "ON"
PROVIDER_HELD, HOME_CARE_ACCOUNT = "CU", "HC"
UNSPENT = (PROVIDER_HELD, HOME_CARE_ACCOUNT)  # in the order in which the funder draws
_OVERFLOWING = frozenset({ONGOING, "RC", "EL"})  # their own budget first, then unspent funds
_UNSPENT_FIRST = frozenset({"AT", "HM", "AS"})  # unspent funds first, then their own budget

BudgetKey = tuple[str, int]


class SpokenFor(StrEnum):
    """Why money is spoken for, in the order in which it is taken from what is available."""

    CLAIMED = "claimed"
    DELIVERED = "delivered"
    PLANNED = "planned"


class OpenLine(NamedTuple):
    """A line that no budget was drawn for: `amount` is its full price, `key` tells it from all others of its sort."""

    key: int
    type_code: str
    delivery_date: date
    amount: Decimal
    reason: SpokenFor = SpokenFor.DELIVERED


@dataclass(frozen=True, slots=True)
class Fund:
    """Money as far as a line needs to know it: a budget, or unspent funds of a Home Care Package.

    `key` is the funder's id, with a number where an id came twice.
    """

    key: BudgetKey
    type_code: str
    period: Period
    available: Decimal
    is_returned: bool = True


@dataclass(frozen=True, slots=True)
class Commitment:
    """What is spoken for of some money: claimed and not drawn, delivered and not claimed, planned."""

    claimed: Decimal = ZERO
    delivered: Decimal = ZERO
    planned: Decimal = ZERO

    @property
    def committed(self) -> Decimal:
        """What was delivered, claimed or not, and not drawn."""
        return self.claimed + self.delivered

    @property
    def total(self) -> Decimal:
        return self.committed + self.planned

    def __add__(self, other: object) -> "Commitment":
        if not isinstance(other, Commitment):
            return NotImplemented
        return Commitment(self.claimed + other.claimed, self.delivered + other.delivered, self.planned + other.planned)


NOTHING = Commitment()


def subtract_commitment(available: Decimal, commitment: Commitment) -> Decimal:
    """Return what is safe to spend, an estimate: what is available less what is committed and planned."""
    return available - commitment.total


def commit(lines: Iterable[OpenLine], funds: Iterable[Fund]) -> dict[BudgetKey, Commitment]:
    """What is spoken for of each fund; a line that none covers is in none.

    What was delivered comes before what is planned, and each of them goes by its day. Where several budgets cover a
    line, it goes to one that still holds its price, among those to the one that began last, then to the one with most
    left, then to the lowest id. Unspent funds come before the budget for assistive technology and home modifications,
    and after it for all else, as long as they hold the whole price.
    """
    return place(lines, funds).commitments


def place(lines: Iterable[OpenLine], funds: Iterable[Fund]) -> "Places":
    """Lines placed as `commit` says, so that more can be placed after them."""
    places = Places(funds)
    for line in sorted(lines, key=lambda line: (line.reason is SpokenFor.PLANNED, line.delivery_date, line.key)):
        places.take(line)
    return places


class Places:
    """Funds in which lines are placed one after the other."""

    def __init__(self, funds: Iterable[Fund]) -> None:
        self._funds = sorted(funds, key=lambda fund: fund.key)
        self._unspent = sorted(
            (fund for fund in self._funds if fund.type_code in UNSPENT and fund.is_returned),
            key=lambda fund: UNSPENT.index(fund.type_code),
        )
        self._of_kind: dict[str, list[Fund]] = {}
        for fund in self._funds:
            if fund.is_returned:
                self._of_kind.setdefault(fund.type_code, []).append(fund)
        self._taken = {fund.key: dict.fromkeys(SpokenFor, ZERO) for fund in self._funds}
        self._left = {fund.key: fund.available for fund in self._funds}
        self._lines: dict[BudgetKey, list[OpenLine]] = {fund.key: [] for fund in self._funds}

    def lines_of(self, key: BudgetKey) -> list[OpenLine]:
        """Return the lines that were placed in a fund, in the order in which they were."""
        return self._lines.get(key, [])

    @property
    def commitments(self) -> dict[BudgetKey, Commitment]:
        """What was placed in each."""
        return {
            key: Commitment(taken[SpokenFor.CLAIMED], taken[SpokenFor.DELIVERED], taken[SpokenFor.PLANNED])
            for key, taken in self._taken.items()
        }

    def find(self, line: OpenLine) -> Fund | None:
        """Where a line goes, None if nothing covers it."""
        day = line.delivery_date
        covering = [fund for fund in self._of_kind.get(line.type_code, ()) if fund.period.covers(day)]
        own = max(covering, key=lambda fund: self._fitness(fund, line)) if covering else None
        comes_first = line.type_code in _UNSPENT_FIRST
        overflows = own is not None and line.type_code in _OVERFLOWING and not self.holds(own, line)
        if comes_first or overflows:
            return next((fund for fund in self._unspent if self.holds(fund, line)), own)
        return own

    def holds(self, fund: Fund, line: OpenLine) -> bool:
        """Whether there is still a line's whole price, on its day."""
        return self._left[fund.key] >= line.amount and fund.period.covers(line.delivery_date)

    def take(self, line: OpenLine) -> Fund | None:
        """Place a line, and return where."""
        fund = self.find(line)
        if fund is not None:
            self._taken[fund.key][line.reason] += line.amount
            self._left[fund.key] -= line.amount
            self._lines[fund.key].append(line)
        return fund

    def _fitness(self, fund: Fund, line: OpenLine) -> tuple[bool, date, Decimal]:
        """How well a budget suits a line; of equals `max` takes the first, which has the lowest id."""
        left = self._left[fund.key]
        return left >= line.amount, fund.period.start_date or date.min, left


def first_day_of(listed: Sequence[Period], day: date) -> date | None:
    """The first day whose lines bear on what is committed of the budgets that cover a day; None if none does.

    That is where the earliest of them begins, or of those that share a day with them, directly or through others.
    """
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


def drawing_order(type_code: str) -> int:
    """Where money of a kind stands in the order in which the funder draws.

    Read from top to bottom, ongoing services go on to unspent funds, and equipment begins there.
    """
    if type_code in UNSPENT:
        return 1 + UNSPENT.index(type_code)
    return 0 if type_code in _OVERFLOWING else 1 + len(UNSPENT)
