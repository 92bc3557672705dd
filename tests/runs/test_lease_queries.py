"""Leases are looked at every few seconds, by every process; that must not read every item there ever was."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from carefund.runs import crash_recovery, leases, ledger
from carefund.runs.models import Run, RunItem

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = "runs_runitem"


@pytest.fixture
def under_way(clients: Any, bulk: Callable[..., Run]) -> Run:
    """A run with an item under way, and one of another run that has joined it."""
    run, other = bulk(clients), bulk(clients[:1], trigger=Run.Trigger.ON_DEMAND)
    ledger.claim_items(run.pk, "somebody", 1)
    assert ledger.claim_items(other.pk, "else", 1) == []
    return run


def scans_of(work: Callable[[], object]) -> list[str]:
    """What the database says about how it does a piece of work, where that reads all items; with values apart from the
    statement, as they are sent."""
    said: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if TABLE in sql and sql.split(maxsplit=1)[0] in ("SELECT", "UPDATE"):
            said.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        work()
    assert said, "nothing was asked"
    return [line for sql, params in said for line in plan_of(sql, params) if is_scan(line)]


def plan_of(sql: str, params: Any) -> list[str]:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # a table of a few rows is always scanned
        cursor.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + sql, params)
        return [str(row[-1]) for row in cursor.fetchall()]


def is_scan(line: str) -> bool:
    """Whether a line of a plan reads a whole table; a partial index holds the few under way alone."""
    if connection.vendor == "postgresql":
        return f"Seq Scan on {TABLE}" in line
    return line.startswith(f"SCAN {TABLE}") and not ("run_item_held" in line or "run_item_joined" in line)


def test_the_test_recognises_a_scan(under_way: Run) -> None:
    assert scans_of(lambda: RunItem.objects.filter(warnings=["none"]).exists())


def test_renewing_what_one_holds_reads_no_other_item(under_way: Run) -> None:
    assert scans_of(lambda: leases.renew_all("somebody")) == []


def test_looking_for_leases_that_ran_out_reads_no_other_item(under_way: Run) -> None:
    assert scans_of(crash_recovery.release_expired) == []
    assert scans_of(lambda: crash_recovery.release_expired(holder_prefix="nobody")) == []


def test_putting_back_what_a_dead_process_held_reads_no_other_item(under_way: Run) -> None:
    RunItem.objects.filter(held_until__isnull=False).update(held_until=timezone.now() - timedelta(minutes=1))
    assert scans_of(crash_recovery.release_expired) == []
    assert not RunItem.objects.filter(held_until__isnull=False).exists()


def test_looking_for_whoever_waits_in_vain_reads_no_other_item(under_way: Run) -> None:
    assert scans_of(leases.free_joined) == []


def test_taking_items_reads_only_those_of_the_run_and_those_under_way(under_way: Run) -> None:
    assert scans_of(lambda: ledger.claim_items(under_way.pk, "a third", 2)) == []
