"""What the ledger lets go: only what ended long ago, a little at a time; records, changes and answers stay."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.sessions.models import Session
from django.utils import timezone

from carefund.access.models import AuditEntry
from carefund.records.models import Answer, Change, FileUpload, PlanBudget
from carefund.records.ndis.store import store_setting
from carefund.runs import retention
from carefund.runs.clock import read_clock
from carefund.runs.expired_data import delete_expired_data
from carefund.runs.models import Preview, Run, RunItem
from carefund.runs.requests import request_run
from carefund.runs.schedule import request_due_runs

pytestmark = pytest.mark.django_db(transaction=True)
CARE_RECIPIENT_ID = "400000003"


@pytest.fixture
def steady():
    """The clock has not jumped for a week, as far as the database knows."""
    now = timezone.now()
    store_setting("clock", [now.isoformat(), (now - timedelta(days=7)).isoformat(), False])


@pytest.fixture
def years_later():
    return timezone.now() + timedelta(days=731)


def test_a_run_goes_two_years_after_its_end_and_takes_no_record_with_it(
    world, add_client, synchronise, years_later, settings
):
    synchronise(add_client(CARE_RECIPIENT_ID))
    records = [model.objects.count() for model in (PlanBudget, Change, Answer)]
    assert all(records)
    assert retention.forget_old_runs(years_later - timedelta(days=2)) is None
    assert Run.objects.exists()
    settings.KEEP_RUNS_DAYS = 0
    assert retention.forget_old_runs(years_later) is None
    settings.KEEP_RUNS_DAYS = 730
    assert retention.forget_old_runs(years_later) == 1
    assert not Run.objects.exists()
    assert not RunItem.objects.exists()
    assert [model.objects.count() for model in (PlanBudget, Change, Answer)] == records


def test_a_run_that_has_not_ended_stays(add_client, years_later):
    run = request_run(trigger=Run.Trigger.BULK, clients=[add_client(CARE_RECIPIENT_ID)], scope="everybody")
    assert retention.forget_old_runs(years_later) is None
    assert Run.objects.get() == run


def test_a_large_run_goes_a_little_at_a_time(add_client, years_later):
    clients = [add_client(f"4000{number:05}") for number in range(5)]
    run = request_run(trigger=Run.Trigger.BULK, clients=clients, scope="everybody")
    Run.objects.filter(pk=run.pk).update(status=Run.Status.CANCELLED, finished_at=timezone.now())
    gone = [retention.forget_old_runs(years_later, 2) for _ in range(4)]
    assert gone == [2, 2, 1, None]
    assert not Run.objects.exists()


def test_a_routine_run_goes_after_a_week_and_removal_is_asked_for_once_a_day(carry_out, steady):
    tomorrow = timezone.now() + timedelta(days=1)
    [removal] = [run for run in request_due_runs(tomorrow) if run.kind == "retention"]
    assert carry_out(removal).status == Run.Status.FINISHED
    assert request_due_runs(tomorrow + timedelta(minutes=1)) == []
    assert retention.forget_old_runs(timezone.now() + timedelta(days=6), routine=True) is None
    assert retention.forget_old_runs(timezone.now() + timedelta(days=8), routine=True) == 1
    assert not Run.objects.filter(pk=removal.pk).exists()


def test_a_preview_that_nobody_applied_goes_after_a_week(add_client, carry_out, steady):
    client = add_client(CARE_RECIPIENT_ID)
    run = request_run(trigger=Run.Trigger.ON_DEMAND, clients=[client], scope="one client", is_preview=True)
    item = run.items.get()
    Preview.objects.create(item=item, version=0, changes={}, fetch=b"")
    for days, left in ((6, 1), (8, 0)):
        RunItem.objects.filter(pk=item.pk).update(
            status=RunItem.Status.DONE, finished_at=timezone.now() - timedelta(days=days)
        )
        removal = carry_out(retention.request_retention(Run.Trigger.ROUTINE))
        assert removal.items.get().outcome == ("unchanged" if left else "changed")
        assert Preview.objects.count() == left


def test_uploads_never_loaded_ended_sessions_and_old_sign_ins_go(settings):
    now = timezone.now()
    kept, old = (FileUpload.objects.create(name="lines.csv", content=b"x") for _ in range(2))
    loaded = FileUpload.objects.create(name="lines.csv", content=b"", loaded_at=now)
    week = now - timedelta(days=8)
    FileUpload.objects.filter(pk__in=[old.pk, loaded.pk]).update(created_at=week)
    Session.objects.create(session_key="over", session_data="", expire_date=now - timedelta(minutes=1))
    Session.objects.create(session_key="open", session_data="", expire_date=now + timedelta(minutes=1))
    for model, more in ((AccessAttempt, {"failures_since_start": 3}), (AccessFailureLog, {}), (AccessLog, {})):
        for days in (89, 91):
            made = model.objects.create(username=f"somebody-{days}", ip_address="192.0.2.1", user_agent="", **more)
            model.objects.filter(pk=made.pk).update(attempt_time=now - timedelta(days=days))
    settings.KEEP_SIGN_INS_DAYS = 0
    assert delete_expired_data(now) == 2
    settings.KEEP_SIGN_INS_DAYS = 90
    assert delete_expired_data(now) == 3
    assert delete_expired_data(now) == 0
    assert set(FileUpload.objects.values_list("pk", flat=True)) == {kept.pk, loaded.pk}
    assert [session.session_key for session in Session.objects.all()] == ["open"]
    for model in (AccessAttempt, AccessFailureLog, AccessLog):
        assert [row.username for row in model.objects.all()] == ["somebody-89"]


def test_the_removal_says_what_went(carry_out, steady):
    Session.objects.create(session_key="over", session_data="", expire_date=timezone.now() - timedelta(days=1))
    run = carry_out(retention.request_retention(Run.Trigger.ROUTINE))
    assert "1 unused uploads, ended sessions and old sign-ins" in run.items.get().message
    assert not Session.objects.exists()
    act = AuditEntry.objects.get()
    assert (act.user_name, act.act, act.after) == (
        "Carefund",
        "Old records removed",
        {"uploads, sessions, sign-ins": 1},
    )


def remove(carry_out):
    """One round of removal; what it said."""
    return carry_out(retention.request_retention(Run.Trigger.BULK)).items.get()


@pytest.fixture
def old_run(add_client):
    """A run of thirty people that is over, and three years old by the clock of this moment."""
    run = request_run(
        trigger=Run.Trigger.BULK, clients=[add_client(f"4000{number:05}") for number in range(30)], scope="old"
    )
    ended = timezone.now() - timedelta(days=3 * 365)
    run.items.update(status=RunItem.Status.DONE, finished_at=ended)
    Run.objects.filter(pk=run.pk).update(status=Run.Status.FINISHED, finished_at=ended)
    return run


def test_nothing_is_removed_because_a_clock_is_years_ahead(old_run, carry_out, caplog):
    """The ledger was new when the clock was last seen; then somebody sets it three years ahead."""
    seen = timezone.now() - timedelta(days=3 * 365)
    store_setting("clock", [seen.isoformat(), (seen - timedelta(days=90)).isoformat(), False])
    said = remove(carry_out)
    assert (said.outcome, old_run.items.count()) == ("failed", 30), "so that it is seen on Runs"
    assert "the clock was changed" in said.message
    assert "the clock went from" in caplog.text
    remove(carry_out)
    assert old_run.items.count() == 30, "the second time the clock has not jumped, and still is not steady"


def test_a_clock_that_was_ahead_and_is_right_again_holds_removal_up_for_a_day(db):
    ahead = timezone.now() + timedelta(days=3 * 365)
    store_setting("clock", [ahead.isoformat(), ahead.isoformat(), True])
    clock = read_clock()
    assert not clock.is_steady
    assert abs(clock.steady_since - timezone.now()) < timedelta(minutes=1)
    store_setting("clock", [timezone.now().isoformat(), (timezone.now() - timedelta(days=1)).isoformat(), True])
    assert read_clock().is_steady


def test_a_new_installation_waits_a_day_and_says_why(old_run, carry_out):
    assert "a day after Carefund was set up" in remove(carry_out).message
    assert old_run.items.count() == 30


def test_a_machine_that_is_off_over_the_weekend_is_no_jump(db):
    friday = timezone.now() - timedelta(days=2, hours=20)
    store_setting("clock", [friday.isoformat(), (friday - timedelta(days=30)).isoformat(), False])
    assert read_clock().is_steady


def test_on_one_day_only_a_share_is_removed(old_run, carry_out, steady, settings, monkeypatch):
    monkeypatch.setattr(retention, "_LEAST_A_DAY", 10)
    assert "Removed 10 entries" in remove(carry_out).message
    assert "Removed 0 entries" in remove(carry_out).message, "asking again on the same day removes no more"
    assert old_run.items.count() == 20
    store_setting("removed-today", {"day": "2000-01-01"})  # another day
    assert "Removed 10 entries" in remove(carry_out).message
    settings.KEEP_RUNS_DAYS = 5
    store_setting("removed-today", {"day": "2000-01-01"})
    monkeypatch.setattr(retention, "_LEAST_A_DAY", 0)
    assert "Removed 8 entries" in remove(carry_out).message, "three fifths of the 14 entries there are"


def test_a_first_note_of_the_time_that_was_cut_short_is_made_good(db):
    store_setting("clock", [])  # the process ended between the row and the time in it
    assert not read_clock().is_steady
    assert read_clock().steady_since <= timezone.now()
