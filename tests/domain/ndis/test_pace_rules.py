"""Management, funding periods, adjustment records and plans as data."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.ndis import adjustments
from carefund.domain.ndis.periods import Delivery, PeriodStatus, available, current_period, delivered_in, status_on
from carefund.domain.ndis.plan import (
    BudgetType,
    CategoryBudget,
    Management,
    PacePeriod,
    PacePlan,
    budget_ids,
    from_data,
    read_budget_type,
    read_management,
    to_data,
)
from carefund.domain.ndis.totals import is_core_flexible, total_funding

START = date(2026, 7, 1)


def budget(**values: object) -> CategoryBudget:
    given_values = {
        "category_text": "Consumables",
        "category_number": "03",
        "category_name": "Consumables",
        "support_type": "Core",
        "budget_type": BudgetType.FLEXIBLE,
        "management": Management.PLAN,
        "approved_amount": Decimal("1000.00"),
        "released_amount": Decimal("500.00"),
        "spent_amount": Decimal("120.50"),
        "remaining_amount": Decimal("379.50"),
    } | values
    return CategoryBudget(**given_values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "component", "management"),
    [
        ("Plan-managed", "", Management.PLAN),
        ("PLAN MANAGED", "", Management.PLAN),
        ("Self-managed", "", Management.SELF),
        ("Agency-managed", "", Management.AGENCY),
        ("NDIA-managed", "", Management.AGENCY),
        ("", "Core Flexible (Plan-managed)", Management.PLAN),
        ("", "Core Flexible (self managed)", Management.SELF),
        ("", "Core Flexible", Management.UNKNOWN),
        ("Somehow", "", Management.UNKNOWN),
    ],
)
def test_management_is_read_from_its_first_word_or_from_the_brackets(
    text: str, component: str, management: str
) -> None:
    assert read_management(text, component) == management


def test_a_budget_type_that_is_not_told_is_read_from_the_component_or_stays_unknown() -> None:
    assert read_budget_type("", "Core Flexible (Plan-managed)") == BudgetType.FLEXIBLE
    assert read_budget_type("Stated", "") == BudgetType.STATED
    assert read_budget_type("", "Capital") == BudgetType.UNKNOWN


@pytest.mark.parametrize(
    ("management", "support_type", "is_excluded"),
    [
        (Management.PLAN, "Core", False),
        (Management.UNKNOWN, "Core", False),
        (Management.SELF, "Core", True),
        (Management.AGENCY, "Capital", True),
        (Management.PLAN, "Recurring", True),
    ],
)
def test_what_others_pay_stays_out_of_the_totals(management: Management, support_type: str, is_excluded: bool) -> None:
    assert budget(management=management, support_type=support_type).is_excluded is is_excluded


QUARTERS = (
    PacePeriod(date(2026, 7, 1), date(2026, 9, 30), Decimal(1000)),
    PacePeriod(date(2026, 10, 1), date(2026, 12, 31), Decimal(1000)),
    PacePeriod(date(2027, 1, 1), date(2027, 6, 30), Decimal(2000)),
)


@pytest.mark.parametrize(
    ("today", "status"),
    [
        (date(2026, 9, 30), PeriodStatus.PENDING),
        (date(2026, 10, 1), PeriodStatus.ACTIVE),
        (date(2026, 12, 31), PeriodStatus.ACTIVE),
        (date(2027, 1, 1), PeriodStatus.EXPIRED),
    ],
)
def test_a_period_is_pending_active_or_expired(today: date, status: PeriodStatus) -> None:
    assert status_on(QUARTERS[1], today) == status


@given(st.dates(date(2026, 7, 1), date(2027, 6, 30)))
def test_exactly_one_of_adjoining_periods_is_current(today: date) -> None:
    assert [status_on(period, today) for period in QUARTERS].count(PeriodStatus.ACTIVE) == 1
    assert current_period(QUARTERS, today) is not None


def test_available_is_the_current_allocation_less_what_was_delivered_in_it() -> None:
    deliveries = [Delivery(date(2026, 8, 1), Decimal(300)), Delivery(date(2026, 11, 2), Decimal("100.10"))]
    assert available(QUARTERS, None, deliveries, date(2026, 11, 3)) == Decimal("899.90")


def test_available_may_be_negative() -> None:
    assert available(QUARTERS, None, [Delivery(date(2026, 7, 2), Decimal(1200))], date(2026, 8, 1)) == Decimal(-200)


def test_available_without_periods_is_what_pace_says_remains() -> None:
    assert available((), Decimal("12.30"), [], START) == Decimal("12.30")
    assert available((), None, [], START) is None
    assert available((PacePeriod(START, START),), Decimal(5), [], START) == Decimal(5)


def test_between_periods_nothing_is_available() -> None:
    assert available(QUARTERS, Decimal(9), [], date(2028, 1, 1)) == 0


def test_an_adjustment_uses_up_the_oldest_periods_first() -> None:
    adjustment = [Delivery(date(2026, 11, 20), Decimal(1250), is_adjustment=True)]
    assert [delivered_in(period, QUARTERS, adjustment) for period in QUARTERS] == [1000, 250, 0]


@given(st.decimals(0, 10_000, places=2), st.dates(date(2026, 7, 1), date(2027, 6, 30)))
def test_an_adjustment_is_counted_once_whatever_the_periods(amount: Decimal, made: date) -> None:
    delivery = [Delivery(made, amount, is_adjustment=True)]
    assert sum(delivered_in(period, QUARTERS, delivery) for period in QUARTERS) == amount


def test_an_adjustment_record_has_the_required_texts() -> None:
    made = adjustments.adjustment_for(budget(), START)
    assert made is not None
    assert made.support_item_number == ""
    assert made.support_item_description == "NDIS PACE API Budget Adjustment Record"
    assert made.service_provider_name == "NDIA refer to PACE"
    assert made.note == (
        "NDIS PACE API Budget Adjustment record. Note: a) Only the Total Amount of services delivered to date for the "
        "Support Category have been provided in the PACE API record.  b) The Service Support Item used has been "
        "applied for budget adjustment purposes only."
    )
    assert made.amount == Decimal("120.50")


def test_choice_and_control_was_delivered_by_the_previous_plan_manager() -> None:
    made = adjustments.adjustment_for(budget(category_number="14"), START)
    assert made is not None
    assert made.service_provider_name == "Previous Plan Manager"


@pytest.mark.parametrize(
    ("values", "amount"),
    [
        ({"spent_amount": None}, Decimal("120.50")),
        ({"spent_amount": Decimal(0)}, None),
        ({"spent_amount": Decimal(-5)}, None),
        ({"spent_amount": None, "released_amount": None}, None),
        ({"spent_amount": Decimal(7), "remaining_amount": Decimal(1)}, Decimal(7)),
    ],
)
def test_the_amount_is_what_pace_reports_as_spent(values: dict[str, object], amount: Decimal | None) -> None:
    made = adjustments.adjustment_for(budget(**values), START)
    assert (made.amount if made else None) == amount


@given(st.dates(), st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 1000))
def test_an_adjustment_is_dated_inside_the_contract(today: date, start: date, days: int) -> None:
    end = start + timedelta(days=days)
    assert start <= adjustments.adjustment_date(today, start, end) <= end


def test_total_funding_counts_what_is_not_excluded() -> None:
    rows = [budget(), budget(management=Management.SELF), budget(approved_amount=None)]
    assert total_funding(rows, lambda row: not row.is_excluded) == Decimal("1000.00")
    assert is_core_flexible(rows[0])


PLAN = PacePlan("0", START, None, START, (budget(periods=QUARTERS), budget(), budget(budget_type=BudgetType.STATED)))


def test_a_plan_survives_being_data() -> None:
    assert from_data(to_data(PLAN)) == PLAN


def test_a_digest_moves_with_every_fact_and_not_with_notices() -> None:
    assert replace(PLAN, notices=("seen",)).digest == PLAN.digest
    assert replace(PLAN, end_date=START).digest != PLAN.digest
    assert replace(PLAN, budgets=PLAN.budgets[:2]).digest != PLAN.digest


def test_budget_ids_are_distinct_and_speak() -> None:
    assert budget_ids(PLAN.budgets) == [
        "03-flexible-plan-managed",
        "03-flexible-plan-managed~2",
        "03-stated-plan-managed",
    ]
