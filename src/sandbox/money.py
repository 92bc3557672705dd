"""Budgets derived from a person's facts and today: entitlements, usage, rollover, write-off. It all adds up.

available = total + used + writeOff + rolloverDeduction, the last three never positive except for reversals.
Source: rules SAH-01, SAH-02, SAH-04, SAH-05 and SAH-07. No wire names here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.clock import day_stamp
from sandbox.people import Classification, Grant, Person, UsageLine
from sandbox.quarters import Quarter, quarters_between
from sandbox.rates import (
    BUDGET_TYPES,
    CLAIM_WINDOW_DAYS,
    PARTICIPANT_SHARE,
    PROGRAM_START_DATE,
    ROLLOVER_FLOOR,
    ROLLOVER_SHARE,
    SUPPLEMENTS,
    daily_rate,
    rate_change_dates,
)
from sandbox.spending import grant_usage, quarter_usage

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


@dataclass(slots=True)
class Entitlement:
    """One row of what a budget is made of."""

    item_code: str
    description: str
    amount: Decimal
    start_date: date
    end_date: date | None
    created_at: str
    care_recipient_id: str = ""


@dataclass(slots=True)
class Budget:
    """One budget with its rows. Amounts in dollars and cents."""

    budget_id: str
    service_provider_id: str
    care_recipient_id: str
    type_code: str
    type_text: str
    start_date: date
    end_date: date | None
    created_at: str
    updated_at: str
    entry_date: date | None = None
    entitlements: list[Entitlement] = field(default_factory=list)
    usage: list[UsageLine] = field(default_factory=list)
    total: Decimal = ZERO
    used: Decimal = ZERO
    write_off: Decimal = ZERO
    rollover_deduction: Decimal = ZERO
    status: str = "OPEN"

    @property
    def available(self) -> Decimal:
        """What is left to claim."""
        return self.total + self.used + self.write_off + self.rollover_deduction

    def settle(self, rolled_in: Decimal = ZERO) -> None:
        """Work out total and used from the rows, adding what came in from the quarter before."""
        self.total = sum((row.amount for row in self.entitlements), ZERO) + rolled_in
        self.used = sum((row.amount for row in self.usage), ZERO)
        self.updated_at = max([self.updated_at, *(row.updated_at for row in self.usage)])


def cents(amount: Decimal) -> Decimal:
    """To cents, after multiplying by days."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def derive_budgets(person: Person, today: date) -> list[Budget]:
    """All budgets of a person that the funder shows today, oldest first."""
    budgets = [
        *_ongoing_budgets(person, today),
        *(_grant_budget(person, grant, today) for grant in person.grants if grant.created_date <= today),
    ]
    for reissue in person.reissues:
        if reissue.at_date <= today:
            budgets = _reissued(budgets, reissue.budget_id, reissue.new_budget_id, reissue.keep_old, reissue.at_date)
    return sorted(budgets, key=lambda budget: (budget.start_date, budget.budget_id))


def rollover_date(person: Person, quarter: Quarter) -> date:
    """The day on which a quarter's unspent money is split between the next quarter and the write-off."""
    lapse = quarter.end_date + timedelta(days=min(person.rollover_lag_days, CLAIM_WINDOW_DAYS))
    return min(lapse, person.rolled_dates.get(quarter.code, lapse))


def _ongoing_budgets(person: Person, today: date) -> list[Budget]:
    spans = [row for row in person.classifications if row.code == "ON" and row.level]
    if not spans:
        return []
    first = max(PROGRAM_START_DATE, min(row.start_date for row in spans))
    found: list[Budget] = []
    rolled_in, landed = ZERO, ""
    for quarter in quarters_between(first, today + timedelta(days=person.next_quarter_days)):
        entitlements = _entitlements(person, spans, quarter)
        if not entitlements:
            if found:
                _write_off_rest(found[-1])
            rolled_in, landed = ZERO, ""
            continue
        budget = _quarter_budget(person, spans, quarter, entitlements, today)
        budget.settle(rolled_in)
        budget.updated_at = max(budget.updated_at, landed)
        found.append(budget)
        rolled_in, landed = _close(budget, person, quarter, today)
    return found


def _entitlements(person: Person, spans: list[Classification], quarter: Quarter) -> list[Entitlement]:
    rows = []
    recipient = person.care_recipient_id if person.recipient_in_entitlements else ""
    for span in spans:
        for start, end in _pieces(span, quarter):
            amount = cents(daily_rate(span.level, start) * PARTICIPANT_SHARE * span.share * ((end - start).days + 1))
            code = f"{'HCP_RATE_' if span.level.startswith('HCP') else 'ON_RATE_'}{span.level[-1]}"
            text = (
                f"Transitioned package - level {span.level[-1]}"
                if span.level.startswith("HCP")
                else f"Home support ongoing - class {span.level}"
            )
            rows.append(Entitlement(code, text, amount, start, end, day_stamp(start), recipient))
    if not rows:
        return []
    first, last = min(row.start_date for row in rows), max(row.end_date or row.start_date for row in rows)
    for supplement in person.supplements:
        start = max(supplement.start_date, first)
        end = min(supplement.end_date or last, last)
        if start <= end:
            rate = SUPPLEMENTS[supplement.code]
            amount = cents(rate.daily * ((end - start).days + 1))
            rows.append(Entitlement(supplement.code, rate.description, amount, start, end, day_stamp(start), recipient))
    if person.unknown_codes:
        rows.append(
            Entitlement(
                "ZZ_FUTURE_9",
                "An entitlement nobody has heard of",
                Decimal("12.34"),
                first,
                last,
                day_stamp(first),
                recipient,
            )
        )
    return rows


