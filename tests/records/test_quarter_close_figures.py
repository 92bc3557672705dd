"""A quarter's totals on random records are those of its rows, and each row is what a plain look at its person says."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from django.utils import timezone

from carefund.domain.care_recipient.quarter_close import Readiness, add_up_rows, project, quarter_to_close
from carefund.domain.claims.checks import amount_of
from carefund.domain.claims.money import Sum
from carefund.domain.quarters import Quarter
from carefund.records.care_recipient.quarter_close import list_closing_rows, list_closings
from carefund.records.models import (
    ClaimBatch,
    Client,
    Entitlement,
    Invoice,
    InvoiceLineItem,
    PaymentRequest,
    Plan,
    PlanBudget,
    Rollover,
)
from tests.console import world

pytestmark = pytest.mark.django_db
ZERO = Decimal("0.00")


def cents(random: Random, lowest: int, highest: int) -> Decimal:
    return Decimal(random.randint(lowest * 100, highest * 100)) / 100


def make_budget(random: Random, client: Client, quarter: Quarter) -> None:
    """A budget of the quarter with entitlements, own lines under way or not, and perhaps a rollover."""
    plan, now = Plan.objects.create(client=client), timezone.now()
    is_over = random.random() < 0.2
    budget = PlanBudget.objects.create(
        client=client, plan=plan, changed_at=now, budget_id=f"B{client.pk}", budget_type_code="ON",
        start_date=quarter.start_date, end_date=quarter.end_date, total=cents(random, 3000, 15000), used=ZERO,
        available=None if random.random() < 0.1 else cents(random, -100, 6000),
        rollover_deduction=-cents(random, 1, 1000) if is_over else random.choice((None, ZERO)),
        write_off=random.choice((None, ZERO)), status=random.choice(("OPEN", "OPEN", "OPEN", "Closed ")),
    )  # fmt: skip
    for code in ("ON_RATE_6", "OXY_NORM")[: random.randint(0, 2)]:
        Entitlement.objects.create(
            client=client, plan_budget=budget, changed_at=now, item_code=code, amount=cents(random, 100, 9000),
            no_longer_returned_date=quarter.end_date if random.random() < 0.2 else None,
        )  # fmt: skip
    for state in random.sample(("unsent", "ready", "claimed", "paid", "before"), random.choice((0, 0, 1, 2))):
        make_line(random, client, state, quarter)
    if random.random() < 0.3:
        Rollover.objects.create(
            plan_budget=budget, base=ZERO, amount=ZERO, loss=ZERO, state=random.choice(Rollover.State.values)
        )


def make_line(random: Random, client: Client, state: str, quarter: Quarter) -> None:
    reference = f"{client.pk}-{state}"
    day = quarter.start_date - timedelta(days=state == "before")
    is_sent = state in ("claimed", "paid")
    invoice = Invoice.objects.create(external_reference_id=reference, invoice_id=reference if is_sent else None)
    line = InvoiceLineItem.objects.create(
        invoice=invoice, client=client, external_reference_id=reference, service_id="SERV-0001", funding_source="ON",
        item_id="1" if is_sent else "", delivery_date=day, quantity=cents(random, 0, 3),
        price_per_unit=Decimal("33.35"),
    )  # fmt: skip
    if state in ("ready", "claimed", "paid"):
        batch = ClaimBatch.objects.create(service_provider_id="1", from_date=day, to_date=day)
        PaymentRequest.objects.create(batch=batch, line_item=line, state=state, amount=ZERO)


def add_up(client: Client, *states: str) -> Sum:
    lines = InvoiceLineItem.objects.filter(external_reference_id__in=[f"{client.pk}-{state}" for state in states])
    return sum((Sum(1, amount_of(line.quantity, line.price_per_unit)) for line in lines), Sum())


@pytest.mark.parametrize("seed", range(3))
def test_totals_rows_and_a_plain_look_say_the_same(seed: int) -> None:
    random, today = Random(seed), timezone.localdate()
    quarter = quarter_to_close(today)
    clients = world.make_clients(40)
    for client in clients:
        make_budget(random, client, quarter)
    closings, rows = list_closings(quarter, today), list_closing_rows(quarter, today)
    assert [closing.budget_key for closing in closings] == [row.budget.pk for row in rows]
    assert [closing.closing for closing in closings] == [row.closing for row in rows]
    assert [closing.readiness for closing in closings] == [row.readiness for row in rows]
    assert add_up_rows(closings) == add_up_rows(rows)
    some = [closing.budget_key for closing in closings[10:20]]
    again = list_closing_rows(quarter, today, budget_keys=some)
    assert [(row.budget.pk, row.closing) for row in again] == [(row.budget.pk, row.closing) for row in rows[10:20]]
    rollover = loss = ZERO
    for row in rows:
        budget, client = row.budget, row.budget.client
        listed = Entitlement.objects.filter(plan_budget=budget, no_longer_returned_date__isnull=True)
        base = sum((entitlement.amount or ZERO for entitlement in listed), ZERO) or budget.total
        still = add_up(client, "unsent", "ready", "claimed", "paid")
        assert row.closing.base == base
        assert row.closing.not_claimed + row.closing.undecided + row.closing.not_drawn == still
        is_over = budget.status == "Closed " or bool(budget.rollover_deduction)
        assert (row.readiness is Readiness.ROLLED_OVER) == is_over
        if not is_over and budget.available is not None:
            projection = project(budget.available, still.amount, base)
            rollover, loss = rollover + projection.rollover, loss + projection.loss
    totals = add_up_rows(closings)
    assert (totals.people, totals.rollover, totals.loss) == (40, rollover, loss)
    assert totals.ready == sum(row.readiness is Readiness.READY for row in rows)
