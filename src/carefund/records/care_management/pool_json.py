"""Pools as plain data and back: for JSON on a terminal, and for the page that hands a snapshot on to Save.

Money is text with its cents, days and instants are ISO. No database here.
"""

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from carefund.domain.care_management.carry_over import Estimate
from carefund.domain.care_management.pools import Pool, PooledBudget, PooledUse
from carefund.domain.quarters import Quarter


def pool_as_data(pool: Pool) -> dict[str, Any]:
    """A snapshot as JSON data."""
    return {
        "service_provider_id": pool.service_provider_id,
        "quarter_start_date": pool.quarter.start_date.isoformat(),
        "quarter": pool.quarter.name,
        "asked_at": pool.asked_at.isoformat(),
        "budgets": budgets_as_data(pool.budgets),
        "uses": [_plain(use) for use in pool.uses],
        "estimate": estimate_as_data(pool.estimate),
        "unread_details": pool.unread_details,
    }


def pool_from_data(data: dict[str, Any]) -> Pool:
    """The snapshot back from JSON data."""
    return Pool(
        data["service_provider_id"],
        Quarter(date.fromisoformat(data["quarter_start_date"])),
        datetime.fromisoformat(data["asked_at"]),
        budgets_from_data(data["budgets"]),
        msgspec.convert(data["uses"], tuple[PooledUse, ...]),
        estimate_from_data(data["estimate"]),
        data["unread_details"],
    )


def budgets_as_data(budgets: Iterable[PooledBudget]) -> list[dict[str, Any]]:
    """Pooled budgets as JSON data."""
    return [_plain(budget) for budget in budgets]


def budgets_from_data(rows: Iterable[dict[str, Any]]) -> tuple[PooledBudget, ...]:
    """Pooled budgets back from JSON data."""
    return tuple(msgspec.convert(row, PooledBudget) for row in rows)


def estimate_as_data(estimate: Estimate | None) -> dict[str, str] | None:
    """The forecast's parts as texts."""
    return {name: str(value) for name, value in asdict(estimate).items()} if estimate else None


def estimate_from_data(data: dict[str, str] | None) -> Estimate | None:
    """The forecast back from texts."""
    if not data:
        return None
    parts: dict[str, Any] = {name: Decimal(text) for name, text in data.items() if name != "year_end_date"}
    return Estimate(year_end_date=date.fromisoformat(data["year_end_date"]), **parts)


def _plain(record: PooledBudget | PooledUse) -> dict[str, Any]:
    found = {}
    for field in fields(record):
        value = getattr(record, field.name)
        found[field.name] = str(value) if isinstance(value, (Decimal, date)) else value
    return found
