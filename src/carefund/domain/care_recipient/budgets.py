"""Which budgets are open, what their figures do to the total, and whether they add up.

Source: rules SYNC-07 and SAH-05.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, Protocol

ZERO = Decimal("0.00")


def is_open(end_date: date | None, today: date, open_days: int) -> bool:
    """Whether usage of a budget is still read: no end, or an end not more than `open_days` in the past."""
    return end_date is None or end_date >= today - timedelta(days=open_days)


class Effects(NamedTuple):
    """What use, write-off and rollover deduction do to a budget's total: negative lowers it, positive is given back."""

    used: Decimal
    write_off: Decimal
    rollover_deduction: Decimal


def read_effects(
    total: Decimal | None,
    available: Decimal | None,
    used: Decimal | None,
    write_off: Decimal | None,
    rollover_deduction: Decimal | None,
) -> Effects:
    """The three as they act on the total, whichever sign the funder uses for a deduction.

    The funder documents no sign, so the reading that adds up to what is available counts: as received, or all of them
    as deductions. If neither decides, one negative amount shows that signs mean something.
    """
    received = Effects(used or ZERO, write_off or ZERO, rollover_deduction or ZERO)
    lowered = Effects(*(-abs(amount) for amount in received))
    if total is not None and available is not None:
        for reading in (lowered, received):
            if available == total + sum(reading, ZERO):
                return reading
    return received if any(amount < 0 for amount in received) else lowered


class Figures(Protocol):
    """A budget's figures, stored or as received."""

    @property
    def total(self) -> Decimal | None: ...

    @property
    def available(self) -> Decimal | None: ...

    @property
    def used(self) -> Decimal | None: ...

    @property
    def write_off(self) -> Decimal | None: ...

    @property
    def rollover_deduction(self) -> Decimal | None: ...


def effects_of(budget: Figures) -> Effects:
    """What a budget's own figures do to its total."""
    return read_effects(budget.total, budget.available, budget.used, budget.write_off, budget.rollover_deduction)


def find_available(total: Decimal | None, available: Decimal | None, effects: Effects) -> Decimal:
    """What the funder calls available, or what it comes to where the funder does not say."""
    return (total or ZERO) + sum(effects, ZERO) if available is None else available


@lru_cache(maxsize=64)
def is_closed(status: str) -> bool:
    """Whether the funder calls a budget closed; whatever else it says, also nothing, leaves the budget active."""
    return status.strip().casefold() == "closed"


def adds_up(
    total: Decimal | None,
    available: Decimal | None,
    used: Decimal | None,
    write_off: Decimal | None,
    rollover_deduction: Decimal | None,
) -> bool:
    """Whether available = total less use, write-off and rollover deduction, with the signs as received or all negative.

    Without total or available amount there is nothing to check.
    """
    if total is None or available is None:
        return True
    if available == total + (used or ZERO) + (write_off or ZERO) + (rollover_deduction or ZERO):
        return True
    return available == total + sum(read_effects(total, available, used, write_off, rollover_deduction), ZERO)


def rollover_received(total: Decimal | None, entitlements: Iterable[Decimal | None]) -> Decimal | None:
    """The part of a budget's total that no entitlement explains: usually rollover. None if unknown."""
    if total is None:
        return None
    return total - sum((amount for amount in entitlements if amount is not None), ZERO)
