"""Leases with workers whose clocks differ, who die, freeze and come back, in any order that Hypothesis thinks of.

Invariants: of one thing only its present holder writes, to the funder or to us; and nobody is robbed of a lease that
has not run out. The database's clock moves on by making the leases older, and by itself, which counts where the machine
is busy; the workers' own clocks are hours apart.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from carefund.runs import crash_recovery, leases, ledger
from carefund.runs.leases import ClaimedItem, LeaseLost
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, request_work
from carefund.runs.work_kind import ItemResult

SKEWS = (timedelta(0), timedelta(minutes=3), timedelta(hours=-5))
WORKERS = st.integers(0, len(SKEWS) - 1)
BATCHES = 3
real_now: Callable[[], datetime] = timezone.now


@dataclass
class Worker:
    """A process on a machine with a clock of its own, and what it believes to hold."""

    name: str
    skew: timedelta
    items: list[ClaimedItem] = field(default_factory=list)


class LeaseMachine(RuleBasedStateMachine):
    """Three machines at work on three batches."""

    @initialize()
    def begin(self) -> None:
        RunItem.objects.all().delete()
        Run.objects.all().delete()
        self.workers = [Worker(f"worker-{number}", skew) for number, skew in enumerate(SKEWS)]
        self.moved, self.begun = 0, time.monotonic()
        self.holders: dict[str, tuple[str, ClaimedItem, float]] = {}  # by key: who, with which taking, renewed when
        self.ask(set(range(BATCHES)), is_same=True)

    @property
    def seconds(self) -> float:
        """The database's clock: as far as it was moved, and what went by meanwhile."""
        return self.moved + time.monotonic() - self.begun

    def somebody_believes(self) -> bool:
        return any(worker.items for worker in self.workers)

    def choose(self, which: int) -> tuple[int, ClaimedItem]:
        """One item of those that somebody believes to hold."""
        all_items = [(number, item) for number, worker in enumerate(self.workers) for item in worker.items]
        return all_items[which % len(all_items)]

    @contextmanager
    def on(self, number: int) -> Iterator[Worker]:
        """Work on a machine, by its clock."""
        worker = self.workers[number]
        with patch.object(timezone, "now", lambda: real_now() + worker.skew):
            yield worker

    @rule(batches=st.sets(st.integers(0, BATCHES - 1), min_size=1), is_same=st.booleans())
    def ask(self, batches: set[int], is_same: bool) -> None:
        items = [NewRunItem(f"batch:{number}") for number in sorted(batches)]
        parameters = {} if is_same else {"number": Run.objects.count()}
        request_work("claim-batch", items, trigger=Run.Trigger.ON_DEMAND, scope="test", parameters=parameters)

    @rule(number=WORKERS, most=st.integers(1, 3))
    def take(self, number: int, most: int) -> None:
        """Take items of some run; none of them may be another one's whose lease has not run out."""
        with self.on(number) as worker:
            for run_id in Run.objects.order_by("id").values_list("id", flat=True):
                before = self.seconds
                for item in ledger.claim_items(run_id, worker.name, most):
                    self.must_be_free(item.holds)
                    self.holders[item.holds] = (worker.name, item, before)
                    worker.items.append(item)

    def must_be_free(self, key: str) -> None:
        if key in self.holders:
            who, _, renewed_at = self.holders[key]
            assert self.seconds - renewed_at >= leases.LEASE.total_seconds(), f"{who} was robbed of {key}"

    def may_write(self, worker: Worker, item: ClaimedItem) -> bool:
        who, taking, _ = self.holders.get(item.holds, ("", None, 0))
        return (
            who == worker.name and taking is not None and (taking.item_id, taking.fence) == (item.item_id, item.fence)
        )

    @precondition(lambda self: self.somebody_believes())
    @rule(which=st.integers(0, 9))
    def write_to_the_funder(self, which: int) -> None:
        """Right before a write the lease is renewed; whoever is no longer the holder is stopped there."""
        number, item = self.choose(which)
        before = self.seconds
        with self.on(number) as worker:
            try:
                leases.renew(worker.name, item)
            except LeaseLost:
                worker.items.remove(item)
                return
            assert self.may_write(worker, item), "two holders write to the funder"
            self.holders[item.holds] = (worker.name, item, before)

    @precondition(lambda self: self.somebody_believes())
    @rule(which=st.integers(0, 9))
    def write_to_our_records(self, which: int) -> None:
        number, item = self.choose(which)
        before = self.seconds
        with self.on(number) as worker:
            written: list[int] = []
            try:
                leases.write_held(worker.name, item, written.append, item.item_id)
            except LeaseLost:
                assert not written
                worker.items.remove(item)
                return
            assert self.may_write(worker, item), "two holders write to our records"
            self.holders[item.holds] = (worker.name, item, before)

    @precondition(lambda self: self.somebody_believes())
    @rule(which=st.integers(0, 9))
    def finish(self, which: int) -> None:
        number, item = self.choose(which)
        with self.on(number) as worker:
            worker.items.remove(item)
            try:
                ledger.record_outcomes(worker.name, [item], [ItemResult(RunItem.Outcome.CHANGED, "done")])
            except LeaseLost:
                return
            assert self.may_write(worker, item), "two holders finish"
            del self.holders[item.holds]

    @precondition(lambda self: self.somebody_believes())
    @rule(number=WORKERS)
    def stop_politely(self, number: int) -> None:
        with self.on(number) as worker:
            leases.release(worker.name, worker.items)
            for item in worker.items:
                if self.may_write(worker, item):
                    del self.holders[item.holds]
            worker.items.clear()

    @precondition(lambda self: self.somebody_believes())
    @rule(number=WORKERS)
    def die(self, number: int) -> None:
        """Another process with another name comes up in its place."""
        self.workers[number].items.clear()
        self.workers[number].name += "+"

    @rule(number=WORKERS)
    def keep_all(self, number: int) -> None:
        """As the watch does every few seconds."""
        before = self.seconds
        with self.on(number) as worker:
            leases.renew_all(worker.name)
            for key, (who, item, _) in self.holders.items():
                if who == worker.name:
                    self.holders[key] = (who, item, before)

    @rule(number=WORKERS, by=WORKERS)
    def freeze(self, number: int, by: int) -> None:
        """All stand still until their leases have run out; one comes back, or another one, and takes what it can."""
        self.let_time_pass(31)
        self.look_for_the_dead(number)
        self.take(by, BATCHES)

    @rule(number=WORKERS)
    def look_for_the_dead(self, number: int) -> None:
        with self.on(number):
            crash_recovery.release_expired()
            leases.free_joined()
        running = RunItem.objects.filter(status=RunItem.Status.RUNNING)
        held = {item.holds: (item.holder, item.pk, item.fence) for item in running}
        for key, (who, item, _) in list(self.holders.items()):
            if held.get(key) != (who, item.item_id, item.fence):
                self.must_be_free(key)
                del self.holders[key]

    @rule(seconds=st.sampled_from([5, 15, 31, 200]))
    def let_time_pass(self, seconds: int) -> None:
        self.moved += seconds
        RunItem.objects.filter(status=RunItem.Status.RUNNING).update(
            held_until=F("held_until") - timedelta(seconds=seconds)
        )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_only_the_present_holder_writes_whatever_the_clocks_say():
    examples = os.environ.get("MACHINE_EXAMPLES", "")
    run_machine(
        LeaseMachine,
        settings=settings(
            max_examples=int(examples) * 4 if examples else 40,
            stateful_step_count=50 if examples else 30,
            derandomize=not examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
