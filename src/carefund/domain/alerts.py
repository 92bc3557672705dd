"""Alerts: what somebody should know in time, by rules with limits that an administrator sets.

An alert is about one thing: a client, a branch, a claim or a device. Nothing is worked out here that another page
shows: figures come from the trend, quarter close and the stages of Money, and only the limits are applied. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from carefund.domain.care_recipient.quarter_close import Projection, count_days_to_close
from carefund.domain.care_recipient.trend import Trend
from carefund.domain.key_expiry import write_expiry
from carefund.domain.wording import many, write_day, write_money

ZERO = Decimal("0.00")
MOST_DAYS = 365
MOST_AMOUNT = Decimal("100000.00")


class AlertKind(StrEnum):
    """What an alert is about, in the order in which people read them."""

    RUNS_OUT = "runs-out"
    LOSS = "loss"
    EXPIRES = "funding-expires"
    WINDOW = "window-closes"
    REFUSED = "claim-refused"
    CONSENT = "consent-missing"
    STALE = "sync-stale"
    KEY = "key-expires"

    @property
    def label(self) -> str:
        """The kind as people read it."""
        return _WORDS[self][0]

    @property
    def meaning(self) -> str:
        """When there is an alert of this kind, in a sentence."""
        return _WORDS[self][1]


_WORDS = {
    AlertKind.RUNS_OUT: (
        "Money runs out",
        "The client's home support budget is expected to run out within this many days. The estimate is under "
        "Spending, Quarter by quarter, on the client's page.",
    ),
    AlertKind.LOSS: (
        "Money will be lost",
        "At least this amount of a quarter's budget is expected to be lost. For the quarter that has ended, the "
        "estimate is under Quarter close. In the last days of a quarter (as many as entered here), it is under Quarter "
        "by quarter.",
    ),
    AlertKind.EXPIRES: (
        "Equipment funding expires",
        "A budget for assistive technology or home modifications ends within this many days, with at least this amount "
        "available.",
    ),
    AlertKind.WINDOW: (
        "Claim window closes",
        "This many days or fewer are left to claim delivered services. By branch and closing date.",
    ),
    AlertKind.REFUSED: (
        "Claim refused",
        "Lines of a claim were refused, and nobody has claimed them again, accepted or closed them unpaid. By batch.",
    ),
    AlertKind.CONSENT: ("Consent not given", "Services Australia does not release the client's budget details."),
    AlertKind.STALE: (
        "Figures out of date",
        "Active clients of a branch have not been checked for longer than the hours in CAREFUND_STALE_AFTER_HOURS.",
    ),
    AlertKind.KEY: (
        "PRODA key expires",
        "The PRODA device or its key expires within this many days. You get an alert 30, 14 and 7 days before, and 1 "
        "day before.",
    ),
}


@dataclass(frozen=True, slots=True)
class AlertRule:
    """Whether alerts of a kind are raised, and their limits; None: the kind has no such limit."""

    is_on: bool = True
    days: int | None = None
    amount: Decimal | None = None


DEFAULTS: Mapping[AlertKind, AlertRule] = {
    AlertKind.RUNS_OUT: AlertRule(days=28),
    AlertKind.LOSS: AlertRule(days=28, amount=Decimal("200.00")),
    AlertKind.EXPIRES: AlertRule(days=60, amount=Decimal("100.00")),
    AlertKind.WINDOW: AlertRule(days=14),
    AlertKind.REFUSED: AlertRule(),
    AlertKind.CONSENT: AlertRule(),
    AlertKind.STALE: AlertRule(),
    AlertKind.KEY: AlertRule(days=30),
}


def read_rules(stored: object) -> dict[AlertKind, AlertRule]:
    """Return the rules as an administrator left them; what is not stored, or cannot be right, is the default."""
    given = stored if isinstance(stored, dict) else {}
    return {kind: _read_rule(given.get(kind.value), default) for kind, default in DEFAULTS.items()}


def _read_rule(stored: object, default: AlertRule) -> AlertRule:
    if not isinstance(stored, dict):
        return default
    days, amount = default.days, default.amount
    if days is not None and isinstance(stored.get("days"), int) and 0 <= stored["days"] <= MOST_DAYS:
        days = stored["days"]
    if amount is not None and isinstance(stored.get("amount"), str):
        amount = Decimal(stored["amount"])
    return AlertRule(stored.get("is_on") is not False, days, amount)


def write_rules(rules: Mapping[AlertKind, AlertRule]) -> dict[str, dict[str, Any]]:
    """Return rules as they are stored; `read_rules` gives them again."""
    return {kind.value: _as_plain(rule) for kind, rule in rules.items()}


def _as_plain(rule: AlertRule) -> dict[str, Any]:
    limits = {"days": rule.days, "amount": None if rule.amount is None else str(rule.amount)}
    return {"is_on": rule.is_on, **{name: value for name, value in limits.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class FoundAlert:
    """One alert. `key` says what it is about, within its kind; `number` counts what is in it."""

    kind: AlertKind
    key: str
    client_id: int | None = None
    service_provider_id: str = ""
    due_date: date | None = None
    amount: Decimal | None = None
    number: int = 1


def is_due(due_date: date | None, today: date, days: int | None) -> bool:
    """Whether a day is today or one of the next so many."""
    return due_date is not None and days is not None and 0 <= (due_date - today).days <= days


def find_run_out(client_id: int, trend: Trend, today: date, rule: AlertRule) -> FoundAlert | None:
    """Return the alert about somebody whose money runs out soon, by their trend. One a quarter."""
    due_date = trend.runs_out_date
    if not rule.is_on or due_date is None or not is_due(due_date, today, rule.days):
        return None
    present = next((row for row in trend.quarters if row.period.covers(due_date)), None)
    key = f"{client_id}:{present.period.end_date if present else due_date}"
    return FoundAlert(AlertKind.RUNS_OUT, key, client_id, due_date=due_date)


def find_coming_loss(client_id: int, trend: Trend, today: date, rule: AlertRule) -> FoundAlert | None:
    """Return the alert about what the quarter that covers today will lose, by the trend, once its end is near."""
    present = next((row for row in trend.quarters if row.period.covers(today)), None)
    if not rule.is_on or present is None or not is_due(present.period.end_date, today, rule.days):
        return None
    if present.lost < (rule.amount or ZERO) or present.lost <= 0:
        return None
    due_date = present.period.end_date
    return FoundAlert(AlertKind.LOSS, f"{client_id}:{due_date}", client_id, due_date=due_date, amount=present.lost)


def find_loss(
    client_id: int, projection: Projection | None, end_date: date, today: date, rule: AlertRule
) -> FoundAlert | None:
    """Return the alert about what an ended quarter loses, by quarter close, as long as services can be claimed. It is
    the same alert as before the quarter's end."""
    if not rule.is_on or projection is None or count_days_to_close(end_date, today) < 0:
        return None
    if projection.loss < (rule.amount or ZERO) or projection.loss <= 0:
        return None
    return FoundAlert(AlertKind.LOSS, f"{client_id}:{end_date}", client_id, due_date=end_date, amount=projection.loss)


