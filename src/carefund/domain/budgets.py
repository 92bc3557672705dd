"""Which budgets are open, and whether a budget's figures add up.

Source: rules SYNC-07 and SAH-05.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

ZERO = Decimal("0.00")


def is_open(end_date: date | None, today: date, open_days: int) -> bool:
    """Whether usage of a budget is still read: no end, or an end not more than `open_days` in the past."""
    return end_date is None or end_date >= today - timedelta(days=open_days)


def adds_up(
    total: Decimal | None,
    available: Decimal | None,
    used: Decimal | None,
    write_off: Decimal | None,
    rollover_deduction: Decimal | None,
) -> bool:
    """Whether available = total less use, write-off and rollover deduction, with the signs as received or all negative.

    The funder documents no sign, so either is accepted. Without total or available amount there is nothing to check.
    """
    if total is None or available is None:
        return True
    lowered = [amount or ZERO for amount in (used, write_off, rollover_deduction)]
    return available in (total + sum(lowered, ZERO), total - sum((abs(amount) for amount in lowered), ZERO))


def rolled_in(total: Decimal | None, entitlements: Iterable[Decimal | None]) -> Decimal | None:
    """The part of a budget's total that no entitlement explains: usually money rolled in. None if unknown."""
    if total is None:
        return None
    return total - sum((amount for amount in entitlements if amount is not None), ZERO)
