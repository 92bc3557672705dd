"""Rollover at the funder's: asked for once, whatever it answers, and compared with what was projected."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from carefund.access.models import AuditEntry
from carefund.access.roles import Role, give_role
from carefund.domain.care_recipient.quarter_close import Readiness
from carefund.domain.quarters import previous_quarter, quarter_of
from carefund.records.care_recipient.quarter_close import ClosingRow, list_closing_rows
from carefund.records.models import ClaimBatch, Client, Invoice, InvoiceLineItem, PaymentRequest, PlanBudget, Rollover
from carefund.records.payload_store import read_payload
from carefund.runs.business_day import business_today
from carefund.runs.care_recipient.rolling_over import request_rollovers
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, NothingToDo, request_work
from tests.browsing import Browser
from tests.conftest import Sandbox

LAST = previous_quarter(quarter_of(business_today()))


@pytest.fixture
def budget(
    world: Sandbox, add_client: Callable[..., Client], synchronise: Callable[..., object], settings: Settings
) -> PlanBudget:
    """Last quarter's budget of an ordinary person, ten days after its end. Our own days are not the funder's: so that
    no test depends on the day, here the budget ended ten days ago."""
    settings.OPEN_BUDGET_DAYS = 120
    world.ask("POST", "/clock", {"today": (LAST.end_date + timedelta(days=10)).isoformat()})
    client = add_client(world.scenario("ordinary")[0])
    synchronise(client)
    budget = PlanBudget.objects.get(client=client, budget_type_code="ON", end_date=LAST.end_date)
    PlanBudget.objects.filter(pk=budget.pk).update(end_date=business_today() - timedelta(days=10))
    budget.refresh_from_db()
    assert budget.status == "OPEN"
    return budget


def row_of(budget: PlanBudget) -> ClosingRow:
    [row] = list_closing_rows(quarter_of(budget.end_date), business_today(), budget_keys=[budget.pk])
    return row


def ask(budget: PlanBudget) -> RunItem:
    """Ask for the rollover and carry it out."""
    return finish_now(request_rollovers([row_of(budget)])).items.get()


def count_asked(world: Sandbox) -> int:
    """How often the funder was asked to roll over, whatever it answered."""
    return len(world.ask("GET", "/journal?operation=budget_roll_over&limit=100")["requests"])


def retry(rollover: Rollover) -> RunItem:
    item = NewRunItem(f"rollover:{rollover.pk}", rollover.plan_budget.client_id)
    return finish_now(request_work("rollover", [item], trigger=Run.Trigger.BULK, scope="again")).items.get()


def test_what_rolls_over_is_what_was_projected_and_is_asked_for_once(
    world: Sandbox, budget: PlanBudget, synchronise: Callable[..., object]
) -> None:
    projected = row_of(budget).projection
    assert projected is not None
    item = ask(budget)
    assert item.outcome == RunItem.Outcome.CHANGED, item.message
    rollover = Rollover.objects.get()
    assert (rollover.state, rollover.is_uncertain, rollover.amount) == ("done", False, projected.rollover)
    assert rollover.answer is not None
    assert budget.budget_id.encode() in read_payload(rollover.answer)
    assert Run.objects.filter(scope="budget rolled over", items__client=budget.client).exists()
    synchronise(budget.client)
    rolled = PlanBudget.objects.get(pk=budget.pk)
    assert rolled.rollover_deduction == -projected.rollover
    row = row_of(rolled)
    assert row.readiness is Readiness.ROLLED_OVER
    assert row.deviation == 0
    assert retry(rollover).outcome == RunItem.Outcome.UNCHANGED
    with pytest.raises(NothingToDo):
        request_rollovers([row])
    assert count_asked(world) == 1


@pytest.mark.parametrize("fault", [{"kind": "denial", "status": 400}, {"kind": "truncate"}, {"kind": "not-json"}])
def test_one_that_was_done_and_not_said_so_is_not_asked_for_again(
    world: Sandbox, budget: PlanBudget, fault: dict[str, object]
) -> None:
    world.fault(operation="budget_roll_over", times=1, **fault)
    item = ask(budget)
    assert item.outcome == RunItem.Outcome.CHANGED, item.message
    assert Rollover.objects.get().state == "done"
    assert count_asked(world) == 1


def test_one_that_may_have_been_done_is_read_before_it_is_asked_for_again(world: Sandbox, budget: PlanBudget) -> None:
    world.fault(operation="budget_roll_over", times=1, kind="status", status=418)
    assert ask(budget).outcome == RunItem.Outcome.FAILED
    rollover = Rollover.objects.get()
    assert (rollover.state, rollover.is_uncertain) == ("requested", True)
    world.change(budget.client.care_recipient_id or "", "roll-over", quarter=budget.budget_id[:3])
    assert retry(rollover).outcome == RunItem.Outcome.CHANGED
    assert Rollover.objects.get().state == "done"
    assert count_asked(world) == 1


def test_a_refusal_is_said_in_the_funders_words_and_may_be_asked_for_again(world: Sandbox, budget: PlanBudget) -> None:
    world.fault(operation="budget_roll_over", times=1, kind="status", status=400, message="A claim is pending approval")
    item = ask(budget)
    assert item.outcome == RunItem.Outcome.FAILED
    refused = Rollover.objects.get()
    assert (refused.state, refused.is_uncertain) == ("refused", False)
    assert "pending" in refused.problem
    assert ask(budget).outcome == RunItem.Outcome.CHANGED
    assert [row.state for row in Rollover.objects.order_by("pk")] == ["refused", "done"]


def test_nothing_is_sent_while_a_claim_is_pending(world: Sandbox, budget: PlanBudget) -> None:
    rollovers = request_rollovers([row_of(budget)])
    claim_a_line(budget)
    assert row_of(budget).readiness is Readiness.ASKED
    item = finish_now(rollovers).items.get()
    assert (item.outcome, item.error_code) == (RunItem.Outcome.FAILED, "not-ready")
    assert Rollover.objects.get().problem == "The rollover was not requested: claim not decided."
    assert row_of(budget).readiness is Readiness.UNDECIDED
    assert count_asked(world) == 0


def claim_a_line(budget: PlanBudget) -> None:
    day = budget.end_date or business_today()
    invoice = Invoice.objects.create(external_reference_id="Q-1", invoice_id="9")
    line = InvoiceLineItem.objects.create(
        invoice=invoice, client=budget.client, external_reference_id="Q-1-1", service_id="SERV-0001",
        delivery_date=day, quantity=1, price_per_unit=80, funding_source="ON",
    )  # fmt: skip
    batch = ClaimBatch.objects.create(from_date=day, to_date=day)
    PaymentRequest.objects.create(batch=batch, line_item=line, state=PaymentRequest.State.CLAIMED, amount=80)


def test_finance_sees_what_it_comes_to_confirms_it_and_follows_it(world: Sandbox, budget: PlanBudget) -> None:
    fay = User.objects.create_user("fay")
    give_role(fay, Role.FINANCE)
    browser = Browser()
    browser.force_login(fay)
    quarter = {"quarter": quarter_of(budget.end_date).start_date.isoformat()}
    page = browser.get(reverse("console:quarter-close"), quarter).content.decode()
    assert "Wilma Example" in page
    assert "Ready" in page
    shown = browser.post(reverse("console:quarter-close"), {**quarter, "chosen": budget.pk}).content.decode()
    assert "Confirm the rollover" in shown
    assert not Rollover.objects.exists()
    projected = row_of(budget).projection
    assert projected is not None
    expected = f"1 {projected.rollover} {projected.loss}"
    assert f'name="expected" value="{expected}"' in shown
    again = browser.post(reverse("console:quarter-close"), {**quarter, "keys": budget.pk, "expected": "1 0.00 0.00"})
    assert "The figures have changed" in again.content.decode()
    sent = browser.post(reverse("console:quarter-close"), {**quarter, "keys": budget.pk, "expected": expected})
    run = Run.objects.get(kind="rollover")
    assert sent.headers["Location"] == reverse("console:run", args=[run.pk])
    assert AuditEntry.objects.get(act="Rollover requested").after["budgets"] == 1
    told = b"".join(
        browser.get(reverse("console:quarter-close"), {**quarter, "format": "csv"}).streaming_content
    ).decode()
    assert "Rollover requested" in told
    assert timezone.now() > Rollover.objects.get().asked_at
