"""A contract against PACE: what differs is found once, told field by field, and nothing else is."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.ndis.comparing import DifferenceKind, HeldBudget, HeldContract, compare, find_drift
from carefund.domain.ndis.plan import BudgetType, CategoryBudget, Management, PacePeriod, PacePlan

START, END = date(2026, 7, 1), date(2027, 6, 30)
DAILY = CategoryBudget(
    "Assistance with Daily Life",
    "01",
    "Assistance with Daily Life",
    "Core",
    BudgetType.FLEXIBLE,
    Management.PLAN,
    start_date=START,
    end_date=END,
    approved_amount=Decimal("20000.00"),
    spent_amount=Decimal("5000.00"),
    periods=(
        PacePeriod(START, date(2026, 12, 31), Decimal(10000)),
        PacePeriod(date(2027, 1, 1), END, Decimal(10000)),
    ),
)
SKILLS = replace(DAILY, category_text="Improved Daily Living Skills", category_number="15", periods=())
PLAN = PacePlan("0", START, END, START, (DAILY, SKILLS))


def held(*budgets: CategoryBudget, declined: frozenset[str] = frozenset()) -> HeldContract:
    rows = tuple(HeldBudget(number, budget) for number, budget in enumerate(budgets, 1))
    return HeldContract(START, END, START, rows, declined)


def kinds(contract: HeldContract, plan: PacePlan = PLAN) -> list[tuple[str, str]]:
    return [(difference.kind.value, difference.field) for difference in compare(contract, plan).differences]


def test_what_is_in_step_has_no_differences() -> None:
    assert kinds(held(DAILY, SKILLS)) == []


def test_order_does_not_matter() -> None:
    assert kinds(held(SKILLS, DAILY)) == []


def test_changed_dates_and_amounts_are_told_field_by_field() -> None:
    plan = replace(PLAN, end_date=date(2027, 9, 30), budgets=(DAILY, replace(SKILLS, approved_amount=Decimal(1))))
    assert kinds(held(DAILY, SKILLS), plan) == [("contract field", "end_date"), ("budget field", "approved_amount")]


def test_a_category_that_changed_hands_is_one_change() -> None:
    plan = replace(PLAN, budgets=(DAILY, replace(SKILLS, management=Management.SELF)))
    assert kinds(held(DAILY, SKILLS), plan) == [("budget field", "management")]


def test_a_category_under_two_managements_is_paired_with_its_own() -> None:
    own = replace(SKILLS, management=Management.SELF, approved_amount=Decimal(7))
    assert kinds(held(own, SKILLS), replace(PLAN, budgets=(SKILLS, own))) == []


def test_new_and_gone_categories_are_told() -> None:
    plan = replace(PLAN, budgets=(DAILY,))
    assert kinds(held(DAILY, SKILLS), plan) == [("category gone", "")]
    assert kinds(held(DAILY)) == [("new category", "")]


def test_a_category_left_out_on_purpose_is_shown_without_a_tick() -> None:
    comparison = compare(held(DAILY, declined=frozenset({"15"})), PLAN)
    assert [difference.is_chosen for difference in comparison.differences] == [False]
    assert comparison.counting == ()


def test_a_flagged_category_is_not_told_twice_and_comes_back() -> None:
    flagged = HeldContract(START, END, START, (HeldBudget(1, DAILY), HeldBudget(2, SKILLS, is_flagged=True)))
    assert kinds(flagged, replace(PLAN, budgets=(DAILY,))) == []
    assert kinds(flagged) == [("category back", "")]


def test_funding_periods_are_compared_by_their_first_day() -> None:
    first, second = DAILY.periods
    moved = (replace(first, amount=Decimal(9000)), replace(second, start_date=date(2027, 2, 1)))
    found = kinds(held(DAILY, SKILLS), replace(PLAN, budgets=(replace(DAILY, periods=moved), SKILLS)))
    assert found == [
        ("funding period field", "amount"),
        ("funding period gone", ""),
        ("new funding period", ""),
    ]


@given(st.permutations([DAILY, SKILLS, replace(SKILLS, management=Management.AGENCY)]), st.integers(0, 3))
def test_every_budget_of_either_side_is_in_exactly_one_pair(order: list[CategoryBudget], size: int) -> None:
    contract = held(*order[:size])
    pairs = compare(contract, PLAN).pairs
    assert sorted(row.id for row, _ in pairs if row) == [row.id for row in contract.budgets]
    assert sorted(position for _, position in pairs if position is not None) == [0, 1]


def test_difference_ids_are_distinct_and_change_with_the_values() -> None:
    one = compare(held(DAILY), replace(PLAN, end_date=START)).differences
    two = compare(held(DAILY), replace(PLAN, end_date=date(2028, 1, 1))).differences
    assert len({difference.id for difference in one}) == len(one)
    assert one[0].id != two[0].id
    assert one[1].id == two[1].id
    assert one[0].kind is DifferenceKind.CONTRACT_FIELD


def test_drift_is_what_pace_counts_beyond_our_records() -> None:
    contract = held(DAILY, SKILLS)
    delivered = {1: Decimal(5000), 2: Decimal(4000)}
    drifts = find_drift(contract.budgets, delivered.__getitem__, PLAN, compare(contract, PLAN))
    assert [(drift.budget_id, drift.amount) for drift in drifts] == [(2, Decimal(1000))]
