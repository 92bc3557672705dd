"""Planned services: on which days their visits fall, and until when one more service fits. Pure.

Source: rules SAH-17 and SAH-18.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from carefund.domain.care_recipient.commitments import (
    ZERO,
    Fund,
    OpenLine,
    Places,
    SpokenFor,
    place,
    subtract_commitment,
)
from carefund.domain.wording import many, write_day, write_money

NOT_IN_YET_DAYS = 14  # how long a visit of the past counts as planned while no line of it has come in


class Frequency(StrEnum):
    """How often a planned service is delivered."""

    ONCE = "once"
    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"


_DAYS = {Frequency.WEEKLY: 7, Frequency.FORTNIGHTLY: 14}


@dataclass(frozen=True, slots=True)
class Planned:
    """A service to be delivered again and again: `price` is that of one visit. No `to_date`: until further notice.

    `delivered_date` is the day of the last line of it that came in; the visits up to that day are not planned any more.
    """

    key: int
    type_code: str
    price: Decimal
    frequency: Frequency
    from_date: date
    to_date: date | None = None
    delivered_date: date | None = None


def list_visits(planned: Planned, first: date, last: date) -> Iterator[date]:
    """The days of a planned service from a first to a last day, both included.

    Each month has one visit of a monthly service: on the day of the first one, or on the last day of a shorter month.
    """
    last = min(last, planned.to_date or last)
    if planned.frequency in _DAYS:
        step = _DAYS[planned.frequency]
        begun = max(-(-(first - planned.from_date).days // step), 0)
        day = planned.from_date + timedelta(days=begun * step)
        while day <= last:
            yield day
            day += timedelta(days=step)
    elif planned.frequency is Frequency.MONTHLY:
        months = max((first.year - planned.from_date.year) * 12 + first.month - planned.from_date.month, 0)
        while (day := _add_months(planned.from_date, months)) <= last:
            if day >= first:
                yield day
            months += 1
    elif first <= planned.from_date <= last:
        yield planned.from_date


def list_visits_to_come(planned: Planned, today: date, last: date) -> Iterator[date]:
    """The visits that no line has come in for: those to come, and those of the last two weeks after the last line."""
    first = today - timedelta(days=NOT_IN_YET_DAYS)
    if planned.delivered_date is not None:
        first = max(first, planned.delivered_date + timedelta(days=1))
    return list_visits(planned, first, last)


def plan_lines(services: Iterable[Planned], funds: Sequence[Fund], today: date) -> list[OpenLine]:
    """The visits of planned services as lines to be placed, as far as there is a budget for their days."""
    return [
        OpenLine(service.key, service.type_code, day, service.price, SpokenFor.PLANNED)
        for service in services
        for day in list_visits_to_come(service, today, _horizon(service.type_code, funds, today))
    ]


@dataclass(frozen=True, slots=True)
class Fit:
    """Until when a service fits. `visits` fit, the last on `last_date`; `first_without` is the first that does not.

    `is_out_of_money`: it is not paid for; else no budget is known for that day yet. Both None: nothing to look at.
    `left` is what is safe to spend after the visits that fit, of what pays for them.
    """

    visits: int
    last_date: date | None
    first_without: date | None
    is_out_of_money: bool
    left: Decimal


def fit(service: Planned, lines: Iterable[OpenLine], funds: Sequence[Fund], last: date) -> Fit:
    """Until when a service fits into what is safe to spend, with all lines placed before it."""
    places = place(lines, funds)
    number, latest = 0, None
    for day in list_visits(service, service.from_date, last):
        line = OpenLine(service.key, service.type_code, day, service.price, SpokenFor.PLANNED)
        found = places.find(line)
        if found is None or not places.holds(found, line):
            known = day if found else latest or day  # of days without a budget nothing is left
            return Fit(number, latest, day, found is not None, _sum_left(service.type_code, places, funds, known))
        places.take(line)
        number, latest = number + 1, day
    return Fit(number, latest, None, False, _sum_left(service.type_code, places, funds, latest or last))


def write_fit(found: Fit, price: Decimal) -> str:
    """The answer in sentences."""
    left, then = write_money(found.left), found.first_without
    if found.last_date is None:
        if then is None:
            return "There are no visits on these days."
        if found.is_out_of_money:
            return f"Does not fit: only {left} is safe to spend on {write_day(then)}."
        return f"Does not fit: no budget is known that covers {write_day(then)}."
    told = (
        f"Fits until {write_day(found.last_date)}: {many(found.visits, 'visit')}, {write_money(price * found.visits)}."
    )
    if then is None:
        return f"{told} These are all visits in the next 12 months; {left} would still be safe to spend."
    if found.is_out_of_money:
        return f"{told} The visit on {write_day(then)} does not fit: only {left} would be left."
    return f"{told} {left} would still be safe to spend. No budget is known yet for the visit on {write_day(then)}."


def _sum_left(type_code: str, places: Places, funds: Sequence[Fund], day: date) -> Decimal:
    commitments = places.commitments
    paying = [fund for fund in funds if fund.type_code == type_code and fund.is_returned and fund.period.covers(day)]
    return sum((subtract_commitment(fund.available, commitments[fund.key]) for fund in paying), ZERO)


def _horizon(type_code: str, funds: Sequence[Fund], today: date) -> date:
    """The last day for which planned visits are counted: where the budgets of today end; a year on if they do not."""
    a_year_on = today + timedelta(days=366)
    ends = [
        fund.period.end_date or a_year_on
        for fund in funds
        if fund.type_code == type_code and fund.is_returned and fund.period.covers(today)
    ]
    return min(max(ends, default=a_year_on), a_year_on)


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
