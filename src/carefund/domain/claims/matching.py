"""Closing the loop: what a line claimed, what was paid for it, and what was drawn for it from which budgets.

Source: rules SAH-10 and CLAIM-08.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

ZERO = Decimal("0.00")
# Usage shows about a day after the approval, later over a weekend: so many days after it the people in a claim are
# synchronised again, until every draw is there. After the last of these days a missing draw is an exception.
RECHECK_DAYS = (1, 2, 5)
USAGE_LAG_DAYS = RECHECK_DAYS[-1]
_REFUSALS = ("REJECT", "REFUS", "NOT PAID", "NOTPAID", "DENIED", "DECLINED")


def count_due_rechecks(elapsed: timedelta) -> int:
    """How many of the looks for missing draws are due, so long after the first sync that followed an approval."""
    return sum(elapsed >= timedelta(days=days) for days in RECHECK_DAYS)


class Draw(NamedTuple):
    """One amount drawn from one budget, as the funder signs it: negative, a reversal positive."""

    budget_id: str
    type_code: str
    amount: Decimal


class LineState(StrEnum):
    """Where a line stands between claim and budget."""

    NOT_CLAIMED = "not claimed"
    WAITING = "waiting for a decision"
    REFUSED = "refused"
    DRAWN = "paid and drawn"
    DIFFERENT = "drawn amount differs"
    USAGE_AWAITED = "draw not shown yet"
    NO_USAGE = "paid but not drawn"
    ERASED = "paid, draws erased"
    REVERSED = "refused but drawn"


@dataclass(frozen=True, slots=True)
class LineTruth:
    """One line with both sides of the story. `approved_date` None: the funder has not decided. `is_erased`: the client
    was erased, so that no draw is kept or read."""

    claimed: Decimal
    draws: Sequence[Draw] = ()
    is_claimed: bool = True
    approved_date: date | None = None
    is_refused: bool = False
    is_erased: bool = False

    @property
    def drawn(self) -> Decimal:
        """What was drawn in all, as a positive size; reversals lower it."""
        return -sum((draw.amount for draw in self.draws), ZERO)

    @property
    def difference(self) -> Decimal:
        """What was claimed and not drawn; negative when more was drawn than claimed."""
        return self.claimed - self.drawn

    def state(self, today: date) -> LineState:
        """Where the line stands on a day."""
        if self.is_refused:
            return LineState.REVERSED if self.drawn else LineState.REFUSED
        if self.draws:
            return LineState.DIFFERENT if self.difference else LineState.DRAWN
        if not self.is_claimed:
            return LineState.NOT_CLAIMED
        if self.approved_date is None:
            return LineState.WAITING
        if self.is_erased:
            return LineState.ERASED
        if today <= self.approved_date + timedelta(days=USAGE_LAG_DAYS):
            return LineState.USAGE_AWAITED
        return LineState.NO_USAGE


EXCEPTIONS = frozenset({LineState.REFUSED, LineState.DIFFERENT, LineState.NO_USAGE, LineState.REVERSED})


def is_refusal(determination: str) -> bool:
    """Whether the funder's word for its decision on a line means that it pays nothing; unknown words do not."""
    said = determination.strip().upper()
    return any(word in said for word in _REFUSALS)
