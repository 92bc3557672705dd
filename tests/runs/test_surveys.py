"""Survey first, then read who moved: as background work, beside the sandbox. Source: rule SYNC-19."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.utils import timezone

from carefund.records.models import (
    BudgetUsage,
    Client,
    ClientMatch,
    PlanBudget,
    Survey,
    SurveyMark,
    SurveySuspect,
    SyncState,
)
from carefund.runs.business_day import business_today
from carefund.runs.care_recipient.surveying import find_reads, request_survey
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NothingToDo, request_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def everybody(world, add_client, bulk, carry_out):
    """Sixteen ordinary people, synchronised in full once."""
    clients = [add_client(care_recipient_id) for care_recipient_id in world.scenario("ordinary")[:16]]
    carry_out(bulk(clients))
    return clients


@pytest.fixture
def survey(carry_out):
    """Make a survey and read whom it found; gives both runs, the second None where nobody was to be read."""

    def make(**values):
        carry_out(run := request_survey(**({"trigger": Run.Trigger.SCHEDULED} | values)))
        item = run.items.get()
        assert item.outcome != RunItem.Outcome.FAILED, item.message
        reading = Run.objects.filter(pk=(item.result or {}).get("run")).first()
        return item, carry_out(reading) if reading else None

    return make


@pytest.fixture
def rested(settings):
    """Nobody's turn comes."""
    settings.SURVEY_ROTATION_DAYS = 0


def asked(world) -> list[str]:
    """The operations that the funder was asked for since the last look."""
    rows = world.ask("GET", "/journal?limit=5000")["requests"]
    world.ask("DELETE", "/journal")
    return sorted(row["operation"] for row in rows if row["operation"] not in ("token", "proda_token"))


def moved(run: Run | None) -> list[str]:
    """The Care Recipient IDs of those read in a run."""
    return [] if run is None else sorted(run.items.values_list("care_recipient_id", flat=True))


def would_change(clients, bulk, carry_out) -> dict[str, int]:
    """Whom a full pass would change, without changing anybody."""
    run = carry_out(bulk(clients, is_preview=True))
    return dict(run.items.exclude(outcome=RunItem.Outcome.UNCHANGED).values_list("care_recipient_id", "outcome"))


def test_after_a_full_pass_a_survey_reads_nobody(world, everybody, survey, rested):
    asked(world)
    item, reading = survey()
    assert reading is None
    assert item.outcome == RunItem.Outcome.UNCHANGED
    assert set(asked(world)) <= {"care_recipient_summaries", "individual_contribution", "budget_summary"}
    assert SurveyMark.objects.count() == 16
    assert not SurveySuspect.objects.exists()
    assert Survey.objects.get().calls_saved > 60  # also of the first one, which marks everybody
    _, again = survey()
    assert again is None
    assert Survey.objects.first().calls_saved > 60


def test_new_draws_are_read_narrowly(world, everybody, survey, rested):
    survey()
    someone = everybody[3].care_recipient_id
    world.change(someone, "add-usage", amount="-12.50")
    asked(world)
    _, reading = survey()
    assert (moved(reading), reading.scope) == ([someone], "clients whose funding may have changed")
    calls = [name for name in asked(world) if name in ("budgets_by_care_recipient", "budget_details")]
    assert calls == ["budget_details", "budgets_by_care_recipient"]
    assert BudgetUsage.objects.filter(client=everybody[3], amount="-12.50").exists()
    assert survey()[1] is None


def test_whatever_else_moves_is_read_in_full(world, everybody, survey, rested):
    survey()
    someone = everybody[5].care_recipient_id
    world.change(someone, "add-supplement", typeCode="OXY_NORM")
    asked(world)
    _, reading = survey()
    assert moved(reading) == [someone]
    assert "care_recipient_summary" in asked(world)
    assert survey()[1] is None


def test_a_new_client_is_read(world, everybody, survey, rested, add_client):
    survey()
    add_client(world.scenario("ordinary")[20])
    _, reading = survey()
    assert moved(reading) == [world.scenario("ordinary")[20]]
    assert survey()[1] is None


