"""One sync per person at a time, whoever asks; a lease that was lost writes nothing; the newest fetch wins."""

import asyncio
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from carefund.funders.errors.outages import OutOfService
from carefund.records.models import Change, PlanBudget, SyncState
from carefund.runs import housekeeping, leases, ledger
from carefund.runs.business_day import business_today
from carefund.runs.funder_sessions import open_source
from carefund.runs.leases import LeaseLost
from carefund.runs.models import Run, RunItem
from carefund.sync.care_recipient.fetching import OpenBudgets, fetch_care_recipient
from carefund.sync.care_recipient.results import SyncOutcome
from carefund.sync.care_recipient.syncing import apply_fetched
from tests.conftest import table_rows

pytestmark = pytest.mark.django_db(transaction=True)


def fetch(client):
    async def ask():
        async with open_source() as source:
            return await fetch_care_recipient(
                source, client.pk, client.care_recipient_id, OpenBudgets(business_today(), settings.OPEN_BUDGET_DAYS)
            )

    return asyncio.run(ask())


def let_leases_end():
    RunItem.objects.filter(status="running").update(held_until=timezone.now() - timedelta(seconds=1))


def test_a_second_request_joins_the_sync_under_way_and_gets_its_outcome(clients, bulk, carry_out):
    first, second = bulk(clients[:3]), bulk(clients[:1], trigger=Run.Trigger.ON_DEMAND)
    [claimed] = ledger.claim_items(first.pk, "somebody", 1)
    assert ledger.claim_items(second.pk, "else", 1) == []
    ledger.record_failures("somebody", [ledger.failure_of(claimed, OutOfService())])
    joined = RunItem.objects.get(run=second)
    assert (joined.status, joined.outcome, joined.error_code) == ("done", "failed", OutOfService.code)
    second.refresh_from_db()
    assert second.status == Run.Status.FINISHED
    assert carry_out(first).status == Run.Status.FINISHED


def test_joining_somebody_does_not_keep_a_run_from_its_other_people(clients, bulk, carry_out):
    first, second = bulk(clients[:5]), bulk(clients[:8])
    ledger.claim_items(first.pk, "somebody", 5)
    carry_out(second, at_once=2, group=2)
    assert second.items.filter(status="done").count() == 3
    leases.release("somebody")
    assert carry_out(first).status == carry_out(second).status == Run.Status.FINISHED


def test_whoever_joined_a_sync_that_died_is_taken_anew(clients, bulk, carry_out):
    first, second = bulk(clients[:1]), bulk(clients[:1], trigger=Run.Trigger.ON_DEMAND)
    ledger.claim_items(first.pk, "dead", 1)
    ledger.claim_items(second.pk, "else", 1)
    let_leases_end()
    housekeeping.tidy()
    assert carry_out(second).status == Run.Status.FINISHED
    assert carry_out(first).status == Run.Status.FINISHED
    assert set(RunItem.objects.values_list("status", flat=True)) == {"done"}


def test_nobody_waits_for_ever_for_a_sync_that_is_over(clients, bulk, carry_out):
    first, second = bulk(clients[:1]), bulk(clients[:1], trigger=Run.Trigger.ON_DEMAND)
    carry_out(first)
    RunItem.objects.filter(run=second).update(joined=first.items.get())
    housekeeping.tidy()
    assert carry_out(second).status == Run.Status.FINISHED


def test_a_lease_that_was_lost_writes_nothing(clients, bulk, carry_out):
    run = bulk(clients[:1])
    claimed = ledger.claim_items(run.pk, "slow", 1)
    answers = [fetch(clients[0])]
    let_leases_end()
    housekeeping.tidy()
    carry_out(run)
    before = table_rows(RunItem, SyncState, PlanBudget, Change)
    with pytest.raises(LeaseLost):
        apply_fetched(
            answers, business_today(), on_applied=lambda results: ledger.record_results("slow", claimed, results)
        )
    ledger.record_failures("slow", [ledger.failure_of(claimed[0], OutOfService())])
    assert table_rows(RunItem, SyncState, PlanBudget, Change) == before


def test_a_fetch_that_began_earlier_never_overwrites_one_that_began_later(clients, bulk, carry_out, world):
    older = fetch(clients[0])
    world.ask("POST", "/change", {"share": 1.0})
    carry_out(bulk(clients[:1]))
    before = table_rows(SyncState, PlanBudget, Change)
    [result] = apply_fetched([older], business_today())
    assert result.outcome is SyncOutcome.SUPERSEDED
    assert table_rows(SyncState, PlanBudget, Change) == before
    carry_out(again := bulk(clients[:1]))
    assert again.items.get().outcome == RunItem.Outcome.UNCHANGED


def test_housekeeping_without_anything_to_do_changes_nothing(clients, bulk, carry_out):
    carry_out(bulk(clients[:2]))
    before = table_rows(Run, RunItem)
    housekeeping.tidy()
    assert table_rows(Run, RunItem) == before
