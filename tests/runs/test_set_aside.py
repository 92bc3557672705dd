"""What ended a worker twice is set aside as its kind has failures, whoever waits for it learns of it, and over several
nights it takes one worker a night at most."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from carefund.records.models import Client, PaceComparison, ServiceContract, SyncState
from carefund.runs import housekeeping, leases, ledger
from carefund.runs.claims.claiming import SENDING
from carefund.runs.leases import WORKER_ENDED
from carefund.runs.models import Run, RunItem
from carefund.runs.ndis.comparing import COMPARING
from carefund.runs.requests import NewRunItem, request_work

pytestmark = pytest.mark.django_db(transaction=True)
Bulk = Callable[..., Run]


def end_worker(run: Run) -> list[str]:
    """A process takes what it can of a run and ends without a word; the housekeeping notices. Return what it held."""
    held = [item.holds for item in ledger.claim_items(run.pk, "dead", 9)]
    RunItem.objects.filter(status="running").update(held_until=timezone.now() - timedelta(seconds=1))
    housekeeping.tidy()
    run.refresh_from_db()
    return held


def test_a_lease_after_the_last_sign_of_life_one_look_gives_the_work_to_another(clients: list[Client], bulk: Bulk):
    """However long a lease is, nobody waits for more: docs/running.md says what that comes to in seconds."""
    run = bulk(clients[:6])
    dead = {item.holds for item in ledger.claim_items(run.pk, "dead", 4)}
    others = ledger.claim_items(run.pk, "alive", 9)
    assert (len(dead), len(others)) == (4, 2)
    ledger.record_failures("alive", [ledger.failure_of(item, ValueError()) for item in others])
    housekeeping.tidy()
    assert ledger.claim_items(run.pk, "alive", 9) == []
    RunItem.objects.filter(holder="dead").update(held_until=F("held_until") - leases.LEASE)
    housekeeping.tidy()
    taken = set()
    while claimed := ledger.claim_items(run.pk, "alive", 9):
        taken |= {item.holds for item in claimed}
        ledger.record_failures("alive", [ledger.failure_of(item, ValueError()) for item in claimed])
    assert taken == dead


def test_the_client_says_that_the_last_attempt_failed(clients: list[Client], bulk: Bulk):
    run = bulk(clients[:1])
    end_worker(run)
    assert not SyncState.objects.filter(error_code=WORKER_ENDED).exists()
    end_worker(run)
    item = run.items.get()
    assert (item.status, item.outcome, item.error_code, item.holder) == ("done", "failed", WORKER_ENDED, "")
    assert run.status == Run.Status.FINISHED
    state = SyncState.objects.get(client=clients[0])
    assert (state.outcome, state.error_code) == ("failed", WORKER_ENDED)


def test_a_comparison_is_not_under_way_any_more(clients: list[Client]):
    now = timezone.now()
    contract = ServiceContract.objects.create(client=clients[0], start_date=now, created_at=now, synced_at=now)
    run = request_work(
        COMPARING, [NewRunItem(f"contract:{contract.pk}", clients[0].pk)], trigger=Run.Trigger.BULK, scope="test"
    )
    end_worker(run)
    end_worker(run)
    kept = PaceComparison.objects.get(contract=contract)
    assert (kept.outcome, kept.code) == (PaceComparison.Outcome.FAILED, WORKER_ENDED)
    assert "stopped twice" in kept.message


@pytest.mark.parametrize("holds", ["contract:987654", "contract:none"])
def test_what_its_kind_cannot_keep_is_set_aside_all_the_same(clients: list[Client], holds: str):
    """The contract is gone, or never was; the next round of the housekeeping does not stumble over it again."""
    run = request_work(COMPARING, [NewRunItem(holds, clients[0].pk)], trigger=Run.Trigger.BULK, scope="test")
    end_worker(run)
    end_worker(run)
    assert (run.items.get().error_code, run.status) == (WORKER_ENDED, Run.Status.FINISHED)
    housekeeping.tidy()


def test_whoever_joined_it_learns_of_it(clients: list[Client], bulk: Bulk):
    run, same, other = bulk(clients[:1]), bulk(clients[:1]), bulk(clients[:1], parts=Run.Parts.BUDGETS)
    end_worker(run)
    ledger.claim_items(run.pk, "dead", 1)
    assert ledger.claim_items(same.pk, "else", 1) == []
    assert ledger.claim_items(other.pk, "else", 1) == []
    RunItem.objects.filter(status="running").update(held_until=timezone.now() - timedelta(seconds=1))
    housekeeping.tidy()
    same.refresh_from_db()
    assert (same.items.get().error_code, same.status) == (WORKER_ENDED, Run.Status.FINISHED)
    assert len(ledger.claim_items(other.pk, "else", 1)) == 1


def test_a_cancelled_run_is_cancelled_and_nobody_failed(clients: list[Client], bulk: Bulk):
    run = bulk(clients[:1])
    end_worker(run)
    ledger.claim_items(run.pk, "dead", 1)
    Run.objects.filter(pk=run.pk).update(status=Run.Status.CANCELLED)
    RunItem.objects.filter(status="running").update(held_until=timezone.now() - timedelta(seconds=1))
    housekeeping.tidy()
    assert run.items.get().status == RunItem.Status.CANCELLED
    assert not SyncState.objects.filter(error_code=WORKER_ENDED).exists()


def test_the_next_night_it_comes_last_and_takes_one_worker(clients: list[Client], bulk: Bulk):
    poison = f"client:{clients[0].pk}"
    first = bulk(clients[:1], trigger=Run.Trigger.SCHEDULED)
    end_worker(first)
    end_worker(first)
    night = bulk(clients[:4], trigger=Run.Trigger.SCHEDULED)
    others = ledger.claim_items(night.pk, "alive", 9)
    assert poison not in [item.holds for item in others]
    ledger.record_failures("alive", [ledger.failure_of(item, ValueError()) for item in others])
    assert end_worker(night) == [poison]
    assert (night.items.get(holds=poison).error_code, night.status) == (WORKER_ENDED, Run.Status.FINISHED)


def test_it_counts_for_its_own_kind_and_three_days_and_not_for_whoever_asks_by_hand(clients: list[Client], bulk: Bulk):
    first = bulk(clients[:1])
    end_worker(first)
    end_worker(first)
    assert bulk(clients[:1]).items.get().crash_count == 1
    assert bulk(clients[:1], trigger=Run.Trigger.ON_DEMAND).items.get().crash_count == 0
    other = request_work(SENDING, [NewRunItem(f"client:{clients[0].pk}")], trigger=Run.Trigger.BULK, scope="test")
    assert other.items.get().crash_count == 0
    Run.objects.update(created_at=timezone.now() - timedelta(days=4))
    assert bulk(clients[:1]).items.get().crash_count == 0