def test_a_read_on_demand_needs_no_second_one(world, everybody, survey, rested, synchronise):
    survey()
    world.change(everybody[0].care_recipient_id, "add-usage", amount="-9.00")
    synchronise(everybody[0])
    assert survey()[1] is None


def test_a_draw_and_its_reversal_between_two_surveys_do_not_hide_what_was_read_meanwhile(
    world, everybody, survey, rested, synchronise, bulk, carry_out
):
    survey()
    someone = everybody[0].care_recipient_id
    world.change(someone, "add-usage", amount="-9.00")
    synchronise(everybody[0])
    world.ask("DELETE", f"/care-recipients/{someone}")
    _, reading = survey()
    assert moved(reading) == [someone]
    assert would_change(everybody, bulk, carry_out) == {}


def test_who_failed_is_read_again(world, everybody, survey, rested):
    survey()
    someone = everybody[2].care_recipient_id
    world.change(someone, "add-usage", amount="-9.00")
    world.fault(kind="status", status=400, operation="budgets_by_care_recipient", subject=someone, times=1)
    _, reading = survey()
    assert reading.items.get().outcome == RunItem.Outcome.FAILED
    _, again = survey()
    assert moved(again) == [someone]
    assert again.items.get().outcome == RunItem.Outcome.CHANGED
    assert survey()[1] is None


def test_who_vanishes_from_the_lists_is_read(world, everybody, survey, rested):
    survey()
    someone = everybody[2].care_recipient_id
    world.change(someone, "known", known=False)
    _, reading = survey()
    assert moved(reading) == [someone]


def test_many_who_vanish_at_once_make_a_full_pass(world, everybody, survey, rested):
    survey()
    for client in everybody[:8]:
        world.change(client.care_recipient_id, "service-provider", serviceProviderId="4049999999", serviceNapsId="1")
    _, reading = survey()
    assert reading.total == 16
    assert "8 of 16 clients who were in the lists last time are missing" in reading.scope
    assert "missing" in Survey.objects.first().why_full


def test_a_refused_list_makes_a_full_pass(world, everybody, survey, rested):
    survey()
    world.fault(kind="status", status=403, operation="budget_summary")
    item, reading = survey()
    assert reading.total == 16
    assert reading.scope.startswith("all clients in full, because the lists could not be read")
    assert "No survey" in item.message
    assert Survey.objects.count() == 1


def test_a_survey_that_breaks_off_is_used_for_nothing(world, everybody, survey, rested):
    survey()
    someone = everybody[1].care_recipient_id
    world.change(someone, "add-usage", amount="-9.00")
    marks = list(SurveyMark.objects.order_by("pk").values())
    world.fault(kind="truncate", operation="budget_summary", after=1)
    item, reading = survey()
    assert "No survey" in item.message
    assert reading.total == 16
    assert list(SurveyMark.objects.order_by("pk").values("client_id", "budgets")) == [
        {name: mark[name] for name in ("client_id", "budgets")} for mark in marks
    ]
    world.ask("DELETE", "/faults")
    assert survey()[1] is None  # the full pass read the draw


def test_a_share_is_read_in_full_each_night(everybody, survey, settings):
    settings.SURVEY_ROTATION_DAYS = 4
    SurveyMark.objects.update(read_in_full_at=timezone.now() - timedelta(days=2))
    survey()
    SurveyMark.objects.update(read_in_full_at=timezone.now() - timedelta(days=2))
    item, reading = survey()
    assert (reading.total, reading.scope) == (4, "clients who are due to be read")
    assert "4 read in turn" in item.message
    newest = Survey.objects.first()
    assert (newest.checked, newest.drifted) == (4, 0)
    assert survey()[1].total == 4  # others


def test_what_lists_hide_is_counted_and_makes_a_full_pass(world, everybody, survey, settings):
    survey()
    SurveyMark.objects.update(read_in_full_at=timezone.now() - timedelta(days=2))
    settings.SURVEY_ROTATION_DAYS = 8
    for client in everybody:
        world.change(client.care_recipient_id, "consent", given=False)
    survey()
    newest = Survey.objects.first()
    assert (newest.checked, newest.drifted) == (2, 2)
    _, reading = survey()
    assert reading.total == 16
    assert "2 of 2 had changed although the lists showed no change" in reading.scope
    assert set(reading.items.values_list("outcome", flat=True)) == {RunItem.Outcome.CONSENT_MISSING}


