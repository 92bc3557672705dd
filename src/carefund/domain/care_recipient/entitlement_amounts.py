"""How the amount of one entitlement comes about: which rate, which share of it, and how many days.

The rate is found by the funder's code; where the code is not publicly known, by the one rate that gives the amount to
the cent. If none does, the rate that the amount implies is said, as such.
Source: rules SAH-02 to SAH-04 and SAH-16.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from carefund.domain.care_recipient.rates import (
    INTERIM_SHARE,
    SHARE_OF_LEVEL,
    DaysAtRate,
    Rate,
    RateKind,
    key_of,
    list_keys,
    multiply,
    spread,
    to_cents,
)
from carefund.domain.periods import Period
from carefund.domain.wording import many, write_money, write_percentage

_KINDS = {
    "ON": (RateKind.LEVEL, RateKind.SUPPLEMENT),
    "RC": (RateKind.PATHWAY,),
    "EL": (RateKind.PATHWAY,),
    "AT": (RateKind.TIER,),
    "HM": (RateKind.TIER,),
}
_WHOLE = Decimal(1)
_BEYOND_ANY_BUDGET = Decimal(10) ** 12


class Basis(StrEnum):
    """What the working of an entitlement rests on."""

    RATE = "the rate table"
    IMPLIED = "the rate that the amount implies"
    STATED = "the funder's amount alone"


class Working(NamedTuple):
    """`text` says how an amount comes about, `amount` what that gives, `keys` which rates it is made of."""

    text: str
    amount: Decimal
    basis: Basis
    keys: tuple[str, ...] = ()


class GrantedAmount(Protocol):
    """An entitlement as far as its working needs it."""

    @property
    def item_code(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def amount(self) -> Decimal | None: ...
    @property
    def start_date(self) -> date | None: ...
    @property
    def end_date(self) -> date | None: ...


class HeldRate(NamedTuple):
    """A level or a supplement that a person holds for a time: `key` as in the rate table."""

    key: str
    name: str
    span: Period


@dataclass(frozen=True, slots=True)
class Terms:
    """What entitlements are worked out from: the budget's kind and days, what the person holds, and the rates."""

    type_code: str
    period: Period
    held: Sequence[HeldRate]
    rates: Sequence[Rate]

    def days_of(self, start: date | None, end: date | None) -> tuple[date, date] | None:
        """First and last day of a row, which without dates of its own lasts as long as the budget."""
        first, last = start or self.period.start_date, end or self.period.end_date
        return (first, last) if first and last and first <= last else None

    def share_days(self, span: Period) -> tuple[date, date] | None:
        """The days that a span shares with the budget."""
        first, last = self.period.start_date, self.period.end_date
        if first is None or last is None:
            return None
        start, end = max(first, span.start_date or first), min(last, span.end_date or last)
        return (start, end) if start <= end else None


def work_out(row: GrantedAmount, terms: Terms) -> Working:
    """How the amount of an entitlement comes about."""
    amount = row.amount or Decimal("0.00")
    days = terms.days_of(row.start_date, row.end_date)
    can_be_worked_out = amount.is_finite() and abs(amount) < _BEYOND_ANY_BUDGET
    for working in _list_workings(row, terms, days) if can_be_worked_out else ():
        if working.amount == amount:
            return working
    if not can_be_worked_out or days is None or terms.type_code not in ("ON", "RC", "EL") or not amount:
        return Working("As stated by Services Australia. No rate is known for it.", amount, Basis.STATED)
    number = (days[1] - days[0]).days + 1
    share = next((span.rate.share for span in spread(terms.rates, key_of(row.item_code), *days)), _WHOLE)
    implied = (amount / number / share).quantize(Decimal("0.0001"))
    of_share = f" × {_percent(share)}" if share != _WHOLE else ""
    text = f"This amount does not match a known rate. It equals ${implied:,}{of_share} × {many(number, 'day')}."
    return Working(text, amount, Basis.IMPLIED)


def expect(held: HeldRate, terms: Terms) -> Working | None:
    """What a level or supplement that a person holds should bring to the budget; None where no rate is known."""
    days = terms.share_days(held.span)
    spans = spread(terms.rates, held.key, *days) if days else []
    return _rate_working(spans) if spans else None


