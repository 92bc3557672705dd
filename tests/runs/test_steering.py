"""Cancel, pause, resume, retry; people who fail; a funder that is down. Each ends with a ledger that is true."""

import asyncio
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from carefund.funders.errors.outages import OutOfService
from carefund.runs import housekeeping
from carefund.runs.bulk_scopes import EmptyFile, choose_ids, read_ids
from carefund.runs.models import Run, RunItem
from carefund.runs.outages import pause_for_funder
from carefund.runs.requests import (
    CannotChangeRun,
    NothingToDo,
    cancel_run,
    pause_run,
    resume_run,
    retry_failures,
)

pytestmark = pytest.mark.django_db(transaction=True)


def statuses(run):
    return {status: run.items.filter(status=status).count() for status in RunItem.Status.values}


def after(seconds, step, run):
    """Do something to a run while it is being carried out."""

    async def meanwhile(worker):
        await asyncio.sleep(seconds)
        await worker.database.do(step, run)

    return meanwhile


def let_it_resume():
    Run.objects.filter(resumes_at__isnull=False).update(resumes_at=timezone.now() - timedelta(seconds=1))
    housekeeping.tidy()


def test_a_cancelled_run_finishes_people_under_way_and_begins_nobody_else(clients, bulk, carry_out, world):
    world.ask("POST", "/switches", {"latencyMs": 100})
    run = bulk(clients)
    carry_out(run, after(0.7, cancel_run, run), at_once=2)
    count = statuses(run)
    assert run.status == Run.Status.CANCELLED
    assert count["done"] > 0
    assert count["cancelled"] > 0
    assert count["done"] + count["cancelled"] == run.total
    assert not run.items.filter(status="done", outcome="").exists()
    with pytest.raises(CannotChangeRun):
        resume_run(run)


def test_a_paused_run_goes_on_where_it_was(clients, bulk, carry_out, world):
    world.ask("POST", "/switches", {"latencyMs": 100})
    run = bulk(clients)
    carry_out(run, after(0.7, pause_run, run), at_once=2)
    count = statuses(run)
    assert run.status == Run.Status.PAUSED
    assert count["done"] > 0
    assert count["queued"] > 0
    assert count["running"] == 0
    done_before = dict(run.items.filter(status="done").values_list("id", "finished_at"))
    assert carry_out(run).status == Run.Status.PAUSED
    housekeeping.tidy()
    run.refresh_from_db()
    assert run.status == Run.Status.PAUSED, "paused by hand, so only a person resumes it"
    world.ask("POST", "/switches", {"latencyMs": 0})
    assert carry_out(resume_run(run)).status == Run.Status.FINISHED
    assert statuses(run)["done"] == run.total
    assert dict(run.items.filter(id__in=done_before).values_list("id", "finished_at")) == done_before


def test_a_polite_stop_hands_back_whoever_was_not_begun(clients, bulk, carry_out, world):
    world.ask("POST", "/switches", {"latencyMs": 100})
    run = bulk(clients)

    async def stop(worker):
        await asyncio.sleep(0.7)
        worker.stopping.set()

    carry_out(run, stop, at_once=2)
    count = statuses(run)
    assert (count["running"], count["done"] + count["queued"]) == (0, run.total)
    assert count["queued"] > 0
    assert carry_out(run).status == Run.Status.FINISHED


def test_people_who_fail_never_stop_a_run_and_only_they_are_retried(clients, bulk, carry_out, world):
    for client in clients[:2]:
        world.fault(kind="not-json", subject=client.care_recipient_id)
    world.fault(kind="status", status=500, subject=clients[2].care_recipient_id)
    run = carry_out(bulk(clients))
    assert run.status == Run.Status.FINISHED
    failed = run.items.filter(outcome="failed")
    assert set(failed.values_list("client_id", flat=True)) == {client.pk for client in clients[:3]}
    assert all(item.message and item.advice and item.failed_step for item in failed)
    world.ask("DELETE", "/faults")
    again = retry_failures(run)
    assert (again.total, again.retry_of) == (3, run)
    assert carry_out(again).items.filter(outcome="changed").count() == 3
    with pytest.raises(NothingToDo):
        retry_failures(again)