def test_consent_that_is_given_again_is_found_with_one_call(world, everybody, survey, rested, bulk, carry_out):
    someone = everybody[4].care_recipient_id
    world.change(someone, "consent", given=False)
    carry_out(bulk(everybody))
    survey()
    everybody[4].sync_state.__class__.objects.update(checked_at=timezone.now() - timedelta(days=1))
    asked(world)
    _, reading = survey()
    assert moved(reading) == [someone]
    calls = asked(world)
    assert calls.count("budget_details") == 1
    assert "care_recipient_summary" not in calls
    world.change(someone, "consent", given=True)
    everybody[4].sync_state.__class__.objects.update(checked_at=timezone.now() - timedelta(days=1))
    survey()
    assert would_change(everybody, bulk, carry_out) == {}


def test_in_the_daytime_only_those_who_moved_are_read(world, everybody, survey, add_client):
    survey()
    someone = everybody[3].care_recipient_id
    add_client(world.scenario("ordinary")[20])
    world.change(someone, "add-usage", amount="-12.50")
    _, reading = survey(trigger=Run.Trigger.ROUTINE, only_moved=True)
    assert moved(reading) == [someone]
    assert SurveySuspect.objects.get().reason == "never synchronised"


def test_a_survey_in_the_daytime_waits_for_the_one_before(world, everybody, survey, carry_out):
    survey()
    world.change(everybody[3].care_recipient_id, "add-usage", amount="-12.50")
    carry_out(request_survey(trigger=Run.Trigger.ROUTINE, only_moved=True))
    with pytest.raises(NothingToDo):
        request_survey(trigger=Run.Trigger.ROUTINE, only_moved=True)


def test_ended_open_budgets_that_lists_leave_out_are_read_weekly(world, everybody, survey, rested):
    """Lists are asked for the last 90 days, so in the last days of a quarter nothing that ended is left out."""
    world.ask("POST", "/switches", {"onlyCurrentBudgets": True})
    today = business_today()
    ended = PlanBudget.objects.filter(end_date__lt=today, end_date__gte=today - timedelta(days=90))
    left_out = ended.values("client_id").distinct().count()
    _, reading = survey()  # only a read tells a budget that is left out from one that is gone
    assert len(moved(reading)) == left_out
    assert SurveyMark.objects.filter(hides_budgets=True).count() == left_out
    assert survey()[1] is None
    Client.objects.first().sync_state.__class__.objects.update(checked_at=timezone.now() - timedelta(days=8))
    item, reading = survey()
    assert (reading.total if reading else 0) == left_out
    assert ("with budgets that the lists leave out" in item.message) is bool(left_out)


def test_without_a_service_provider_id_everybody_is_read(world, add_client, survey):
    for care_recipient_id in world.scenario("ordinary")[:3]:
        add_client(care_recipient_id)
    item, reading = survey()
    assert reading.total == 3
    assert "No survey" in item.message
    assert survey()[1] is None  # the next one finds the lists as they are stored


def test_a_full_pass_is_due_weekly_at_first_and_later_as_set(everybody, survey, rested, settings):
    survey()
    Survey.objects.update(started_at=timezone.now() - timedelta(days=8))
    _, reading = survey()
    assert reading.total == 16
    assert "for the first month" in reading.scope
    assert survey()[1] is None
    Survey.objects.update(started_at=timezone.now() - timedelta(days=31))
    assert "due every 28 days" in survey()[1].scope
    Survey.objects.update(started_at=timezone.now() - timedelta(days=31))
    settings.SURVEY_FULL_PASS_DAYS = 0
    assert survey()[1] is None


def test_nobody_is_surveyed_where_there_is_nobody(world):
    with pytest.raises(NothingToDo):
        request_survey(trigger=Run.Trigger.SCHEDULED)


def test_a_run_that_no_survey_asked_for_leaves_marks_alone(everybody, survey, rested, carry_out):
    survey()
    before = list(SurveyMark.objects.order_by("pk").values("client_id", "budgets", "version"))
    carry_out(request_run(trigger=Run.Trigger.BULK, clients=everybody, scope="test"))
    assert list(SurveyMark.objects.order_by("pk").values("client_id", "budgets", "version")) == before


