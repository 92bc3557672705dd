"""What of an ended quarter's budget rolls over to the next one and what is lost, as an estimate, and who is ready.

Pure. The funder's own figures, once there are any, are never mixed with these. Source: rules SAH-06, SAH-07 and SAH-12.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Protocol

from carefund.domain.care_recipient.rollover import cap_of, rollover_of
from carefund.domain.claims.checks import CLAIM_WINDOW_DAYS
from carefund.domain.claims.money import Sum
from carefund.domain.quarters import Quarter, previous_quarter, quarter_of

ZERO = Decimal("0.00")
_NOTHING = Sum()


class Readiness(StrEnum):
    """Whether a quarter of a person can be rolled over now, and if not, why."""

    READY = "ready"
    NOT_CLAIMED = "not-claimed"
    UNDECIDED = "undecided"
    NOT_DRAWN = "not-drawn"
    NO_FIGURES = "no-figures"
    ASKED = "asked"
    ROLLED_OVER = "rolled-over"
    NOT_ENDED = "not-ended"
    WINDOW_OVER = "window-over"

    @property
    def label(self) -> str:
        """The reason as people read it."""
        return _LABELS[self]


_LABELS = {
    Readiness.READY: "Ready",
    Readiness.NOT_CLAIMED: "Services not claimed",
    Readiness.UNDECIDED: "Claim not decided",
    Readiness.NOT_DRAWN: "Draw not shown yet",
    Readiness.NO_FIGURES: "Amount available not known",
    Readiness.ASKED: "Rollover requested",
    Readiness.ROLLED_OVER: "Rolled over",
    Readiness.NOT_ENDED: "Quarter not over",
    Readiness.WINDOW_OVER: "Claim window closed",
}


class Projection(NamedTuple):
    """What is left once all that was delivered is drawn, and what becomes of it: rollover + loss = rest. `cap` is the
    most that goes on: $1,000, or 10% of `base` if that is more."""

    rest: Decimal
    base: Decimal
    cap: Decimal
    rollover: Decimal
    loss: Decimal


def project(available: Decimal, still_to_draw: Decimal, base: Decimal) -> Projection:
    """What becomes of a budget with so much available, when so much of our own is still to be drawn from it.

    `base` is what the quarter's entitlements come to.
    """
    rest = max(ZERO, available - still_to_draw)
    rollover = rollover_of(rest, base)
    return Projection(rest, base, cap_of(base), rollover, rest - rollover)


class ClosingBudget(NamedTuple):
    """One person's budget of a quarter, with own lines of its days that were not drawn, by how far they are.

    `available` None: the funder did not say. `rolled` and `written_off` are what became of it there, as sizes.
    """

    end_date: date
    available: Decimal | None
    base: Decimal
    is_closed: bool
    rolled: Decimal = ZERO
    written_off: Decimal = ZERO
    not_claimed: Sum = _NOTHING
    undecided: Sum = _NOTHING
    not_drawn: Sum = _NOTHING
    is_asked: bool = False

    @property
    def is_rolled_over(self) -> bool:
        """Whether the funder has split what was left."""
        return self.is_closed or bool(self.rolled or self.written_off)

    @property
    def projection(self) -> Projection | None:
        """What is to become of it; None once the funder has said, or where nobody knows what is available."""
        if self.available is None or self.is_rolled_over:
            return None
        if not (self.not_claimed.number or self.undecided.number or self.not_drawn.number):
            return project(self.available, ZERO, self.base)
        still_to_draw = self.not_claimed.amount + self.undecided.amount + self.not_drawn.amount
        return project(self.available, still_to_draw, self.base)

    def readiness(self, today: date) -> Readiness:
        """Whether it can be rolled over on a day; the first reason against it counts."""
        reason = self.readiness_but_for_request(today)
        return Readiness.ASKED if self.is_asked and reason is not Readiness.ROLLED_OVER else reason

    def readiness_but_for_request(self, today: date) -> Readiness:
        """The same for what was asked for already, at the moment of asking the funder."""
        if self.is_rolled_over:
            return Readiness.ROLLED_OVER
        if today <= self.end_date:
            return Readiness.NOT_ENDED
        if count_days_to_close(self.end_date, today) < 0:
            return Readiness.WINDOW_OVER
        if self.not_claimed.number:
            return Readiness.NOT_CLAIMED
        if self.undecided.number:
            return Readiness.UNDECIDED
        if self.not_drawn.number:
            return Readiness.NOT_DRAWN
        return Readiness.NO_FIGURES if self.available is None else Readiness.READY


@lru_cache(maxsize=256)
def count_days_to_close(end_date: date, today: date) -> int:
    """Days of the claim window that are left: 0 on the last one, negative after it. Source: rule SAH-12."""
    return (end_date + timedelta(days=CLAIM_WINDOW_DAYS) - today).days


def quarter_to_close(today: date) -> Quarter:
    """The quarter that ended last: the only one that can still be open for claims on any day."""
    return previous_quarter(quarter_of(today))


class QuarterStanding(Protocol):
    """How one budget stands, whatever else is known of it."""

    @property
    def closing(self) -> ClosingBudget: ...

    @property
    def readiness(self) -> Readiness: ...


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


def add_up_rows(rows: Iterable[QuarterStanding]) -> QuarterTotals:
    """The totals of a quarter's rows."""
    readiness = []  # counted by the list, since an enum takes long to look up
    not_claimed = pending = Sum()
    rollover = loss = rolled = written_off = ZERO
    for row in rows:
        closing = row.closing
        readiness.append(row.readiness)
        if closing.not_claimed.number:
            not_claimed += closing.not_claimed
        if closing.undecided.number or closing.not_drawn.number:
            pending += closing.undecided + closing.not_drawn
        if projection := closing.projection:
            rollover += projection.rollover
            loss += projection.loss
        if closing.is_rolled_over:
            rolled += closing.rolled
            written_off += closing.written_off
    return QuarterTotals(
        people=len(readiness),
        ready=readiness.count(Readiness.READY),
        rolled_over=readiness.count(Readiness.ROLLED_OVER),
        not_claimed=not_claimed,
        pending=pending,
        rollover=rollover,
        loss=loss,
        rolled=rolled,
        written_off=written_off,
    )
