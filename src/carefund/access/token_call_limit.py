"""How many calls a token may make in a minute, so that one system cannot hold up the people who use the pages.

Counts live in the memory of one process, unlike those of failed attempts: a database write a call would cost more.
"""

import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

_WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a token's calls in this minute; `remaining` below 0: this call is one too many."""

    limit: int
    remaining: int
    seconds_left: int


def count_call(token_id: int) -> Allowance | None:
    """Count a call of a token. None where calls are not limited."""
    limit = settings.API_CALLS_PER_MINUTE
    if not limit:
        return None
    window, past = divmod(int(time.time()), _WINDOW_SECONDS)
    key = f"token-calls:{token_id}:{window}"
    cache.add(key, 0, timeout=2 * _WINDOW_SECONDS)
    try:
        count = cache.incr(key)
    except ValueError:  # thrown out meanwhile, as the cache was full
        count = 1
    return Allowance(limit, limit - count, _WINDOW_SECONDS - past)
