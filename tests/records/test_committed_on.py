"""What is committed of many people's budgets of a day is, to the cent, what it is of each one's money as a whole."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from django.utils import timezone

from carefund.records.care_recipient.commitments import covers, find_committed, find_committed_on
from carefund.records.models import BudgetUsage, Client, Invoice, InvoiceLineItem, Plan, PlanBudget, PlannedService
from tests.console import world

pytestmark = pytest.mark.django_db


def spread(random: Random, today: date) -> date:
    return today - timedelta(days=random.randint(-40, 400))


def make_money(random: Random, client: Client, today: date) -> None:
    """Budgets that follow each other, overlap or have no end, with lines of any day and planned services."""
    plan, now = Plan.objects.create(client=client), timezone.now()
    budgets = []
    for number in range(random.randint(0, 6)):
        begin = spread(random, today)
        budgets.append(
            PlanBudget.objects.create(
                client=client, plan=plan, changed_at=now, budget_id=f"B{number}", total=Decimal(3000),
                budget_type_code=random.choice(("ON", "ON", "ON", "AT")),
                start_date=random.choice((None, begin, begin)),
                end_date=random.choice((None, *[begin + timedelta(days=91)] * 4)),
                available=random.choice((None, Decimal(random.randint(0, 900)))), status="OPEN",
                no_longer_returned_date=today if random.random() < 0.15 else None,
            )
        )  # fmt: skip
    for number in range(random.randint(0, 12)):
        reference = f"{client.pk}-{number}"
        invoice = Invoice.objects.create(external_reference_id=reference, invoice_id=None)
        line = InvoiceLineItem.objects.create(
            invoice=invoice, client=client, external_reference_id=reference, service_id="SERV-0001",
            funding_source=random.choice(("ON", "ON", "ON", "AT", "")), delivery_date=spread(random, today),
            quantity=Decimal(random.randint(25, 300)) / 100, price_per_unit=Decimal(random.randint(1000, 20000)) / 100,
        )  # fmt: skip
        if budgets and random.random() < 0.2:
            BudgetUsage.objects.create(
                client=client, plan_budget=budgets[0], invoice_line_item=line, changed_at=now, amount=Decimal(-1),
                invoice_id=reference,
            )  # fmt: skip
    for _ in range(random.randint(0, 2)):
        PlannedService.objects.create(
            client=client, service_id="SERV-0001", funding_source=random.choice(("ON", "AT")), price=Decimal("81.35"),
            frequency=random.choice(PlannedService.Frequency.values), from_date=spread(random, today), entered_by="fay",
        )  # fmt: skip
    if random.random() < 0.4:
        client.unspent_balances.create(
            source=random.choice(("CU", "HC")), amount=Decimal(random.randint(0, 700)), balance_date=today,
            entered_by="fay",
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_of_many_people_it_is_what_it_is_of_each(seed: int) -> None:
    random, today = Random(seed), timezone.localdate()
    clients = world.make_clients(25)
    for client in clients:
        make_money(random, client, today)
    found = find_committed_on([client.pk for client in clients], today, "ON")
    for client in clients:
        budgets = list(PlanBudget.objects.filter(client=client).order_by("id"))
        committed = find_committed(budgets, today)
        expected = [
            (budget.pk, committed[budget.pk])
            for budget in budgets
            if budget.budget_type_code == "ON" and covers(budget, today)
        ]
        assert [(budget.pk, commitment) for budget, commitment in found.get(client.pk, ())] == expected
