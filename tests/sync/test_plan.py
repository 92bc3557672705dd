"""The plan that a person's records hang on: one at a time, its dates computed anew with every sync.

Source: rules SYNC-04 and SYNC-05.
"""

from datetime import date, timedelta

import pytest

from carefund.records.models import Change, Classification, IndividualContribution, Plan, Supplement
from carefund.runs.business_day import business_today
from carefund.runs.models import RunItem
from carefund.sync.care_recipient.answers import SyncParts
from carefund.sync.care_recipient.recordsets import RECORD_SETS

pytestmark = pytest.mark.django_db(transaction=True)
PLAN_KINDS = [record_set for record_set in RECORD_SETS if not record_set.is_child]


def plans(client) -> list[tuple[date | None, date | None, bool]]:
    found = Plan.objects.filter(client=client).order_by("id")
    return list(found.values_list("start_date", "end_date", "is_latest"))


def test_a_plan_is_made_of_type_support_at_home_with_a_quarterly_claim_period(world, add_client, synchronise):
    client = add_client("400000003")
    synchronise(client)
    plan = Plan.objects.get(client=client)
    assert (plan.type, plan.claim_period, plan.is_latest) == ("Support at Home", "Quarterly", True)
    starts = Classification.objects.filter(client=client).values_list("start_date", flat=True)
    assert plan.start_date == min(starts)


def test_dates_follow_the_classifications_with_every_sync(world, add_client, synchronise, changes):
    client = add_client("400000001")
    first_end, second_end = business_today() + timedelta(days=220), business_today() + timedelta(days=130)
    world.change("400000001", "end-classifications", date=first_end.isoformat())
    synchronise(client)
    assert [end for _, end, _ in plans(client)] == [first_end]
    number = Change.objects.latest("id").pk
    world.change("400000001", "end-classifications", date=second_end.isoformat())
    synchronise(client)
    start, end, _ = plans(client)[0]
    assert end == second_end
    assert ("plan", "changed", "end_date", first_end.isoformat(), second_end.isoformat()) in changes(client, number)
    earlier = start - timedelta(days=30)
    world.change("400000001", "add-classification", code="ON", level="2", startDate=earlier.isoformat())
    synchronise(client)
    assert plans(client) == [(earlier, None, True)], "any open classification leaves the plan open"
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED


def test_a_person_without_classifications_has_one_plan_without_dates(world, add_client, synchronise):
    client = add_client(world.scenario("no-classification")[0])
    synchronise(client)
    assert plans(client) == [(None, None, True)]
    world.change(client.care_recipient_id, "add-classification", code="ON", level="4", startDate="2026-11-01")
    synchronise(client)
    assert plans(client) == [(date(2026, 11, 1), None, True)]
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED


def test_classifications_that_are_no_longer_returned_leave_the_plan_its_dates(world, add_client, synchronise):
    client = add_client("400000003")
    synchronise(client)
    before = plans(client)
    world.change("400000003", "drop", what="classifications")
    result = synchronise(client)
    assert any("no classifications where there were" in warning for warning in result.warnings)
    assert plans(client) == before


def test_when_every_classification_has_ended_further_syncs_make_no_second_plan(world, add_client, synchronise):
    client = add_client(world.scenario("all-ended")[0])
    synchronise(client)
    ended = plans(client)
    assert [latest for _, _, latest in ended] == [True]
    assert ended[0][1] is not None
    assert ended[0][1] < business_today()
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED
    world.change(client.care_recipient_id, "add-usage", amount="-12.00")
    world.change(client.care_recipient_id, "add-supplement", typeCode="OXY_NORM", startDate="2026-07-01")
    synchronise(client)
    assert plans(client) == ended


def test_on_its_last_day_a_plan_is_over_and_yet_kept(world, add_client, sync_on):
    client = add_client("400000001")
    last_day = business_today() + timedelta(days=24)
    world.change("400000001", "end-classifications", date=last_day.isoformat())
    for day in (last_day - timedelta(days=1), last_day, last_day + timedelta(days=1)):
        sync_on(client, day)
        world.change("400000001", "add-usage", amount="-1.00")
        assert [end for _, end, _ in plans(client)] == [last_day]


@pytest.fixture
def world_of_2026(world):
    """The sandbox in November 2026, whatever the machine's clock says, for tests that name days."""
    world.begin_anew(today="2026-11-21")
    return world


def test_who_leaves_and_comes_back_gets_a_new_plan_and_keeps_the_old_one(world_of_2026, add_client, sync_on):
    """Source: rule SYNC-04."""
    client = add_client("400000001")
    world_of_2026.change("400000001", "end-classifications", date="2026-08-31")
    sync_on(client, date(2026, 9, 1))
    (first,) = plans(client)
    world_of_2026.change("400000001", "add-classification", code="ON", level="6", startDate="2026-11-02")
    sync_on(client, date(2026, 11, 3))
    assert plans(client) == [(first[0], date(2026, 8, 31), False), (date(2026, 11, 2), None, True)]
    old, new = Plan.objects.filter(client=client).order_by("id")
    assert list(new.classifications.values_list("start_date", flat=True)) == [date(2026, 11, 2)]
    assert old.classifications.filter(end_date=date(2026, 8, 31)).exists()
    begins = new.start_date
    for kind in PLAN_KINDS:
        rows = kind.model._default_manager.filter(client=client)
        last = kind.dates[1]
        assert not rows.filter(plan=old).exclude(**{f"{last}__lt": begins}).exists(), f"{kind.kind}: in force, or open"
        assert not rows.filter(plan=new, **{f"{last}__lt": begins}).exists(), f"{kind.kind}: over before"
    assert new.individual_contributions.exists()
    assert new.approved_services.exists()
    assert old.plan_budgets.exists(), "what was spent then stays with that plan"
    assert new.plan_budgets.filter(end_date__gte=date(2026, 11, 3)).exists()
    again = sync_on(client, date(2026, 11, 4))
    assert again.outcome.value == "unchanged"
    assert Plan.objects.get(client=client, is_latest=True) == new
    world_of_2026.change("400000001", "add-classification", code="ON", level="7", startDate="2026-12-01")
    sync_on(client, date(2026, 12, 2))
    assert plans(client)[1] == (date(2026, 11, 2), None, True), "the old plan's classifications do not reach in"


