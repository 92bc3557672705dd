"""What runs by itself: once per slot, whoever looks and however late, whatever the clock does."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from carefund.records.claims.store import store_claim
from carefund.runs.default_schedules import ensure_schedules
from carefund.runs.models import Run, Schedule
from carefund.runs.schedule import next_due_at, request_due_runs, store_schedule

pytestmark = pytest.mark.django_db(transaction=True)
SYDNEY = ZoneInfo("Australia/Sydney")


def wall(text):
    """A time on Sydney's clocks, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=SYDNEY).astimezone(UTC)


@pytest.fixture
def nightly(add_client):
    """Two clients, and the nightly schedule alone, last asked for on 10 November."""
    add_client("400000001")
    add_client("400000003")
    add_client(None)
    add_client("400000009", is_active=False)
    Schedule.objects.all().delete()
    return Schedule.objects.create(kind=Schedule.Kind.NIGHTLY, at=time(2), last_slot_at=wall("2026-11-10 02:00"))


def test_a_night_asks_once_for_everybody_active(nightly):
    assert request_due_runs(wall("2026-11-11 01:59")) == []
    [run] = request_due_runs(wall("2026-11-11 02:00"))
    assert (run.trigger, run.total) == (Run.Trigger.SCHEDULED, 2)
    assert request_due_runs(wall("2026-11-11 02:01")) == []
    assert next_due_at(nightly, wall("2026-11-11 02:01")) == wall("2026-11-12 02:00")


def test_nights_that_were_missed_are_made_up_for_once(nightly):
    assert len(request_due_runs(wall("2026-11-20 09:00"))) == 1
    assert request_due_runs(wall("2026-11-20 09:01")) == []
    assert len(request_due_runs(wall("2026-11-21 02:00"))) == 1


@pytest.mark.parametrize("day", ["2026-10-04", "2026-04-05"], ids=["an hour is skipped", "an hour comes twice"])
def test_daylight_saving_neither_drops_nor_doubles_a_night(nightly, day):
    begin = wall(f"{day} 00:00")
    Schedule.objects.update(last_slot_at=begin - timedelta(hours=20), at=time(2, 30))
    made = [request_due_runs(begin + timedelta(minutes=10 * step)) for step in range(6 * 23)]
    assert sum(map(len, made)) == 1


def test_two_schedulers_at_the_same_moment_ask_once(nightly):
    together = Barrier(2)

    def look():
        together.wait()
        try:
            while True:
                with contextlib.suppress(OperationalError):  # refused while the other one writes: look again
                    return len(request_due_runs(wall("2026-11-11 02:00")))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert sorted(thread.result() for thread in [threads.submit(look), threads.submit(look)]) == [0, 1]
    assert Run.objects.count() == 1


def test_a_clock_that_was_ahead_does_not_silence_the_nights(nightly):
    request_due_runs(wall("2027-11-11 02:00"))
    assert request_due_runs(wall("2026-11-11 12:00")) == []
    assert len(request_due_runs(wall("2026-11-12 02:00"))) == 1


def test_a_changed_schedule_holds_from_its_next_slot_on(nightly):
    now = timezone.now()
    nightly.at = (now - timedelta(hours=1)).astimezone(SYDNEY).time()
    store_schedule(nightly)
    assert request_due_runs(timezone.now()) == []
    assert len(request_due_runs(now + timedelta(hours=25))) == 1  # the day may have 23 hours, or 25


def test_a_schedule_that_is_off_asks_for_nothing(nightly):
    Schedule.objects.update(is_enabled=False)
    assert request_due_runs(wall("2026-11-20 09:00")) == []


def test_what_recurs_every_quarter_of_an_hour_waits_first_and_is_asked_for_once_each_time(world):
    Schedule.objects.all().delete()
    begin = timezone.now()
    Schedule.objects.create(kind=Schedule.Kind.CLAIM_CHECKS, every_minutes=15, last_slot_at=begin)
    store_claim(claim_id="C-1", service_provider_id="4049000001", reported_status="", made_at=begin)
    assert request_due_runs(begin + timedelta(minutes=14)) == []
    [run] = request_due_runs(begin + timedelta(minutes=16))
    assert (run.kind, run.trigger) == ("claim-check", Run.Trigger.ROUTINE)
    assert request_due_runs(begin + timedelta(minutes=17)) == []
    assert request_due_runs(begin + timedelta(minutes=32)) == [], "the last one is still to be done"
    Run.objects.update(status=Run.Status.FINISHED, finished_at=timezone.now())
    assert len(request_due_runs(begin + timedelta(minutes=48))) == 1


def test_a_night_without_anybody_is_no_run_and_no_trouble(nightly, add_client):
    nightly_run = request_due_runs(wall("2026-11-11 02:00"))
    assert nightly_run
    Run.objects.all().delete()
    Schedule.objects.update(kind=Schedule.Kind.TAIL)
    assert request_due_runs(wall("2026-11-12 02:00")) == []
    assert request_due_runs(wall("2026-11-12 02:01")) == []


def test_a_night_may_begin_with_a_survey(nightly):
    Schedule.objects.update(parts=Run.Parts.SURVEY)
    [run] = request_due_runs(wall("2026-11-11 02:00"))
    assert (run.kind, run.trigger, run.total) == ("survey", Run.Trigger.SCHEDULED, 1)
    assert request_due_runs(wall("2026-11-11 02:01")) == []


def test_a_survey_by_day_is_for_business_hours_alone(nightly):
    nightly.delete()
    Schedule.objects.create(kind=Schedule.Kind.DAYTIME, every_minutes=15, last_slot_at=wall("2026-11-10 02:00"))
    assert request_due_runs(wall("2026-11-11 07:59")) == []
    [run] = request_due_runs(wall("2026-11-11 08:15"))
    assert (run.kind, run.trigger, run.parameters) == ("survey", Run.Trigger.ROUTINE, {"only_moved": True})
    assert request_due_runs(wall("2026-11-11 08:31")) == []  # the one before is not over
    Run.objects.update(status=Run.Status.FINISHED)
    assert request_due_runs(wall("2026-11-14 10:00")) == []  # a Saturday
    assert len(request_due_runs(wall("2026-11-16 10:00"))) == 1


def test_a_fresh_installation_surveys_by_night_and_not_by_day():
    ensure_schedules()
    assert Schedule.objects.get(kind=Schedule.Kind.NIGHTLY).parts == Run.Parts.SURVEY
    assert not Schedule.objects.get(kind=Schedule.Kind.DAYTIME).is_enabled
