"""Which budgets are open, and whether figures add up. Source: rule SYNC-07."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.budgets import adds_up, is_open, rolled_in

TODAY = date(2026, 11, 20)
amounts = st.decimals(Decimal(0), Decimal(100_000), places=2)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param(None, True, id="no end"),
        pytest.param(TODAY + timedelta(days=400), True, id="far in the future"),
        pytest.param(TODAY, True, id="ends today"),
        pytest.param(TODAY - timedelta(days=1), True, id="ended yesterday"),
        pytest.param(TODAY - timedelta(days=89), True, id="89 days ago"),
        pytest.param(TODAY - timedelta(days=90), True, id="90 days ago is within 90 days"),
        pytest.param(TODAY - timedelta(days=91), False, id="91 days ago"),
    ],
)
def test_a_budget_is_open_without_end_or_up_to_ninety_days_after_it(end, expected):
    assert is_open(end, TODAY, 90) is expected


def test_how_long_a_budget_stays_open_is_a_setting():
    assert is_open(TODAY - timedelta(days=300), TODAY, 365)
    assert not is_open(TODAY - timedelta(days=1), TODAY, 0)


@given(amounts, amounts, amounts, amounts)
def test_figures_add_up_with_deductions_of_either_sign(total, used, write_off, deduction):
    available = total - used - write_off - deduction
    assert adds_up(total, available, used, write_off, deduction)
    assert adds_up(total, available, -used, -write_off, -deduction)


@given(amounts, amounts, st.decimals(Decimal("0.01"), Decimal(10), places=2))
def test_a_cent_too_much_does_not_add_up(total, used, too_much):
    assert not adds_up(total, total - used - too_much, -used, None, None)


@pytest.mark.parametrize(("total", "available"), [(None, Decimal(5)), (Decimal(5), None), (None, None)])
def test_figures_that_are_not_there_are_not_wrong(total, available):
    assert adds_up(total, available, Decimal("-3.00"), None, None)


def test_what_entitlements_do_not_explain_was_rolled_in():
    assert rolled_in(Decimal("3000.00"), [Decimal("2675.24"), None, Decimal("0.76")]) == Decimal("324.00")
    assert rolled_in(None, [Decimal(1)]) is None
    assert rolled_in(Decimal("10.00"), []) == Decimal("10.00")
