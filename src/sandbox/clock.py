"""The sandbox's two clocks: the world's, which can be turned, and PRODA's, which can be set wrong.

The world's clock decides which quarter it is and what has been delivered. PRODA's stays with the machine's unless it
is skewed on purpose, because a client signs its assertions by the machine's clock. No business rules here.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

SYDNEY = ZoneInfo("Australia/Sydney")


class Clock:
    """Now and today as the sandbox sees them. `generation` grows whenever the business day changes."""

    def __init__(self, today: date | None = None) -> None:
        self.offset = 0.0
        self.skew = 0.0
        self.generation = 0
        self._today = date.min
        self._day_ends_at = 0.0
        self.start(today)

    def start(self, today: date | None) -> None:
        """Begin on a day, or now by the machine's clock."""
        self.offset = 0.0
        self._turn()
        if today is not None:
            self.set_today(today)

    def now(self) -> datetime:
        """The instant of the world, aware UTC."""
        return datetime.fromtimestamp(time.time() + self.offset, UTC)

    def today(self) -> date:
        """The business day in Sydney."""
        if time.time() + self.offset >= self._day_ends_at:
            self._turn()
        return self._today

    def set_now(self, instant: datetime) -> None:
        """Turn the clock to an aware instant; it goes on from there."""
        self.offset = instant.timestamp() - time.time()
        self._turn()

    def set_today(self, day: date) -> None:
        """Turn the clock to nine in the morning, Sydney, of a day."""
        self.set_now(datetime.combine(day, time_of_day(9), SYDNEY))

    def advance(self, seconds: float) -> None:
        """Move the world's clock on."""
        self.offset += seconds
        self._turn()

    def proda_now(self) -> float:
        """PRODA's idea of the time in epoch seconds: the machine's, plus the skew set on purpose."""
        return time.time() + self.skew

    def _turn(self) -> None:
        local = self.now().astimezone(SYDNEY)
        if local.date() != self._today:
            self._today = local.date()
            self.generation += 1
        midnight = datetime.combine(self._today + timedelta(days=1), time_of_day(0), SYDNEY)
        self._day_ends_at = midnight.timestamp()


def stamp(instant: datetime) -> str:
    """An instant as the funder writes it: UTC, milliseconds, Z."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def day_stamp(day: date, time_text: str = "00:10:00") -> str:
    """A stamp that depends on the day only, so that answers stay the same byte for byte."""
    return f"{day.isoformat()}T{time_text}.000Z"
