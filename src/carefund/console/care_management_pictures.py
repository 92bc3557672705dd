"""A refreshed picture on its way from Refresh to Save: signed, carried by the page itself, good for an hour.

So what is saved is exactly what was seen, and nothing is stored that nobody saved.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from django.core import signing

from carefund.records.care_management_data import budgets_as_data, budgets_from_data, pool_as_data, pool_from_data
from carefund.sync.care_management import Problem, Received, Refreshed

_SALT = "carefund.care-management"
_SECONDS = 3600


class PictureExpired(Exception):
    """The picture is older than an hour, or was not made here."""


def sign_pictures(results: Sequence[Refreshed]) -> str:
    """What was refreshed, as one signed text."""
    return signing.dumps([_as_data(one) for one in results], salt=_SALT, compress=True)


def read_pictures(text: str) -> list[Refreshed]:
    """What was refreshed, from the signed text. Raises PictureExpired."""
    try:
        return [_from_data(row) for row in signing.loads(text, salt=_SALT, max_age=_SECONDS)]
    except signing.BadSignature as error:
        raise PictureExpired from error


def _as_data(result: Refreshed) -> dict[str, Any]:
    return {
        "pool": pool_as_data(result.pool),
        "ended": [pool_as_data(pool) for pool in result.ended],
        "closed": budgets_as_data(result.closed),
        "received": [
            [row.budget_type, row.count, _day_as_text(row.start_date), _day_as_text(row.end_date)]
            for row in result.received
        ],
        "problem": {**asdict(result.problem), "details": []} if result.problem else None,
    }


def _from_data(data: dict[str, Any]) -> Refreshed:
    return Refreshed(
        pool_from_data(data["pool"]),
        tuple(pool_from_data(row) for row in data["ended"]),
        tuple(
            Received(name, count, _text_as_day(start), _text_as_day(end))
            for name, count, start, end in data["received"]
        ),
        Problem(**{**data["problem"], "details": ()}) if data["problem"] else None,
        closed=budgets_from_data(data.get("closed", ())),
    )


def _day_as_text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _text_as_day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
