"""Which Support at Home plan the records of a care recipient belong to, and what its dates are.

Source: rules SYNC-04 and SYNC-05.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """From a first to a last day, both included. No start: unknown. No end: open."""

    start_date: date | None
    end_date: date | None


def is_active(plan: Period, today: date) -> bool:
    """Whether a plan counts as active: it has no end, or ends after today (the last day itself no longer counts)."""
    return plan.end_date is None or plan.end_date > today


def plan_period(classifications: Iterable[Period]) -> Period | None:
    """The dates of a plan: earliest start to latest end, open if any classification is. None without any."""
    periods = list(classifications)
    if not periods:
        return None
    starts = [period.start_date for period in periods if period.start_date is not None]
    ends = [period.end_date for period in periods]
    known_ends = [end for end in ends if end is not None]
    return Period(min(starts, default=None), max(known_ends) if len(known_ends) == len(ends) else None)


def begins_anew(latest: Period, incoming: Sequence[Period], today: date) -> bool:
    """Whether a person whose latest plan has ended came back, so that a new plan is due.

    True only if the latest plan is over, and some classification starts later than the day after its end, and no
    classification bridges the gap. A classification that merely continues keeps its plan, so a second sync of ended
    classifications makes no second plan.
    """
    if is_active(latest, today) or latest.end_date is None:
        return False
    day_after = latest.end_date + timedelta(days=1)
    later = [period for period in incoming if _holds(period) and period.start_date and period.start_date > day_after]
    bridged = any(
        period.start_date is not None
        and period.start_date <= day_after
        and (period.end_date is None or period.end_date > latest.end_date)
        for period in incoming
    )
    return bool(later) and not bridged


def _holds(period: Period) -> bool:
    """Whether a period has a day at all; one that ends before it starts was never in force."""
    return period.start_date is None or period.end_date is None or period.start_date <= period.end_date


def of_new_episode(latest: Period, period: Period) -> bool:
    """Whether a classification belongs to the plan that begins anew rather than to the one that ended."""
    return latest.end_date is not None and period.start_date is not None and period.start_date > latest.end_date
