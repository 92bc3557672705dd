"""Where money is: by age and days left. Source: rule SAH-12."""

from datetime import date
from decimal import Decimal

import pytest

from carefund.domain.claims.money import Delivered, Stage, Sum, add_up, count_days_left, name_age

TODAY = date(2026, 11, 23)
TEN = Decimal("10.00")


@pytest.mark.parametrize(
    ("delivered", "words"),
    [
        pytest.param(date(2026, 11, 24), "Up to 14 days ago", id="tomorrow, by mistake"),
        pytest.param(date(2026, 11, 9), "Up to 14 days ago", id="14 days"),
        pytest.param(date(2026, 11, 8), "15 to 30 days ago", id="15 days"),
        pytest.param(date(2026, 10, 23), "31 to 60 days ago", id="31 days"),
        pytest.param(date(2026, 9, 23), "Over 60 days ago", id="61 days"),
    ],
)
def test_the_age_of_a_line(delivered: date, words: str):
    assert name_age(delivered, TODAY) == words


@pytest.mark.parametrize(
    ("source", "delivered", "left"),
    [
        pytest.param("ON", date(2026, 9, 30), 6, id="60 days after the quarter"),
        pytest.param("ON", date(2026, 6, 30), -86, id="the quarter before that is over"),
        pytest.param("AT", date(2026, 6, 30), None, id="a tier has no quarter"),
    ],
)
def test_days_left_to_claim(source: str, delivered: date, left: int | None):
    assert count_days_left(source, delivered, TODAY) == left


def test_a_stage_is_added_up():
    lines = [
        Delivered("ON", date(2026, 11, 20), TEN * 3, 3),
        Delivered("ON", date(2026, 9, 29), TEN),
        Delivered("ON", date(2026, 6, 29), TEN),
        Delivered("AT", date(2026, 6, 29), TEN),
    ]
    sums = add_up(Stage.NOT_CLAIMED, lines, TODAY)
    assert sums.total == Sum(6, TEN * 6)
    assert (sums.closing, sums.closed) == (Sum(1, TEN), Sum(1, TEN))
    assert [part.number for _, part in sums.by_age] == [3, 0, 1, 2]
    assert add_up(Stage.UNDECIDED, lines, TODAY).closed == Sum(), "what is claimed has no window any more"
