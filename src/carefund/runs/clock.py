"""The database's clock, and whether it may be believed when something is to be deleted because of its age.

The last time seen is kept in the database. A clock that has jumped since is noticed, also by the process that starts on
a machine whose clock is wrong; deleting then waits until it has been steady for a day. Days on which nothing ran look
like a jump as well, which costs that day of waiting and nothing else.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from carefund.records.models import OrganisationSetting
from carefund.records.turns import one_at_a_time

log = logging.getLogger(__name__)

STEADY_FOR = timedelta(days=1)
_KEY = "clock"
_NOTED_EVERY = timedelta(minutes=1)
_AHEAD = timedelta(days=3)  # a machine may be off over a weekend
_BACK = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Clock:
    """What the clock says now, and since when it is known not to have jumped; `has_jumped` at that moment."""

    now: datetime
    steady_since: datetime
    has_jumped: bool = False

    @property
    def is_steady(self) -> bool:
        """Whether things may be deleted because of their age."""
        return self.now - self.steady_since >= STEADY_FOR


def read_clock() -> Clock:
    """Look at the clock, note the time at most once a minute, and notice a jump."""
    row = OrganisationSetting.objects.annotate(now=Now()).filter(key=_KEY).first()
    if row is not None and row.value:  # empty: whoever was to note the first time died over it
        seen, since, has_jumped = _parse(row.value)
        if timedelta(0) <= row.now - seen < _NOTED_EVERY:
            return Clock(row.now, since, has_jumped)
    return _note()


def _note() -> Clock:
    with one_at_a_time(_KEY):
        row = OrganisationSetting.objects.annotate(now=Now()).get(key=_KEY)
        since, has_jumped = row.now, False
        if row.value:
            seen, steady_since, had_jumped = _parse(row.value)
            if -_BACK <= row.now - seen <= _AHEAD:
                since, has_jumped = min(steady_since, row.now), had_jumped
            else:
                has_jumped = True
                log.warning("the clock went from %s to %s; nothing is removed for a day", seen, row.now)
        row.value = [row.now.isoformat(), since.isoformat(), has_jumped]
        row.save(update_fields=["value", "changed_at"])
    return Clock(row.now, since, has_jumped)


def _parse(value: list[Any]) -> tuple[datetime, datetime, bool]:
    """When the clock was last seen, since when it was steady, and whether it had jumped before that."""
    seen, since, has_jumped = value
    return datetime.fromisoformat(seen), datetime.fromisoformat(since), has_jumped
