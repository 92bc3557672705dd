"""Which budgets are open, and whether figures add up. Source: rule SYNC-07."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.care_recipient.budgets import (
    Effects,
    adds_up,
    find_available,
    is_open,
    read_effects,
    rollover_received,
)

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


@pytest.mark.parametrize(
    ("total", "available", "received", "expected"),
    [
        pytest.param("1000", "900", ("-100", "0", "0"), ("-100", "0", "0"), id="a deduction is negative"),
        pytest.param("1000", "900", ("100", "0", "0"), ("-100", "0", "0"), id="or positive, if that adds up"),
        pytest.param("1000", "1020", ("20", "0", "0"), ("20", "0", "0"), id="a net reversal gives back"),
        pytest.param("1000", "995", ("20", "-25", "0"), ("20", "-25", "0"), id="beside a deduction too"),
        pytest.param("1000", "985", ("5", "-25", "5"), ("5", "-25", "5"), id="two given back, one deducted"),
        pytest.param("1000", None, ("20", "-25", "0"), ("20", "-25", "0"), id="one negative: signs mean something"),
        pytest.param("1000", None, ("20", "0", "0"), ("-20", "0", "0"), id="nothing decides: a deduction"),
        pytest.param("1000", "77", ("20", "0", "0"), ("-20", "0", "0"), id="neither adds up: a deduction"),
        pytest.param(None, None, (None, None, None), ("0", "0", "0"), id="nothing sent"),
    ],
)
def test_what_is_used_lowers_the_total_unless_more_was_given_back(total, available, received, expected):
    effects = read_effects(*(text and Decimal(text) for text in (total, available, *received)))
    assert effects == Effects(*map(Decimal, expected))


signed = st.decimals(Decimal(-1000), Decimal(1000), places=2)


@given(amounts, signed, signed, signed)
def test_the_column_adds_up_whatever_the_signs(total, used, write_off, deduction):
    available = total + used + write_off + deduction
    effects = read_effects(total, available, used, write_off, deduction)
    assert total + sum(effects) == available
    assert find_available(total, None, effects) == available


def test_what_entitlements_do_not_explain_is_rollover_received():
    assert rollover_received(Decimal("3000.00"), [Decimal("2675.24"), None, Decimal("0.76")]) == Decimal("324.00")
    assert rollover_received(None, [Decimal(1)]) is None
    assert rollover_received(Decimal("10.00"), []) == Decimal("10.00")