def test_one_malformed_answer_in_a_hundred_fails_those_people_alone(clients, bulk, carry_out, world):
    world.fault(kind="not-json", operation="budget_details", probability=0.01)
    world.fault(kind="truncate", operation="budgets_by_care_recipient", probability=0.05)
    run = carry_out(bulk(clients))
    assert run.status == Run.Status.FINISHED
    count = statuses(run)
    assert count["done"] == run.total
    assert not run.items.filter(outcome="failed", message="").exists()


def test_a_funder_that_is_down_pauses_the_run_early_and_burns_nobody(clients, bulk, carry_out, world):
    world.fault(kind="status", status=503)
    world.ask("DELETE", "/journal")
    run = carry_out(bulk(clients), at_once=4)
    assert run.status == Run.Status.PAUSED
    assert run.paused_reason.startswith("Services Australia unavailable since ")
    assert run.resumes_at > timezone.now()
    assert statuses(run)["queued"] == run.total
    assert not run.items.exclude(error_code="").exists()


def test_after_an_outage_one_person_is_asked_about_first_and_since_when_is_kept(clients, bulk, carry_out, world):
    world.fault(kind="status", status=503, operation="care_recipient_summary")
    run = carry_out(bulk(clients), at_once=4)
    since = run.paused_at
    world.ask("DELETE", "/journal")
    let_it_resume()
    run = carry_out(run)
    assert (run.status, run.paused_at) == (Run.Status.PAUSED, since)
    asked = {
        part
        for entry in world.ask("GET", "/journal?limit=500")["requests"]
        for part in entry["path"].split("/")
        if part in {client.care_recipient_id for client in clients}
    }
    assert len(asked) == 1
    world.ask("DELETE", "/faults")
    let_it_resume()
    run = carry_out(run)
    assert (run.status, run.paused_at, run.paused_reason) == (Run.Status.FINISHED, None, "")
    assert statuses(run)["done"] == run.items.filter(outcome="changed").count() == run.total


def test_a_pause_by_hand_is_not_undone_by_an_outage(clients, bulk):
    run = pause_run(bulk(clients))
    pause_for_funder(run.pk, OutOfService(), "services-australia")
    run.refresh_from_db()
    assert (run.paused_reason, run.resumes_at) == ("by hand", None)


def test_whoever_waits_for_one_person_is_told_at_once(clients, bulk, carry_out, world):
    world.fault(kind="status", status=503)
    run = carry_out(bulk(clients[:1], trigger=Run.Trigger.ON_DEMAND))
    item = run.items.get()
    assert (run.status, item.outcome) == (Run.Status.FINISHED, "failed")
    assert item.message
    assert item.advice


def test_a_run_of_nobody_is_not_made(db, bulk):
    with pytest.raises(NothingToDo):
        bulk([])
    assert not Run.objects.exists()


def test_ids_from_a_file_unknown_doubled_or_none(clients, bulk, carry_out):
    known = clients[0].care_recipient_id
    found, unknown = choose_ids(read_ids(f"id;name\n{known};x\n{known}\n499999999\n499999999\n".encode()))
    run = carry_out(bulk(found, unknown_ids=unknown))
    assert (run.status, run.total, len(found), unknown) == (Run.Status.FINISHED, 2, 1, ["499999999"])
    assert run.items.get(client=None).error_code == "unknown-client"
    with pytest.raises(EmptyFile):
        read_ids(b"Care Recipient ID\n\n")


def test_a_file_of_unknown_ids_alone_is_over_at_once(db, bulk):
    run = bulk([], unknown_ids=["499999999"])
    assert run.status == Run.Status.FINISHED


def test_a_database_that_is_read_only_loses_nothing(clients, bulk, carry_out):
    read_only = "PRAGMA query_only" if connection.vendor == "sqlite" else "SET default_transaction_read_only"
    run = bulk(clients[:3])

    async def forbid(worker):
        await worker.database.do(execute, f"{read_only} = on")
        await asyncio.sleep(1)
        await worker.database.do(execute, f"{read_only} = off")

    assert carry_out(run, forbid).status == Run.Status.FINISHED
    assert run.items.filter(outcome="changed").count() == 3


def execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
