"""After an approval the people in a claim are asked about again until every draw is there, and then no more."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from carefund.domain.claims.matching import LineState, LineTruth, count_due_rechecks
from carefund.records.claims.claimed_lines import find_exception_ids, list_lines
from carefund.records.claims.waiting_for_draws import list_clients_without_draws
from carefund.records.models import Claim, Client, PaymentRequest, SyncState
from carefund.runs.claims.claiming import request_rechecks
from carefund.runs.erasure import erase, plan_erasure
from carefund.runs.models import Run
from tests.claim_world import ClaimWorld, check_claim, send_batch


def send(claims: ClaimWorld) -> None:
    """Claim lines of two people."""
    claims.deliver(claims.clients[0], lines=2)
    claims.deliver(claims.clients[1], "INV-2")
    send_batch(claims.prepare().pk)


@pytest.fixture
def approved(claims: ClaimWorld) -> Claim:
    """A claim that was approved and whose people were synchronised before the funder showed any usage."""
    send(claims)
    claims.turn(advanceDays=1.1)
    claim = Claim.objects.get()
    check_claim(claim)
    claim.refresh_from_db()
    assert claim.sync_requested_at is not None
    return claim


def days_later(claim: Claim, days: float) -> None:
    """Let the sync after the approval have been so long ago."""
    Claim.objects.filter(pk=claim.pk).update(sync_requested_at=timezone.now() - timedelta(days=days))


def test_the_result_of_check_status_names_the_related_data_updates(claims: ClaimWorld):
    send(claims)
    claims.turn(advanceDays=1.1)
    check_claim(Claim.objects.get())
    message = Run.objects.filter(kind="claim-check").latest("id").items.get().message
    assert "Related Data Updates: " in message
    assert "being synchronised" in message


def test_those_without_draws_are_asked_about_again_after_a_day_two_and_five(approved: Claim):
    assert list_clients_without_draws(approved).count() == len(approved.care_recipient_ids)
    for days, asked in ((0.9, 0), (1.1, 1), (1.2, 0), (2.1, 1), (4.9, 0), (5.1, 1), (6, 0)):
        days_later(approved, days)
        runs = request_rechecks(timezone.now())
        assert len(runs) == asked, days
        assert all(run.trigger == Run.Trigger.CLAIM_APPROVED for run in runs)


def test_a_machine_that_was_off_makes_up_for_it_once(approved: Claim):
    days_later(approved, 4)
    assert len(request_rechecks(timezone.now())) == 1
    assert request_rechecks(timezone.now()) == []


def test_once_every_draw_is_there_nobody_is_asked_again(approved: Claim, claims: ClaimWorld, synchronise):
    claims.turn(advanceDays=3)
    for client in claims.clients:
        synchronise(client)
    assert not list_clients_without_draws(approved).exists()
    days_later(approved, 2.1)
    assert request_rechecks(timezone.now()) == []


def test_completed_asks_once_more_while_draws_are_missing(approved: Claim, claims: ClaimWorld):
    runs = Run.objects.filter(trigger=Run.Trigger.CLAIM_APPROVED)
    before = runs.count()
    claims.turn(advanceDays=5)
    for _ in range(2):
        assert check_claim(approved).claim.status == "Completed"
        approved.refresh_from_db()
    assert runs.count() == before + 1


def test_an_old_claim_is_left_alone_after_an_upgrade(approved: Claim):
    days_later(approved, 40)
    assert request_rechecks(timezone.now()) == []


@pytest.mark.parametrize(("days", "due"), [(0, 0), (1, 1), (1.9, 1), (2, 2), (5, 3), (400, 3)])
def test_looks_fall_due_after_a_day_two_and_five(days: float, due: int):
    assert count_due_rechecks(timedelta(days=days)) == due


def test_a_missing_draw_is_an_exception_after_the_last_look():
    line = LineTruth(claimed=1, approved_date=date(2026, 8, 10))  # type: ignore[arg-type]
    assert line.state(date(2026, 8, 15)) is LineState.USAGE_AWAITED
    assert line.state(date(2026, 8, 16)) is LineState.NO_USAGE


def test_whoever_left_is_asked_about_and_whoever_was_erased_neither_asked_about_nor_an_exception(claims: ClaimWorld):
    send(claims)
    left, erased = claims.clients[:2]
    Client.objects.filter(pk=left.pk).update(is_active=False)
    erase(erased, plan_erasure(erased), "boss")
    claims.turn(advanceDays=1.1)
    claim = Claim.objects.get()
    run = check_claim(claim).run
    assert run is not None
    assert list(run.items.values_list("client_id", flat=True)) == [left.pk]
    claim.refresh_from_db()
    assert list(list_clients_without_draws(claim)) == [left]
    days_later(claim, 1.1)
    [again] = request_rechecks(timezone.now())
    assert list(again.items.values_list("client_id", flat=True)) == [left.pk]
    late = timezone.localdate() + timedelta(days=40)
    found = find_exception_ids(late)
    assert set(PaymentRequest.objects.filter(pk__in=found).values_list("line_item__client_id", flat=True)) == {left.pk}
    rows = list_lines(list(PaymentRequest.objects.values_list("pk", flat=True)), late)
    assert {row.state for row in rows if row.request.line_item.client_id == erased.pk} == {LineState.ERASED}
    assert [row.is_exception for row in rows if row.request.line_item.client_id == erased.pk] == [False]
    SyncState.objects.create(client=erased)  # somebody made the client active and synchronised: a client again
    assert set(list_clients_without_draws(claim)) == {left, erased}
