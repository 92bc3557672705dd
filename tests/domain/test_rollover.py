"""How much of a quarter's rest rolls over. Source: rule SAH-07."""

from decimal import Decimal

import pytest

from carefund.domain.care_recipient.rollover import rollover_of


@pytest.mark.parametrize(
    ("rest", "base", "expected"),
    [
        ("400", "5000", "400"),
        ("1500", "5000", "1000"),
        ("1500", "12000", "1200"),
        ("1500", "12000.05", "1200.01"),
        ("-50", "5000", "0"),
    ],
)
def test_at_most_the_greater_of_a_thousand_dollars_and_a_tenth_moves_on(rest: str, base: str, expected: str) -> None:
    assert rollover_of(Decimal(rest), Decimal(base)) == Decimal(expected)
