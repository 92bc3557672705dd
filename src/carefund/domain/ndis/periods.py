"""Funding periods: Active, Expired or Pending, and what is available in the current one.

Source: rule NDIS-08.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carefund.domain.ndis.plan import PacePeriod

NOTHING = Decimal("0.00")


class PeriodStatus(StrEnum):
    """Where a period lies against today."""

    ACTIVE = "Active"
    EXPIRED = "Expired"
    PENDING = "Pending"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Money delivered on a day. An adjustment stands for all that was spent before, on days that nobody told us."""

    delivered_date: date
    amount: Decimal
    is_adjustment: bool = False


def status_on(period: PacePeriod, today: date) -> PeriodStatus:
    """A period's status on a day."""
    if period.covers(today):
        return PeriodStatus.ACTIVE
    return PeriodStatus.PENDING if today < period.start_date else PeriodStatus.EXPIRED


def current_period(periods: Iterable[PacePeriod], today: date) -> PacePeriod | None:
    """The active period; of several that overlap the one that began last."""
    active = [period for period in periods if status_on(period, today) is PeriodStatus.ACTIVE]
    return max(active, key=lambda period: period.start_date, default=None)


def delivered_in(period: PacePeriod, periods: Sequence[PacePeriod], deliveries: Iterable[Delivery]) -> Decimal:
    """What was delivered in one period: what is dated in it, and its share of an adjustment.

    An adjustment is a total without days. Money spent uses up the oldest period first, so each period carries what the
    earlier ones could not have paid, up to its own allocation; the one in which the adjustment was made takes the rest.
    """
    total = NOTHING
    for delivery in deliveries:
        if delivery.is_adjustment:
            total += _share_of_adjustment(period, periods, delivery)
        elif period.covers(delivery.delivered_date):
            total += delivery.amount
    return total


def _share_of_adjustment(period: PacePeriod, periods: Sequence[PacePeriod], delivery: Delivery) -> Decimal:
    begun = sorted(
        (begun_period for begun_period in periods if begun_period.start_date <= delivery.delivered_date),
        key=lambda begun_period: begun_period.start_date,
    )
    left = delivery.amount
    for begun_period in begun:
        share = left if begun_period is begun[-1] else min(left, begun_period.amount or NOTHING)
        if begun_period == period:
            return share
        left -= share
    return NOTHING


def available(
    periods: Sequence[PacePeriod],
    remaining_amount: Decimal | None,
    deliveries: Sequence[Delivery],
    today: date,
) -> Decimal | None:
    """What may be spent today: the current period's allocation less what was delivered in it, which may be negative.

    Without periods it is what PACE says remains; between periods nothing; None when nobody knows.
    """
    if not periods or all(period.amount is None for period in periods):
        return remaining_amount
    current = current_period(periods, today)
    if current is None:
        return NOTHING
    return (current.amount or NOTHING) - delivered_in(current, periods, deliveries)