def _pieces(span: Classification, quarter: Quarter) -> Iterable[tuple[date, date]]:
    start = max(span.start_date, quarter.start_date, PROGRAM_START_DATE)
    end = min(span.end_date or quarter.end_date, quarter.end_date)
    if start > end:
        return
    for change in rate_change_dates():
        if start < change <= end:
            yield start, change - timedelta(days=1)
            start = change
    yield start, end


def _quarter_budget(
    person: Person, spans: list[Classification], quarter: Quarter, entitlements: list[Entitlement], today: date
) -> Budget:
    budget = Budget(
        budget_id=f"{quarter.code}{person.care_recipient_id}",
        service_provider_id=person.service_provider_id,
        care_recipient_id=person.care_recipient_id,
        type_code="ON",
        type_text=BUDGET_TYPES["ON"],
        start_date=max(quarter.start_date, PROGRAM_START_DATE),
        end_date=quarter.end_date,
        created_at=day_stamp(max(quarter.start_date, PROGRAM_START_DATE)),
        updated_at=max(_changed_at(person, quarter), *(row.created_at for row in entitlements)),
        entry_date=person.entry_date,
        entitlements=entitlements,
    )
    planned = quarter_usage(person, quarter) if quarter.start_date <= today else []
    budget.usage = [
        line
        for line in planned
        if line.visible_date <= today and any(span.covers(line.delivery_date) for span in spans)
    ] + _extra_usage(person, "ON", quarter.start_date, quarter.end_date, today)
    if person.same_line_twice and budget.usage:
        budget.usage.append(budget.usage[-1])
    return budget


def _changed_at(person: Person, quarter: Quarter) -> str:
    """When the control API last changed what this quarter is made of; quarters over by then are left alone."""
    return person.changed_at if person.changed_at[:10] <= quarter.end_date.isoformat() else ""


def _extra_usage(person: Person, type_code: str, start: date, end: date | None, today: date) -> list[UsageLine]:
    return [
        line
        for line in person.usage
        if line.type_code == type_code
        and start <= line.delivery_date
        and (end is None or line.delivery_date <= end)
        and line.visible_date <= today
    ]


def _close(budget: Budget, person: Person, quarter: Quarter, today: date) -> tuple[Decimal, str]:
    """Split what is unspent once the rollover has landed. Returns what the next quarter receives, and since when."""
    landing = rollover_date(person, quarter)
    if landing > today:
        return ZERO, ""
    unspent = max(ZERO, budget.total + budget.used)
    base = sum((row.amount for row in budget.entitlements), ZERO)
    rolled = min(unspent, max(ROLLOVER_FLOOR, cents(base * ROLLOVER_SHARE)))
    budget.rollover_deduction = -rolled
    budget.write_off = -(unspent - rolled)
    budget.status = "CLOSED"
    stamp = day_stamp(landing, "18:00:00")
    budget.updated_at = max(budget.updated_at, stamp)
    return rolled, stamp


def _write_off_rest(budget: Budget) -> None:
    """No next quarter to roll into: everything unspent is written off."""
    if budget.status == "CLOSED":
        budget.write_off += budget.rollover_deduction
        budget.rollover_deduction = ZERO


def _grant_budget(person: Person, grant: Grant, today: date) -> Budget:
    created = day_stamp(grant.created_date)
    budget = Budget(
        budget_id=grant.budget_id,
        service_provider_id=person.service_provider_id,
        care_recipient_id=person.care_recipient_id,
        type_code=grant.type_code,
        type_text=BUDGET_TYPES.get(grant.type_code, "A budget type nobody has heard of"),
        start_date=grant.start_date,
        end_date=grant.end_date,
        created_at=created,
        updated_at=created,
        entry_date=person.entry_date,
        entitlements=[
            Entitlement(
                grant.entitlement_code, grant.entitlement_text, grant.total, grant.start_date, grant.end_date, created
            )
        ],
    )
    budget.usage = [line for line in grant_usage(person, grant) if line.visible_date <= today]
    if grant.usage_here:
        budget.usage += _extra_usage(person, grant.type_code, grant.start_date, grant.end_date, today)
    budget.settle()
    if grant.end_date and grant.end_date + timedelta(days=CLAIM_WINDOW_DAYS) < today:
        budget.write_off = -max(ZERO, budget.total + budget.used)
        budget.status = "CLOSED"
    return budget


def _reissued(budgets: list[Budget], old_id: str, new_id: str, keep_old: bool, at_date: date) -> list[Budget]:
    found = []
    for budget in budgets:
        if budget.budget_id != old_id:
            found.append(budget)
            continue
        stamp = day_stamp(at_date, "06:00:00")
        if keep_old:
            # The old one stays in the list with nothing in it, which is how the vendors met it.
            found.append(
                Budget(
                    old_id,
                    budget.service_provider_id,
                    budget.care_recipient_id,
                    budget.type_code,
                    budget.type_text,
                    budget.start_date,
                    budget.end_date,
                    budget.created_at,
                    stamp,
                    budget.entry_date,
                )
            )
        budget.budget_id = new_id
        budget.created_at = stamp
        budget.updated_at = max(stamp, budget.updated_at)
        found.append(budget)
    return found
