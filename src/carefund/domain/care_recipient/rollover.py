"""How much of an ended quarter's rest rolls over to the next. Pure. Source: rule SAH-07."""

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

_FLOOR, _SHARE, _CENT = Decimal("1000.00"), Decimal("0.10"), Decimal("0.01")


@lru_cache(maxsize=1024)  # thousands of clients have few levels, so few bases
def cap_of(base: Decimal) -> Decimal:
    """Return the most that rolls over: $1,000, or 10% of `base` if that is more.

    `base` is what the quarter's entitlements come to. Nobody publishes whether the funder counts them before or after
    the share for care management, so this is an estimate.
    """
    return max(_FLOOR, (base * _SHARE).quantize(_CENT, ROUND_HALF_UP))


def rollover_of(rest: Decimal, base: Decimal) -> Decimal:
    """Return what of a rest rolls over; nothing of a rest below zero."""
    return min(max(rest, Decimal("0.00")), cap_of(base))
