"""What a person's providers delivered: usage lines planned from the person's number, quarter by quarter.

A line depends on nothing that the control API changes, so it stays what it was. No balances here (`money.py`).
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from random import Random

from sandbox.clock import day_stamp
from sandbox.people import FOREIGN_PROVIDER, INVOICE_BASE, Grant, Person, UsageLine
from sandbox.quarters import Quarter
from sandbox.rates import AT_SERVICES, HM_SERVICES, PARTICIPANT_SHARE, SERVICES, Service, daily_rate

# A usage line shows once the funder has processed the invoice.
LAG_DAYS = 9
FOREIGN_INVOICE_BASE = 2_000_000_000


@lru_cache(maxsize=64)
def _planned_spend(level: str, quarter: Quarter) -> float:
    return float(daily_rate(level, quarter.start_date) * PARTICIPANT_SHARE * 90)


_PRICES_IN_CENTS = {row.service_id: int(row.price * 100) for row in (*SERVICES, *AT_SERVICES, *HM_SERVICES)}


@lru_cache(maxsize=2_000)
def _processed_at(day: date) -> str:
    return day_stamp(day, "03:00:00")


def quarter_usage(person: Person, quarter: Quarter) -> list[UsageLine]:
    """The lines that this person's providers deliver in a quarter, oldest first, from the entry day on."""
    rng = Random(f"{person.seed}:{person.number}:{quarter.ordinal}")
    start = max(quarter.start_date, person.entry_date)
    days = (quarter.end_date - start).days + 1
    lines = max(1, person.lines_per_quarter * days // 91)
    a_line = _planned_spend(person.planned_level, quarter) * person.spend_share / max(1, person.lines_per_quarter)
    services = [row.service for row in person.approved_services if row.service] or list(SERVICES[:1])
    found = []
    for index in range(lines):
        delivered = start + timedelta(days=index * days // lines)
        found.append(
            _line(person, rng, "ON", services, a_line, delivered, quarter.ordinal * 40 + index // 6, index % 6 + 1)
        )
    return found


def grant_usage(person: Person, grant: Grant) -> list[UsageLine]:
    """The lines drawn from a non-quarterly budget, over two thirds of its life and within its total."""
    if not grant.usage_here or not grant.total:
        return []
    rng = Random(f"{person.seed}:{grant.budget_id}")
    services = {"AT": AT_SERVICES, "HM": HM_SERVICES}.get(grant.type_code, SERVICES)
    life = ((grant.end_date - grant.start_date).days if grant.end_date else 240) * 2 // 3
    a_line = float(grant.total) * person.spend_share / 8
    slot = 900 + int(grant.budget_id) % 100 % 90
    found, left = [], grant.total
    for index in range(8):
        delivered = grant.start_date + timedelta(days=life * index // 8)
        line = _line(person, rng, grant.type_code, services, a_line, delivered, slot, index + 1)
        left += line.amount
        if left < 0:
            break
        found.append(line)
    return found


def _line(
    person: Person,
    rng: Random,
    type_code: str,
    services: tuple[Service, ...] | list[Service],
    spend: float,
    delivered: date,
    slot: int,
    item: int,
) -> UsageLine:
    service = services[int(rng.random() * len(services))]
    price = _PRICES_IN_CENTS[service.service_id]
    quarters = max(1, int(spend * 400 / price))
    if service.unit != "hours":
        quarters = max(4, quarters // 4 * 4)
    foreign = person.foreign_until is not None and delivered < person.foreign_until
    visible = delivered + timedelta(days=LAG_DAYS)
    base = FOREIGN_INVOICE_BASE if foreign else INVOICE_BASE
    return UsageLine(
        type_code=type_code,
        service_provider_id=FOREIGN_PROVIDER[0] if foreign else person.service_provider_id,
        item_code=service.service_id,
        description=service.service_text,
        invoice_id="" if person.invoice_ids == "blank" else str(base + person.number * 1000 + slot),
        item_id="" if person.invoice_ids == "blank" else str(item),
        amount=Decimal(-(quarters * price // 4)).scaleb(-2),
        delivery_date=delivered,
        visible_date=visible,
        quarter_units=quarters,
        updated_at=_processed_at(visible),
    )