def merge(found: Iterable[FoundAlert]) -> dict[tuple[AlertKind, str], FoundAlert]:
    """Return alerts by what they are about; of two about the same thing the amounts and numbers are added."""
    merged: dict[tuple[AlertKind, str], FoundAlert] = {}
    for alert in found:
        place = alert.kind, alert.key
        merged[place] = _add(merged[place], alert) if place in merged else alert
    return merged


def _add(one: FoundAlert, other: FoundAlert) -> FoundAlert:
    amounts = [amount for amount in (one.amount, other.amount) if amount is not None]
    days = [day for day in (one.due_date, other.due_date) if day is not None]
    return FoundAlert(
        one.kind,
        one.key,
        one.client_id,
        one.service_provider_id,
        min(days, default=None),
        sum(amounts, ZERO) if amounts else None,
        one.number + other.number,
    )


def describe(kind: AlertKind, number: int, due_date: date | None, amount: Decimal | None, key: str, today: date) -> str:
    """Return what an alert says, without a name."""
    if kind is AlertKind.KEY and due_date is not None:
        return write_expiry(key, due_date, today)
    when = write_day(due_date) if due_date else "an unknown date"
    sum_of_money = "" if amount is None else write_money(amount)
    return {
        AlertKind.RUNS_OUT: f"Expected to run out on {when} (estimate)",
        AlertKind.LOSS: f"{sum_of_money or 'Money'} is expected to be lost from the quarter to {when} (estimate)",
        AlertKind.EXPIRES: f"{sum_of_money or 'Funding'} expires on {when}",
        AlertKind.WINDOW: f"{many(number, 'line')}{_of(sum_of_money)} to claim by {when}",
        AlertKind.REFUSED: f"{many(number, 'line')}{_of(sum_of_money)} refused",
        AlertKind.CONSENT: "Ask for consent in My Aged Care, then synchronise",
        AlertKind.STALE: f"{many(number, 'client')} not checked lately",
        AlertKind.KEY: f"Expires on {when}",
    }[kind]


def _of(sum_of_money: str) -> str:
    return f" of {sum_of_money}" if sum_of_money else ""


@dataclass(frozen=True, slots=True)
class AlertSum:
    """The alerts of one kind: how many, the first day that matters, and what they come to."""

    kind: AlertKind
    number: int
    first_date: date | None
    amount: Decimal | None


def sum_up(rows: Sequence[tuple[str, int, date | None, Decimal | None]]) -> Iterator[AlertSum]:
    """Yield the sum of each kind that is there, in the order of the kinds. A row: kind, how many, first day, amount."""
    for kind in AlertKind:
        of_kind = [(number, day, amount) for name, number, day, amount in rows if name == kind.value]
        if of_kind:
            # The end of a quarter that is being lost is no day by which to do something.
            days = [day for _, day, _ in of_kind if day is not None and kind is not AlertKind.LOSS]
            amounts = [amount for _, _, amount in of_kind if amount is not None]
            total = sum(amounts, ZERO).quantize(ZERO) if amounts else None
            yield AlertSum(kind, sum(number for number, _, _ in of_kind), min(days, default=None), total)