def test_a_budget_that_is_gone_before_the_first_survey_is_not_taken_for_one_left_out(
    world, everybody, survey, rested, bulk, carry_out
):
    someone = everybody[6].care_recipient_id
    world.change(someone, "drop", what="budgets")
    _, reading = survey()
    assert moved(reading) == [someone]
    assert would_change(everybody, bulk, carry_out) == {}
    assert survey()[1] is None


def test_lists_longer_than_what_is_kept_at_once_are_surveyed(world, everybody, survey, rested, settings):
    """A survey keeps no page: what bounds the rows of lists that are kept would make a full pass of every night."""
    configured = settings.SERVICES_AUSTRALIA
    settings.SERVICES_AUSTRALIA = replace(configured, timing=replace(configured.timing, most_provider_rows=5))
    item, reading = survey()
    assert reading is None
    assert "16 clients surveyed" in item.message


def test_a_budget_in_force_that_the_list_alone_has_lost_is_no_agreement(
    world, everybody, survey, rested, bulk, carry_out
):
    """The list is ahead of the person's own answer: to take what is not listed for left out would hide that it goes."""
    survey()
    someone = everybody[6].care_recipient_id
    world.change(someone, "drop", what="budgets")
    carry_out(run := request_survey(trigger=Run.Trigger.SCHEDULED))
    world.change(someone, "restore", what="budgets")
    carry_out(find_reads(run))
    world.change(someone, "drop", what="budgets")
    survey()
    assert would_change(everybody, bulk, carry_out) == {}


def test_half_refused_lists_of_an_id_count_for_nothing(
    world, everybody, survey, rested, add_client, bulk, carry_out, settings
):
    """One id's contributions are refused: what its other lists say is not the whole, so its people are read."""
    people = world.ask("GET", "/care-recipients")["careRecipients"]
    provider_of = {person["careRecipientId"]: person["serviceProviderId"] for person in people}
    settings.SURVEY_VANISHED_PERCENT = 60  # so that a third of these few is no reason to doubt the lists
    known = {client.care_recipient_id for client in everybody}
    refused = min(set(provider_of.values()), key=[provider_of[number] for number in sorted(known)].count)
    of_refused = {number for number, provider_id in provider_of.items() if provider_id == refused}
    carry_out(bulk([add_client(number) for number in sorted(of_refused - known)[:3]]))
    theirs = sorted(of_refused & {client.care_recipient_id for client in Client.objects.all()})
    survey()
    world.fault(kind="status", status=403, operation="individual_contribution", subject=refused)
    for _ in range(2):
        item, reading = survey()
        assert moved(reading) == theirs
        assert f"{len(theirs)} missing from the lists" in item.message
        assert "The lists of 1 Service Provider ID were refused" in item.message


def test_a_survey_that_fails_leaves_nobody_unread(everybody, survey, rested, carry_out, settings):
    survey()
    settings.SURVEY_ROTATION_DAYS = "often"  # an error that nobody thought of
    run = carry_out(request_survey(trigger=Run.Trigger.SCHEDULED))
    assert run.items.get().outcome == RunItem.Outcome.FAILED
    reading = Run.objects.filter(kind=Run.SYNC).latest("pk")
    assert (reading.total, reading.scope) == (16, "all clients in full, because the survey failed")


@pytest.fixture
def interrupted(world, everybody, survey, rested, carry_out):
    """A client who drew is read after a survey, and something is written while the funder answers; gives their mark as
    the survey saw it, before they drew, and as it is afterwards."""

    def read(write, **values):
        survey()
        before = SurveyMark.objects.get(client=everybody[3]).budgets
        world.change(everybody[3].care_recipient_id, "add-usage", amount="-12.50")
        carry_out(run := request_survey(trigger=Run.Trigger.SCHEDULED))
        listed = SurveySuspect.objects.get().budgets
        world.ask("DELETE", "/journal")
        world.ask("POST", "/switches", {"latencyMs": 300})

        async def write_meanwhile(worker):
            while "budgets_by_care_recipient" not in str(world.ask("GET", "/journal")):
                await asyncio.sleep(0.02)
            await worker.database.do(lambda: write.update(**values))

        carry_out(find_reads(run), write_meanwhile)
        return before, listed, SurveyMark.objects.get(client=everybody[3]).budgets

    return read


