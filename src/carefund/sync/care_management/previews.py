"""Keep a refreshed pool exactly as it was shown, so that what a person saw is what Save keeps, or nothing is."""

from dataclasses import asdict
from datetime import date
from typing import Any

import msgspec

from carefund.funders.errors.root import Detail
from carefund.records.care_management.pool_json import budgets_as_data, budgets_from_data, pool_as_data, pool_from_data
from carefund.records.compression import compress, decompress
from carefund.sync.care_management.refreshing import PoolProblem, Refreshed, ReturnedBudgets


def freeze_pool(refreshed: Refreshed) -> bytes:
    """Return a refreshed pool as bytes to be stored."""
    return compress(msgspec.json.encode(_as_data(refreshed)))


def thaw_pool(body: bytes) -> Refreshed:
    """Return the refreshed pool that was frozen."""
    return _from_data(msgspec.json.decode(decompress(body)))


def _as_data(refreshed: Refreshed) -> dict[str, Any]:
    return {
        "pool": pool_as_data(refreshed.pool),
        "ended": [pool_as_data(pool) for pool in refreshed.ended],
        "closed": budgets_as_data(refreshed.closed),
        "received": [
            [row.budget_type, row.count, _day_as_text(row.start_date), _day_as_text(row.end_date)]
            for row in refreshed.received
        ],
        "problem": asdict(refreshed.problem) if refreshed.problem else None,
    }


def _from_data(data: dict[str, Any]) -> Refreshed:
    return Refreshed(
        pool_from_data(data["pool"]),
        tuple(pool_from_data(row) for row in data["ended"]),
        tuple(
            ReturnedBudgets(name, count, _text_as_day(start), _text_as_day(end))
            for name, count, start, end in data["received"]
        ),
        _problem(data["problem"]) if data["problem"] else None,
        closed=budgets_from_data(data["closed"]),
    )


def _problem(data: dict[str, Any]) -> PoolProblem:
    return PoolProblem(**{**data, "details": tuple(Detail(*detail) for detail in data["details"])})


def _day_as_text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _text_as_day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
