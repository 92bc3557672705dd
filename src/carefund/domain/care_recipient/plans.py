"""Which Support at Home plan the records of a care recipient belong to, and what its dates are.

Source: rules SYNC-04 and SYNC-05.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from carefund.domain.periods import Period


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


def plan_for(plans: Sequence[Period], record: Period) -> int:
    """The position of the plan, among plans oldest first, that a record belongs to: the newest begun by its last day.

    What is open, in force or to come belongs to the latest plan; what ended before any plan began, to the first.
    """
    last_day = record.end_date
    if last_day is None:
        return len(plans) - 1
    if record.start_date is not None:
        last_day = max(record.start_date, last_day)
    for position in range(len(plans) - 1, 0, -1):
        begins = plans[position].start_date
        earlier_end = plans[position - 1].end_date
        if begins is None and earlier_end is not None:
            begins = earlier_end + timedelta(days=1)
        if begins is None or begins <= last_day:
            return position
    return 0


def begin_anew(latest: Period, incoming: Sequence[Period]) -> Period:
    """The plan that follows on the latest one, before its own classifications date it. Call where `begins_anew`."""
    assert latest.end_date is not None
    starts = [period.start_date for period in incoming if _holds(period) and period.start_date]
    return Period(min(start for start in starts if start > latest.end_date), None)


def latest_period(plans: Sequence[Period], classifications: Sequence[Period]) -> Period | None:
    """The dates of the latest of these plans, oldest first, from the classifications that belong to it, if any do.

    A classification of an earlier plan that is open again, or now reaches into the latest one, belongs to the latter
    and may bring others along, so the dates are settled when they no longer change which classifications count.
    """
    *earlier, period = plans
    found = None
    for _ in range(len(classifications) + 1):
        counted = [
            classification
            for classification in classifications
            if plan_for([*earlier, period], classification) == len(earlier)
        ]
        found = plan_period(counted)
        if found is None or found == period:
            break
        period = found
    return found


def _holds(period: Period) -> bool:
    """Whether a period has a day at all; one that ends before it starts was never in force."""
    return period.start_date is None or period.end_date is None or period.start_date <= period.end_date
