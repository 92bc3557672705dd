"""Where the money for delivered services is: five stages, each by age and, before a claim, by days left to make it.

Pure, so that the page, its files and the command say the same. Source: rules SAH-12 and CLAIM-08.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from carefund.domain.claims.checks import ClaimLine, last_claim_date

ZERO = Decimal("0.00")
CLOSES_SOON_DAYS = 14
_AGES = ((0, "Up to 14 days ago"), (15, "15 to 30 days ago"), (31, "31 to 60 days ago"), (61, "Over 60 days ago"))


class Stage(StrEnum):
    """How far a delivered line is on its way to payment, in the order in which finance looks at them."""

    NOT_CLAIMED = "not-claimed"
    UNDECIDED = "undecided"
    UNPAID = "unpaid"
    REFUSED = "refused"
    EXCEPTIONS = "exceptions"

    @property
    def label(self) -> str:
        """The stage as people read it."""
        return {
            Stage.NOT_CLAIMED: "Delivered, not claimed",
            Stage.UNDECIDED: "Claimed, not decided",
            Stage.UNPAID: "Approved, not paid",
            Stage.REFUSED: "Refused, to correct",
            Stage.EXCEPTIONS: "Does not match",
        }[self]


# Lines of these stages can be claimed, or claimed again, as long as the window is open.
TO_CLAIM = frozenset({Stage.NOT_CLAIMED, Stage.REFUSED})


class Delivered(NamedTuple):
    """Lines alike: `number` of them delivered on a day, which come to `amount` together."""

    funding_source: str
    delivery_date: date
    amount: Decimal
    number: int = 1


class Sum(NamedTuple):
    """So many lines, and what they come to in dollars."""

    number: int = 0
    amount: Decimal = ZERO

    def __add__(self, other: object) -> "Sum":
        if not isinstance(other, Sum):
            return NotImplemented
        return Sum(self.number + other.number, self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class StageSums:
    """One stage in figures. `closing`: the window closes within two weeks; `closed`: it is over, a reason is needed."""

    stage: Stage
    total: Sum
    by_age: Sequence[tuple[str, Sum]]
    closing: Sum
    closed: Sum


def add_up(stage: Stage, lines: Iterable[Delivered], today: date) -> StageSums:
    """The figures of a stage on a day."""
    by_age = dict.fromkeys((words for _, words in _AGES), Sum())
    total = closing = closed = Sum()
    for line in lines:
        found = Sum(line.number, line.amount)
        total += found
        by_age[name_age(line.delivery_date, today)] += found
        left = count_days_left(line.funding_source, line.delivery_date, today) if stage in TO_CLAIM else None
        if left is not None and left < 0:
            closed += found
        elif left is not None and left <= CLOSES_SOON_DAYS:
            closing += found
    return StageSums(stage, total, tuple(by_age.items()), closing, closed)


def describe_stage(sums: StageSums) -> dict[str, Any]:
    """Return a stage as plain data."""
    return {
        "stage": sums.stage.value,
        "lines": sums.total.number,
        "amount": sums.total.amount,
        "by_age": [{"delivered": words, "lines": part.number, "amount": part.amount} for words, part in sums.by_age],
        "closes_within_14_days": {"lines": sums.closing.number, "amount": sums.closing.amount},
        "window_closed": {"lines": sums.closed.number, "amount": sums.closed.amount},
    }


def name_age(delivery_date: date, today: date) -> str:
    """How long ago a service was, in the words of its group."""
    days = (today - delivery_date).days
    return next(words for first, words in reversed(_AGES) if days >= first or first == 0)


def count_days_left(funding_source: str, delivery_date: date, today: date) -> int | None:
    """Days in which a line can still be claimed without a reason: 0 on the last one, negative after it. None where the
    quarter does not say, as for assistive technology."""
    line = ClaimLine(0, "", "", delivery_date, Decimal(1), ZERO, funding_source)
    last = last_claim_date(line, ())
    return None if last is None else (last - today).days
