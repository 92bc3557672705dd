"""Sending a batch: wherever it stops it goes on, nothing is sent twice, nothing is lost."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from carefund.records.claims.batches import BatchMoved, withdraw_batch
from carefund.records.claims.open_lines import list_open_lines
from carefund.records.models import Claim, ClaimBatch, Invoice, InvoiceLineItem, PaymentRequest
from carefund.runs import crash_recovery, leases, ledger
from carefund.runs.business_day import business_today
from carefund.runs.claims.claiming import request_sending, request_unsent
from carefund.runs.foreground import StillUnderWay, finish_now
from carefund.runs.funder_sessions import open_source
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NothingToDo, pause_run, resume_run
from carefund.sync.claims.preparing import NothingToClaim, prepare_batch, preview_batch
from carefund.sync.claims.sending import Sender, Stopped
from tests.claim_world import (
    ClaimWorld,
    Died,
    DyingDatabase,
    approved_services,
    assert_claimed_once,
    late_day,
    send_batch,
)
from tests.conftest import table_rows

WRITES = ["invoice_create", "invoice_item_add", "invoice_submit", "claim_create"]


def test_a_batch_becomes_a_claim(claims: ClaimWorld):
    claims.deliver(claims.clients[0], lines=3)
    claims.deliver(claims.clients[1], "INV-2")
    batch = claims.prepare()
    send_batch(batch.pk)
    assert_claimed_once(claims, batch, 4)
    before = table_rows(Invoice, InvoiceLineItem, Claim, ClaimBatch, PaymentRequest)
    send_batch(batch.pk)
    assert table_rows(Invoice, InvoiceLineItem, Claim, ClaimBatch, PaymentRequest) == before


@pytest.mark.parametrize("kind", ["truncate", "drop", "not-json", "status"])
@pytest.mark.parametrize("operation", WRITES)
def test_a_lost_answer_is_resolved_by_reading_first(claims: ClaimWorld, operation: str, kind: str):
    claims.deliver(claims.clients[0], lines=2)
    batch = claims.prepare()
    claims.sandbox.fault(kind=kind, operation=operation, times=1, status=503)
    send_batch(batch.pk)
    batch.refresh_from_db()
    assert batch.state == ClaimBatch.State.SENDING
    assert batch.problem_code
    send_batch(batch.pk)
    assert_claimed_once(claims, batch, 2)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
@pytest.mark.parametrize("operation", WRITES)
def test_a_refusal_of_what_was_done_is_not_believed(claims: ClaimWorld, operation: str, status: int):
    """The funder does each write and answers as if it had not: it holds each line once, whatever is tried again."""
    claims.deliver(claims.clients[0], lines=2)
    claims.deliver(claims.clients[1], "INV-2")
    batch = claims.prepare()
    claims.sandbox.fault(kind="denial", operation=operation, status=status)
    for _ in range(4):
        send_batch(batch.pk)
    assert_claimed_once(claims, batch, 3)
    assert claims.count_asked("invoice_create") == 2
    assert claims.count_asked("claim_create") == 1


def test_a_token_that_ended_costs_no_second_write(claims: ClaimWorld):
    claims.deliver(claims.clients[0], lines=2)
    batch = claims.prepare()
    claims.sandbox.fault(kind="status", operation="invoice_create", status=401, times=1)
    claims.sandbox.fault(kind="status", operation="claim_create", status=401, times=1)
    send_batch(batch.pk)
    assert_claimed_once(claims, batch, 2)
    assert claims.count_asked("invoice_create") == 2


@pytest.mark.parametrize("step", range(8))
def test_work_stopped_at_any_word_to_the_funder_goes_on(claims: ClaimWorld, step: int):
    """The n-th answer is lost, whatever was asked."""
    claims.deliver(claims.clients[0], lines=2)
    batch = claims.prepare()
    claims.sandbox.fault(kind="truncate", operation="*", after=step, times=1, share=0)
    for _ in range(4):
        send_batch(batch.pk)
    assert_claimed_once(claims, batch, 2)


async def send_and_die(batch_id: int, database: DyingDatabase) -> None:
    async with open_source() as source:
        with suppress(Stopped):
            await Sender(source, database, keep_nothing).send(batch_id)


async def keep_nothing() -> None:
    """No lease to renew."""


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
def test_work_killed_between_any_two_steps_goes_on(claims: ClaimWorld, after: bool):
    """Every step of the whole way, one after the other: the process dies, the lease runs out, another one goes on."""
    deaths = 0
    for step in range(60):
        claims.sandbox.ask("POST", "/claim-rules", {"oneClaimPerDay": False})
        claims.deliver(claims.clients[0], f"INV-{step}", lines=2, price=f"{step + 1}.00")
        batch = claims.prepare()
        database = DyingDatabase(step, after=after)
        try:
            asyncio.run(send_and_die(batch.pk, database))
        except Died:
            deaths += 1
        assert_marked_where_the_funder_is_ahead(claims)
        Claim.objects.exclude(batch=batch).update(made_at=timezone.now() - timedelta(days=1))
        send_batch(batch.pk)
        batch.refresh_from_db()
        assert batch.state == ClaimBatch.State.CLAIMED, (step, batch.problem)
        if deaths == step:
            break
    assert deaths > 15
    held = [invoice for invoice in claims.invoices() if invoice["status"] != "DELETED"]
    references = [item["externalReferenceId"] for invoice in held for item in invoice["items"]]
    assert sorted(references) == sorted(InvoiceLineItem.objects.values_list("external_reference_id", flat=True))
    assert len(claims.claims()) == len(held) == Claim.objects.count() == deaths + 1


def assert_marked_where_the_funder_is_ahead(claims: ClaimWorld) -> None:
    """Whatever the funder did that our records do not know of, they know that there may be something."""
    for held in claims.invoices():
        ours = Invoice.objects.filter(invoice_id=held["invoiceId"]).first()
        if ours is None:
            ours = Invoice.objects.get(external_reference_id=held["externalReferenceId"])
        known = ours.line_items.exclude(item_id="").count()
        is_behind = not ours.invoice_id or known < len(held["items"]) or ours.status == "OPEN" != held["status"]
        assert ours.is_uncertain or not is_behind
    if len(claims.claims()) > Claim.objects.count():
        assert ClaimBatch.objects.filter(is_claim_uncertain=True).exists()


def test_a_second_claim_on_the_same_day_waits(claims: ClaimWorld):
    claims.deliver(claims.clients[0])
    send_batch(claims.prepare().pk)
    claims.deliver(claims.clients[0], "INV-2", day=business_today() - timedelta(days=3))
    assert preview_batch(claims.choice(), business_today()).claim_date == business_today() + timedelta(days=1)
    batch = claims.prepare()
    send_batch(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.problem_code) == ("sending", "claimed-today")
    assert len(claims.claims()) == 1
    assert {invoice["status"] for invoice in claims.invoices()} == {"CLAIMED", "SUBMITTED"}


def test_a_large_batch_is_paused_resumed_and_claimed_once(claims: ClaimWorld):
    claims.deliver(claims.clients[0], lines=45)
    batch = claims.prepare()
    claims.sandbox.ask("POST", "/switches", {"latencyMs": 30})
    run = request_sending(batch.pk)
    pausing = threading.Timer(0.8, in_thread, [pause_run, run])
    pausing.start()
    assert finish_now(run).status == Run.Status.PAUSED
    pausing.join()
    assert run.items.get().status == "queued"
    held = claims.invoices()
    assert 0 < len(held[0]["items"]) < 45
    claims.sandbox.ask("POST", "/switches", {"latencyMs": 0})
    resume_run(run)
    assert finish_now(run).status == Run.Status.FINISHED
    assert_claimed_once(claims, batch, 45)


def in_thread(step, *arguments):
    step(*arguments)
    connection.close()


def test_two_processes_do_not_send_the_same_batch(claims: ClaimWorld):
    claims.deliver(claims.clients[0])
    batch = claims.prepare()
    run = request_sending(batch.pk)
    assert request_sending(batch.pk) == run
    assert len(ledger.claim_items(run.pk, "another process", 1)) == 1
    with pytest.raises(StillUnderWay):
        finish_now(run, seconds=1)
    assert claims.invoices() == []


def test_whoever_lost_the_batch_writes_neither_to_the_funder_nor_to_us(claims: ClaimWorld):
    """The lease is taken over while a process is in the middle of sending: it stops at its next word."""
    claims.deliver(claims.clients[0], lines=10)
    batch = claims.prepare()
    # From the fourth item on the funder takes a second for each, so there is time to take over whatever the machine.
    claims.sandbox.fault(kind="delay", operation="invoice_item_add", after=3, seconds=1)
    run = request_sending(batch.pk)
    taker = threading.Thread(target=in_thread, args=[take_over_after_items, claims, run, 3])
    taker.start()
    with pytest.raises(StillUnderWay):
        finish_now(run, seconds=2)
    taker.join()
    added = claims.count_asked("invoice_item_add")
    assert 3 <= added < 10
    claims.sandbox.ask("DELETE", "/faults")
    before = table_rows(Invoice, InvoiceLineItem)
    RunItem.objects.update(held_until=timezone.now() - timedelta(seconds=1), crash_count=0)
    finish_now(run)
    assert_claimed_once(claims, batch, 10)
    assert claims.count_asked("invoice_item_add") == 10
    assert before != table_rows(Invoice, InvoiceLineItem)
    assert RunItem.objects.get(run=run).fence == 3


def take_over_after_items(claims: ClaimWorld, run: Run, number: int) -> None:
    """Take the lease over once the funder has answered so many items."""
    while claims.count_asked("invoice_item_add") < number:
        time.sleep(0.02)
    time.sleep(0.4)  # the last answer is stored, and the next item waits for the funder: nobody writes
    take_over(run)


@pytest.mark.postgresql  # beside SQLite one process works, and in memory a second writer is refused instead of waiting
def test_a_funder_slower_than_the_lease_gets_each_item_once(claims: ClaimWorld, monkeypatch: pytest.MonkeyPatch):
    """Each item takes longer than a lease lives, and another process tries to take the batch over all the while."""
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=3))
    claims.deliver(claims.clients[0], lines=2)
    batch = claims.prepare()
    claims.sandbox.fault(kind="delay", operation="invoice_item_add", seconds=5)
    run = request_sending(batch.pk)
    taken: list[object] = []
    over = threading.Event()
    rival = threading.Thread(target=in_thread, args=[keep_trying, run, taken, over])
    rival.start()
    finish_now(run)
    over.set()
    rival.join()
    assert taken == []
    assert_claimed_once(claims, batch, 2)
    assert claims.count_asked("invoice_item_add") == 2
    assert RunItem.objects.get(run=run).fence == 1


def keep_trying(run: Run, taken: list[object], over: threading.Event) -> None:
    """As the housekeeping of another process does, once the batch is under way."""
    while not over.wait(0.2):
        if claims_are_running(run):
            crash_recovery.release_expired()
            taken += ledger.claim_items(run.pk, "another process", 1)


def claims_are_running(run: Run) -> bool:
    return RunItem.objects.filter(run=run, status=RunItem.Status.RUNNING).exists()


def take_over(run: Run) -> None:
    """As another process does once the lease has run out."""
    held = RunItem.objects.filter(run=run)
    insist(lambda: held.update(held_until=timezone.now() - timedelta(seconds=1)))
    insist(crash_recovery.release_expired)
    assert len(insist(lambda: ledger.claim_items(run.pk, "another process", 1))) == 1


def insist(step: Callable[[], Any]) -> Any:
    """Do a step on a database in memory, which does not let connections wait for one another."""
    while True:
        with suppress(OperationalError):
            return step()
        time.sleep(0.01)


def test_an_item_that_the_funder_refuses_stays_behind_and_is_open_again(claims: ClaimWorld):
    client, service = claims.clients[0], approved_services(claims.clients[0])[1]
    claims.deliver(client, lines=1)
    claims.deliver(client, "INV-2", service_id=service)
    batch = claims.prepare()
    # Approval as the funder sees it has ended meanwhile.
    InvoiceLineItem.objects.filter(service_id=service).update(service_id="SERV-0099")
    send_batch(batch.pk)
    batch.refresh_from_db()
    assert batch.state == "claimed"
    [refused] = batch.payment_requests.filter(state="refused")
    assert "not approved" in refused.cautions[-1]
    assert [line.pk for line in list_open_lines()] == [refused.line_item_id]
    assert Invoice.objects.get(external_reference_id="INV-2").status == "DELETED"


def test_a_late_invoice_is_held_and_waits_in_a_batch_of_its_own(claims: ClaimWorld):
    late = late_day()
    claims.deliver(claims.clients[0])
    claims.deliver(claims.clients[0], "INV-LATE", day=late, late_reason_code="LATE01")
    batch = claims.prepare()
    send_batch(batch.pk)
    batch.refresh_from_db()
    assert batch.state == "claimed"
    later = ClaimBatch.objects.exclude(pk=batch.pk).get()
    assert [invoice.status for invoice in later.invoices.all()] == ["HELD"]
    send_batch(later.pk)
    later.refresh_from_db()
    assert later.problem_code == "nothing-submitted"
    [held] = [invoice for invoice in claims.invoices() if invoice["status"] == "HELD"]
    claims.sandbox.ask("POST", f"/invoices/{held['invoiceId']}/release")
    send_batch(later.pk)
    later.refresh_from_db()
    assert later.problem_code == "claimed-today"


def test_only_the_chosen_lines_of_an_invoice_go_and_the_others_stay_open(claims: ClaimWorld):
    claims.deliver(claims.clients[0], lines=3)
    yesterday = business_today() - timedelta(days=1)
    choice = replace(claims.choice(), from_date=yesterday)
    first = prepare_batch(choice, business_today())
    assert [invoice.external_reference_id for invoice in first.invoices.all()] == ["INV-1~2"]
    send_batch(first.pk)
    assert [len(invoice["items"]) for invoice in claims.invoices()] == [1]
    assert {line.invoice.external_reference_id for line in list_open_lines()} == {"INV-1"}
    assert list_open_lines().count() == 2


def test_a_batch_can_be_given_up_until_something_was_sent(claims: ClaimWorld):
    claims.deliver(claims.clients[0])
    batch = claims.prepare()
    withdraw_batch(batch)
    assert list_open_lines().count() == 1
    again = claims.prepare()
    send_batch(again.pk)
    with pytest.raises(BatchMoved):
        withdraw_batch(again)


def test_a_line_is_in_one_batch_only(claims: ClaimWorld):
    claims.deliver(claims.clients[0])
    claims.prepare()
    with pytest.raises(NothingToClaim):
        claims.prepare()


def test_unknown_providers_and_refusals_stop_the_batch_with_advice(claims: ClaimWorld):
    claims.deliver(claims.clients[0])
    batch = claims.prepare()
    Invoice.objects.update(service_provider_id="4049999999")
    send_batch(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.problem_code) == ("sending", "not-permitted")
    assert batch.advice


def test_a_refused_invoice_that_cannot_be_deleted_opens_no_line(claims: ClaimWorld):
    """The funder refuses the submission and fails at the deletion: it still holds the lines, so nobody claims them."""
    claims.deliver(claims.clients[0], lines=2)
    batch = claims.prepare()
    claims.sandbox.fault(kind="status", operation="invoice_submit", status=400, times=1)
    claims.sandbox.fault(kind="status", operation="invoice_delete", status=503, times=1)
    send_batch(batch.pk)
    batch.refresh_from_db()
    assert batch.state == ClaimBatch.State.SENDING
    assert not list_open_lines().exists()
    send_batch(batch.pk)  # this time the funder takes it
    assert_claimed_once(claims, batch, 2)
    assert not list_open_lines().exists()


def test_a_batch_that_ended_the_worker_twice_is_not_tried_again_by_the_clock(claims: ClaimWorld):
    claims.deliver(claims.clients[0])
    batch = claims.prepare()
    ClaimBatch.objects.update(state=ClaimBatch.State.SENDING)
    run = request_sending(batch.pk)
    over = {"status": RunItem.Status.DONE, "outcome": RunItem.Outcome.FAILED}
    RunItem.objects.filter(run=run).update(**over, error_code="timeout")
    assert [item.holds for item in request_unsent().items.all()] == [f"batch:{batch.pk}"]
    RunItem.objects.update(**over, error_code=leases.WORKER_ENDED)
    with pytest.raises(NothingToDo):
        request_unsent()
