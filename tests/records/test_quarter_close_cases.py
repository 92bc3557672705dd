"""Budgets as they really come: issued again, at 60%, one kind alone, drawn by two providers, overdrawn."""

from datetime import date
from decimal import Decimal

import pytest

from carefund.domain.care_recipient.quarter_close import Readiness
from carefund.domain.quarters import previous_quarter, quarter_of
from carefund.records.care_recipient.commitments import find_spending
from carefund.records.care_recipient.quarter_close import ClosingRow, list_closing_rows
from carefund.records.care_recipient.spending import list_sources
from carefund.records.models import BudgetUsage, Client, Entitlement, PlanBudget
from tests.console import world

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 22)
LAST = previous_quarter(quarter_of(TODAY))
D = Decimal


@pytest.fixture
def budget() -> PlanBudget:
    """An open budget of the last quarter: 5,000.00 of 13,047.49 are left, and a draw by another provider is listed."""
    client = world.make_clients(1)[0]
    plan = world.make_funding(client, quarters=1)
    PlanBudget.objects.all().delete()
    budget = PlanBudget.objects.create(
        client=client, plan=plan, budget_id="261400000001", budget_type_code="ON", budget_type="Home support ongoing",
        start_date=LAST.start_date, end_date=LAST.end_date, total=D("13047.49"), used=D("-8047.49"),
        available=D("5000.00"), write_off=D(0), rollover_deduction=D(0), status="OPEN", changed_at=world.timezone.now(),
    )  # fmt: skip
    entitle(budget, "13047.49")
    return budget


def entitle(budget: PlanBudget, amount: str) -> None:
    Entitlement.objects.create(
        client=budget.client, plan_budget=budget, item_code="ON_RATE_7", amount=D(amount), changed_at=budget.changed_at,
        start_date=budget.start_date, end_date=budget.end_date,
    )  # fmt: skip


def copy(budget: PlanBudget, **changes: object) -> PlanBudget:
    """Another budget with these differences."""
    values = {field.attname: getattr(budget, field.attname) for field in PlanBudget._meta.concrete_fields}
    return PlanBudget.objects.create(**(values | {"id": None} | changes))


def rows() -> list[ClosingRow]:
    return list_closing_rows(LAST, TODAY)


def test_a_budget_that_was_issued_again_is_closed_once(budget: PlanBudget) -> None:
    """The old one stays in the funder's list with a total of 0.00: nobody can roll it over, and it is nobody's row."""
    old = copy(budget, budget_id="261400000009", total=D(0), available=D(0), used=D(0))
    assert [row.budget.pk for row in rows()] == [budget.pk]
    assert list_closing_rows(LAST, TODAY, budget_keys=[old.pk]) == []
    PlanBudget.objects.filter(pk=budget.pk).update(no_longer_returned_date=TODAY)
    assert [row.budget.pk for row in rows()] == [old.pk], "the only one there is stays"


def test_of_interim_funding_a_tenth_of_what_is_paid_goes_on(budget: PlanBudget) -> None:
    Entitlement.objects.all().delete()
    entitle(budget, "18000.00")
    assert rows()[0].projection.cap == D("1800.00")  # type: ignore[union-attr]
    Entitlement.objects.update(amount=D("10800.00"))  # 60% of it
    projection = rows()[0].projection
    assert projection is not None
    assert (projection.cap, projection.rollover, projection.loss) == (D("1080.00"), D("1080.00"), D("3920.00"))


def test_what_another_provider_drew_is_gone_and_holds_nobody_up(budget: PlanBudget) -> None:
    BudgetUsage.objects.create(
        client=budget.client, plan_budget=budget, changed_at=budget.changed_at, amount=D("-300.00"), invoice_id="2",
        service_provider_id="9900000045", item_code="SERV-0001", delivery_date=LAST.end_date,
    )  # fmt: skip
    [row] = rows()
    assert row.readiness is Readiness.READY
    assert row.projection is not None
    assert row.projection.rest == D("5000.00"), "the funder has taken it off already"


def test_an_overdrawn_budget_carries_nothing_over(budget: PlanBudget) -> None:
    PlanBudget.objects.filter(pk=budget.pk).update(available=D("-40.00"), used=D("-13087.49"))
    [row] = rows()
    assert row.projection is not None
    assert (row.projection.rollover, row.projection.loss) == (0, 0)


def test_a_client_with_assistive_technology_alone_has_no_quarter_and_can_spend(budget: PlanBudget) -> None:
    client = Client.objects.get(pk=budget.client_id)
    PlanBudget.objects.update(budget_type_code="AT", end_date=date(2027, 6, 30), available=D("2000.00"))
    assert rows() == []
    [source] = list_sources(find_spending(client, TODAY))
    assert source.safe_to_spend == D("2000.00")