@pytest.fixture
def returned(world_of_2026, add_client, sync_on):
    """Somebody with an ended plan and a new one, synchronised last on 3 November 2026."""
    client = add_client("400000001")
    world_of_2026.change("400000001", "end-classifications", date="2026-08-31")
    sync_on(client, date(2026, 9, 1))
    world_of_2026.change("400000001", "add-classification", code="ON", level="6", startDate="2026-11-02")
    sync_on(client, date(2026, 11, 3))
    return client


def test_what_hangs_on_an_ended_plan_by_an_earlier_version_moves_at_the_next_sync(returned, synchronise):
    old, new = Plan.objects.filter(client=returned).order_by("id")
    right = {kind.kind: list(kind.model._default_manager.filter(plan=new).order_by("id")) for kind in PLAN_KINDS}
    for kind in PLAN_KINDS[1:]:  # their classifications were on the right plan
        kind.model._default_manager.filter(plan=new).update(plan=old)
    assert not synchronise(returned).error_code
    for kind in PLAN_KINDS:
        assert list(kind.model._default_manager.filter(plan=new).order_by("id")) == right[kind.kind]
    assert synchronise(returned).outcome == RunItem.Outcome.UNCHANGED


def test_what_is_told_late_of_the_time_before_belongs_to_the_earlier_plan(world, returned, sync_on):
    world.change("400000001", "add-supplement", typeCode="OXY_NORM", startDate="2026-03-01", endDate="2026-04-30")
    world.change("400000001", "add-supplement", typeCode="ENT_NBO", startDate="2026-03-01")
    sync_on(returned, date(2026, 11, 4))
    old, new = Plan.objects.filter(client=returned).order_by("id")
    assert Supplement.objects.get(client=returned, type_code="OXY_NORM").plan == old
    assert Supplement.objects.get(client=returned, type_code="ENT_NBO").plan == new


def test_contributions_that_came_no_more_move_along_as_the_last_known(world_of_2026, add_client, sync_on):
    client = add_client("400000001")
    world_of_2026.change("400000001", "end-classifications", date="2026-08-31")
    sync_on(client, date(2026, 9, 1))
    world_of_2026.change("400000001", "drop", what="contributions")
    world_of_2026.change("400000001", "add-classification", code="ON", level="6", startDate="2026-11-02")
    sync_on(client, date(2026, 11, 3))
    new = Plan.objects.get(client=client, is_latest=True)
    kept = IndividualContribution.objects.filter(client=client, effective_date_to__isnull=True)
    assert {contribution.plan for contribution in kept} == {new}
    assert all(contribution.no_longer_returned_date for contribution in kept)


@pytest.mark.parametrize("parts", list(SyncParts))
def test_dates_are_worked_out_at_every_sync_also_of_parts_and_of_answers_known_before(
    parts, world, add_client, synchronise, sync_on, changes
):
    """Source: rule SYNC-05."""
    client = add_client("400000001")
    synchronise(client)
    right, number = plans(client), Change.objects.latest("id").pk
    Plan.objects.filter(client=client).update(start_date=date(2020, 1, 1), end_date=date(2030, 1, 1))
    sync_on(client, business_today(), parts=parts)
    assert plans(client) == right
    assert ("plan", "changed", "end_date", "2030-01-01", None) in changes(client, number)
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED


def test_an_unchanged_sync_through_the_hall_puts_wrong_dates_right(world, add_client, synchronise):
    client = add_client("400000001")
    synchronise(client)
    right = plans(client)
    Plan.objects.filter(client=client).update(start_date=date(2020, 1, 1), end_date=date(2030, 1, 1))
    assert synchronise(client).outcome == RunItem.Outcome.CHANGED
    assert plans(client) == right
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED


def test_who_left_and_came_back_before_the_first_sync_has_one_plan_over_both_times(world, add_client, synchronise):
    client = add_client(world.scenario("came-back")[0])
    synchronise(client)
    ((start, end, latest),) = plans(client)
    assert (start, end, latest) == (
        min(Classification.objects.filter(client=client).values_list("start_date", flat=True)),
        None,
        True,
    )


def test_a_classification_that_follows_on_the_next_day_continues_the_plan(world_of_2026, add_client, sync_on):
    client = add_client("400000001")
    world_of_2026.change("400000001", "end-classifications", date="2026-08-31")
    sync_on(client, date(2026, 9, 1))
    world_of_2026.change("400000001", "add-classification", code="ON", level="6", startDate="2026-09-01")
    sync_on(client, date(2026, 9, 20))
    ((_, end, latest),) = plans(client)
    assert (end, latest) == (None, True)
