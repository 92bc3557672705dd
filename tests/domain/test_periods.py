"""Whether a day lies within a period."""

from datetime import date, timedelta

import pytest

from carefund.domain.periods import Period

DAY = date(2026, 11, 21)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "end", "covered"),
    [
        (DAY, DAY, True),
        (BEFORE, DAY, True),
        (DAY, AFTER, True),
        (None, DAY, True),
        (DAY, None, True),
        (None, None, True),
        (AFTER, None, False),
        (None, BEFORE, False),
        (AFTER, BEFORE, False),
    ],
)
def test_first_and_last_days_belong_to_a_period(start: date | None, end: date | None, covered: bool) -> None:
    assert Period(start, end).covers(DAY) is covered
