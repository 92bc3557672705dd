"""Which service provider id (branch) a person belongs to, and what such an id looks like.

Source: rule SYNC-08.
"""

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

_SHAPE = re.compile(r"[0-9A-Za-z-]{1,10}")


@lru_cache(maxsize=1024)  # an organisation has few, and each budget names one
def is_valid_service_provider_id(service_provider_id: str) -> bool:
    """Whether it can be an id at all: up to ten letters, digits or hyphens, and not only zeros."""
    return bool(_SHAPE.fullmatch(service_provider_id)) and bool(service_provider_id.strip("0-"))


def newest_service_provider_id(budgets: Iterable[tuple[date | None, str]], today: date) -> str:
    """The id on the budget that started last, budgets of the future last of all. Empty if no budget has a valid one."""
    candidates = [
        (start is not None and start <= today, start or date.min, provider_id)
        for start, provider_id in budgets
        if is_valid_service_provider_id(provider_id)
    ]
    return max(candidates)[2] if candidates else ""