def test_a_mark_says_what_was_listed_before_the_read(interrupted):
    """Another survey may see the next draw while the answers to an earlier question arrive."""
    _, listed, marked = interrupted(SurveySuspect.objects.all(), budgets="f" * 32)
    assert marked == listed


def test_a_superseded_read_leaves_no_mark(interrupted):
    later = timezone.now() + timedelta(hours=1)
    before, _, marked = interrupted(SyncState.objects.all(), fetch_started_at=later)
    assert marked == before
    assert SurveySuspect.objects.exists()


def test_who_is_listed_under_the_name_of_a_client_without_an_id_is_proposed(world, everybody, survey, add_client):
    """A survey sees who is listed and no client here; whoever has the name and birth date of one is proposed."""
    number = world.scenario("ordinary")[20]
    world.change(number, "identity", firstName="Nora", lastName="Lind", birthDate="1941-02-03")
    without_id = add_client(None, first_name="nora", last_name="Lind", birth_date=None)
    add_client(None, first_name="Nora", last_name="Lind", birth_date=date(1950, 1, 1))
    for _ in range(2):
        survey()
        match = ClientMatch.objects.get()
        assert (match.client_id, match.care_recipient_id, match.verdict) == (without_id.pk, number, "waiting")


def test_a_list_that_is_always_otherwise_is_taken_as_it_is_after_two_days(world, everybody, survey, rested):
    world.fault(kind="raw-value", operation="budget_summary", field="budgetType", text='"Otherwise"')
    assert survey()[1].total == 16
    assert survey()[1].total == 16
    SurveySuspect.objects.update(since=timezone.now() - timedelta(days=3))
    survey()
    assert survey()[1] is None


def test_a_row_that_cannot_be_read_concerns_nobody_but_its_person(world, everybody, survey, rested):
    """Neither is everybody read in its place, nor does the survey in the daytime fail."""
    survey()
    world.change(everybody[1].care_recipient_id, "add-usage", amount="-10000000000000.00")
    world.change(everybody[2].care_recipient_id, "add-usage", amount="-9.00")
    spoilt, other = everybody[1].care_recipient_id, everybody[2].care_recipient_id
    _, reading = survey(only_moved=True)
    outcomes = dict(reading.items.values_list("care_recipient_id", "outcome"))
    assert outcomes == {spoilt: RunItem.Outcome.FAILED, other: RunItem.Outcome.CHANGED}
    assert reading.items.get(outcome=RunItem.Outcome.FAILED).error_code == "impossible-value"
    assert moved(survey()[1]) == [spoilt]


def test_a_summary_whose_bytes_were_read_before_is_not_read_again(world, everybody, survey, rested):
    """What was kept of the bytes is believed, as long as they were read as today and name the same person."""
    survey()
    kept = dict(SurveyMark.objects.values_list("client", "seen_summary"))
    assert all(kept.values())
    someone = everybody[4]
    wrong = kept[someone.pk][:40] + kept[everybody[5].pk][40:72] + kept[someone.pk][72:]
    for text in ("0" * 8 + wrong[8:], wrong[:72] + "499999999"):
        SurveyMark.objects.filter(client=someone).update(seen_summary=text)
        assert survey()[1] is None
        assert SurveyMark.objects.get(client=someone).seen_summary == kept[someone.pk]
    SurveyMark.objects.filter(client=someone).update(seen_summary=wrong)
    assert moved(survey()[1]) == [someone.care_recipient_id]


def test_a_summary_that_changes_after_its_bytes_were_kept_is_found_and_kept_anew(world, everybody, survey, rested):
    survey()
    before = dict(SurveyMark.objects.values_list("client", "seen_summary"))
    someone = everybody[4]
    world.change(someone.care_recipient_id, "identity", firstName="Odette")
    assert moved(survey()[1]) == [someone.care_recipient_id]
    assert survey()[1] is None
    after = dict(SurveyMark.objects.values_list("client", "seen_summary"))
    assert [key for key in after if after[key] != before[key]] == [someone.pk]
