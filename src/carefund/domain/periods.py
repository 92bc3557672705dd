"""Days from a first to a last one: the one place that says whether a day lies within."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Period:
    """From a first to a last day, both included. No start: unknown, so from ever. No end: open."""

    start_date: date | None
    end_date: date | None

    def covers(self, day: date) -> bool:
        """Whether a day lies within; the first and the last do."""
        return (self.start_date is None or self.start_date <= day) and (self.end_date is None or day <= self.end_date)