def _list_workings(row: GrantedAmount, terms: Terms, days: tuple[date, date] | None) -> Iterator[Working]:
    """Every way in which an amount may come about, the likeliest first."""
    kinds = _KINDS.get(terms.type_code, ())
    if RateKind.TIER in kinds:
        yield from _tier_workings(terms)
    if days is None:
        return
    keys = list_keys(terms.rates, *kinds)
    known = key_of(row.item_code)
    # By its code, and by the amount where the code is not one of the public ones.
    wanted = [known] if known in keys else [key for key in keys if key != known]
    spread_keys = {key: spread(terms.rates, key, *days) for key in wanted}
    for share in (_WHOLE, INTERIM_SHARE):
        for spans in spread_keys.values():
            if spans:
                yield _rate_working(spans, share)
    yield from _by_days_of_each(terms, days)
    if known in keys:
        yield from _fewer_days(spread_keys[known], row.amount or Decimal(0))
        yield from _without_share(spread_keys[known])
    else:
        yield from _part_of_level(terms, days)


def _tier_workings(terms: Terms) -> Iterator[Working]:
    for rate in terms.rates:
        if rate.kind is RateKind.TIER:
            yield Working(f"{rate.name}: {write_money(rate.amount)}", rate.amount, Basis.RATE, (rate.key,))


def _rate_working(spans: Sequence[DaysAtRate], share: Decimal = _WHOLE) -> Working:
    keys = tuple(dict.fromkeys(span.rate.key for span in spans))
    return Working(_write(spans, share), to_cents(multiply(spans, share)), Basis.RATE, keys)


def _by_days_of_each(terms: Terms, days: tuple[date, date]) -> Iterator[Working]:
    """One row for several levels that a person held one after the other."""
    levels = set(list_keys(terms.rates, RateKind.LEVEL))
    whole = Terms(terms.type_code, Period(*days), terms.held, terms.rates)
    spans: list[DaysAtRate] = []
    for held in terms.held:
        shared = whole.share_days(held.span) if held.key in levels else None
        if shared:
            spans += spread(terms.rates, held.key, *shared)
    if len(spans) > 1:
        for share in (_WHOLE, INTERIM_SHARE):
            yield _rate_working(spans, share)


def _fewer_days(spans: Sequence[DaysAtRate], amount: Decimal) -> Iterator[Working]:
    """Fewer days than the row's dates say, as when somebody entered later."""
    if len(spans) != 1:
        return
    rate, days = spans[0]
    for share in (_WHOLE, INTERIM_SHARE):
        fewer = int((amount / (rate.amount * rate.share * share)).to_integral_value())
        if 0 < fewer < days:
            found = _rate_working([DaysAtRate(rate, fewer)], share)
            yield found._replace(text=f"{found.text}, not all {days} of the dates")


def _without_share(spans: Sequence[DaysAtRate]) -> Iterator[Working]:
    """The whole rate, with the tenth for care management left in."""
    if spans and spans[0].rate.share != _WHOLE:
        text = " + ".join(f"{_daily(span.rate)} × {many(span.days, 'day')}" for span in spans)
        whole = _rate_working(spans, _WHOLE / spans[0].rate.share)
        yield whole._replace(text=f"{text}, including the share for care management")


def _part_of_level(terms: Terms, days: tuple[date, date]) -> Iterator[Working]:
    """A supplement that is a percentage of the person's level: the veterans' and the dementia supplement."""
    levels = set(list_keys(terms.rates, RateKind.LEVEL))
    whole = Terms(terms.type_code, Period(*days), terms.held, terms.rates)
    spans: list[DaysAtRate] = []
    for held in terms.held:
        shared = whole.share_days(held.span) if held.key in levels else None
        spans += spread(terms.rates, held.key, *shared) if shared else []
    if spans:
        yield Working(
            f"{_percent(SHARE_OF_LEVEL)} of the level: {_write(spans, SHARE_OF_LEVEL)}",
            to_cents(multiply(spans, SHARE_OF_LEVEL)),
            Basis.RATE,
        )


def _write(spans: Iterable[DaysAtRate], share: Decimal) -> str:
    parts = []
    for rate, days in spans:
        shares = [part for part in (rate.share, share) if part != _WHOLE]
        factors = [_daily(rate), *map(_percent, shares), many(days, "day")]
        parts.append(" × ".join(factors))
    return " + ".join(parts) + (", interim funding" if share == INTERIM_SHARE else "")


def _daily(rate: Rate) -> str:
    return write_money(rate.amount)


def _percent(share: Decimal) -> str:
    return write_percentage(share * 100)
