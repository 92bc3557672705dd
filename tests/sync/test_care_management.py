"""Refresh and Save: what counts as this quarter's pool, what is shown, what is kept, and what happens without data."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from carefund.domain.care_management.pools import roll_up
from carefund.domain.quarters import previous_quarter, quarter_of
from carefund.records.care_management.store import list_newest, list_saves, store_pool
from carefund.records.models import CareManagementSave, Client, ServiceProvider
from carefund.runs.business_day import business_today
from carefund.runs.care_management.refreshing import (
    NotRefreshable,
    NotSavable,
    find_last_saving,
    find_shown_refresh,
    list_problems,
    results_of,
    save_refreshed,
)
from carefund.runs.foreground import finish_now, refresh_pools_now, sync_service_providers
from carefund.runs.models import Preview, Run, RunItem, Schedule
from carefund.runs.schedule import find_schedule, request_due_runs, store_schedule
from carefund.sync.care_management.refreshing import Refreshed
from tests.conftest import Sandbox

ONE, TWO = "4049000001", "4049000002"


def refresh(service_provider_id: str = "") -> Sequence[Refreshed]:
    """A refresh as a person asks for it, carried out here and now."""
    return results_of(refresh_pools_now(service_provider_id))


def save_after_scheduled_sync() -> Run | None:
    """The clock's part after a scheduled sync has ended, and the work that it asks for."""
    Run.objects.create(trigger=Run.Trigger.SCHEDULED, status=Run.Status.FINISHED, scope="active clients")
    return next((finish_now(run) for run in request_due_runs(timezone.now()) if run.kind == "pools"), None)


def switch_saving(*, on: bool) -> None:
    schedule = find_schedule(Schedule.Kind.POOLS)
    schedule.is_enabled = on
    store_schedule(schedule)


@pytest.fixture
def detected(world: Sandbox, add_client: Callable[..., Client]) -> Sandbox:
    """The world after Sync Service Providers."""
    for number in (1, 2, 3):
        add_client(str(400_000_000 + number))
    sync_service_providers()
    return world


def test_refresh_is_not_possible_before_a_valid_id_was_found(world: Sandbox):
    with pytest.raises(NotRefreshable, match="Sync Service Providers"):
        refresh()


def test_an_id_that_only_our_own_records_name_does_not_make_refresh_possible(world: Sandbox):
    at = "2026-01-01T00:00:00Z"
    ServiceProvider.objects.create(service_provider_id=ONE, first_seen_at=at, last_seen_at=at)
    with pytest.raises(NotRefreshable):
        refresh(ONE)


@pytest.mark.parametrize("wrong", ["not an id!", "00000", "40490000011111", "4049009999"])
def test_an_id_that_is_malformed_or_not_ours_is_refused_without_a_call(detected: Sandbox, wrong: str):
    detected.ask("DELETE", "/journal")
    with pytest.raises(NotRefreshable):
        refresh(wrong)
    asked = detected.ask("GET", "/journal?operation=budgets_by_service_provider")["requests"]
    assert asked == []


def test_a_persons_budget_that_cannot_be_read_costs_the_pool_nothing(detected: Sandbox):
    [before] = refresh(ONE)
    row = {"budgetId": "7", "careRecipientId": "400000001", "budgetTypeCode": "ON", "total": 1e13}
    detected.fault(kind="extra-row", operation="budgets_by_service_provider", text=json.dumps(row))
    [pool] = refresh(ONE)
    assert pool.problem is None
    assert pool.pool.budgets == before.pool.budgets
    row |= {"careRecipientId": "", "budgetTypeCode": "CM"}
    detected.fault(kind="extra-row", operation="budgets_by_service_provider", text=json.dumps(row))
    [refused] = refresh(ONE)
    assert refused.problem is not None
    assert "total" in refused.problem.message


def test_only_care_management_of_this_quarter_is_shown_whatever_else_came(detected: Sandbox):
    for change in ("other-types", "next-quarter"):
        detected.ask("POST", f"/service-providers/{ONE}/{change}")

    (result,) = refresh(ONE)

    quarter = quarter_of(business_today())
    assert [row.budget_type_code for row in result.pool.budgets] == ["CM"]
    assert all(quarter.overlaps(row.start_date, row.end_date) for row in result.pool.budgets)
    assert len(result.received) > 1, "other types came back and are told"


def test_several_budgets_are_shown_as_several_by_start_date(detected: Sandbox):
    detected.ask("POST", f"/service-providers/{ONE}/second-budget", {"amount": 500})
    (result,) = refresh(ONE)
    starts = [row.start_date for row in result.pool.budgets]
    assert len(starts) == 2
    assert starts == sorted(starts)
    assert result.pool.budgets[1].total == Decimal("500.00")


def test_a_closed_budget_is_told_apart_and_counts_nowhere(detected: Sandbox):
    (before,) = refresh(ONE)
    detected.ask("POST", f"/service-providers/{ONE}/closed-budget", {"amount": 700})

    (result,) = refresh(ONE)

    assert [row.status for row in result.pool.budgets] == ["OPEN"]
    assert [(row.status, row.total) for row in result.closed] == [("CLOSED", Decimal("700.00"))]
    assert result.pool.budgets == before.pool.budgets
    assert result.pool.estimate == before.pool.estimate
    assert all(store_pool(pool) for pool in result.to_save)
    assert [row.budget_id for row in list_saves(ONE)[-1].pool.budgets] == [row.budget_id for row in before.pool.budgets]
    assert "CLOSED" in {row.status for pool in result.ended for row in pool.budgets}, "those of an ended quarter count"


def test_when_no_budget_names_a_valid_id_any_more_refresh_is_closed(world: Sandbox, add_client: Callable[..., Client]):
    world.ask("POST", "/reset", {"careRecipients": 2})
    for care_recipient_id in ("400000001", "400000002"):
        add_client(care_recipient_id)
    sync_service_providers()
    assert refresh()
    for care_recipient_id in ("400000001", "400000002"):
        world.change(care_recipient_id, "service-provider", serviceProviderId="0000000000")
    assert sync_service_providers().service_provider_ids == ()
    world.ask("DELETE", "/journal")
    for wanted in ("", TWO):
        with pytest.raises(NotRefreshable, match="any more"):
            refresh(wanted)
    assert world.ask("GET", "/journal")["requests"] == []
    for care_recipient_id in ("400000001", "400000002"):
        world.change(care_recipient_id, "service-provider", serviceProviderId=TWO)
    sync_service_providers()
    assert [refreshed.pool.service_provider_id for refreshed in refresh()] == [TWO]


def test_who_used_the_pool_is_named_by_the_usage_lines(detected: Sandbox):
    detected.ask("POST", f"/service-providers/{ONE}/use", {"amount": 75, "careRecipientId": "400000003"})
    detected.ask("POST", f"/service-providers/{ONE}/use", {"amount": 5})
    (result,) = refresh(ONE)
    uses = {use.care_recipient_id: use for use in result.pool.uses}
    assert uses["400000003"].amount <= Decimal("-75.00")
    assert result.pool.uses[-1].care_recipient_id == "", "lines that name nobody come last"
    assert sum(use.amount for use in result.pool.uses) == result.pool.budgets[0].used


def test_refresh_stores_nothing_and_save_stores_what_was_shown(detected: Sandbox):
    (result,) = refresh(ONE)
    assert not CareManagementSave.objects.exists()
    assert store_pool(result.pool)
    (saved,) = list_newest(["2200000000", ONE], result.pool.quarter)
    assert saved.pool == result.pool
    assert saved.last_synced_at == result.pool.asked_at


def test_saving_the_same_again_moves_the_last_sync_date_only(detected: Sandbox):
    (first,) = refresh(ONE)
    store_pool(first.pool)
    (second,) = refresh(ONE)
    assert not store_pool(second.pool)
    (saved,) = list_saves(ONE)
    assert saved.last_synced_at == second.pool.asked_at > first.pool.asked_at


def test_an_older_picture_is_not_saved_over_a_newer_one(detected: Sandbox):
    (older,) = refresh(ONE)
    detected.ask("POST", f"/service-providers/{ONE}/use", {"amount": 20})
    (newer,) = refresh(ONE)
    assert store_pool(newer.pool)
    assert not store_pool(older.pool)
    assert len(list_saves(ONE)) == 1


def test_no_data_says_what_came_back(detected: Sandbox):
    detected.ask("POST", f"/service-providers/{ONE}/empty")
    (nothing,) = refresh(ONE)
    assert nothing.is_empty
    assert nothing.received == ()

    detected.ask("POST", f"/service-providers/{ONE}/other-types")
    (others,) = refresh(ONE)
    assert others.is_empty
    assert others.received


def test_the_quarters_just_ended_come_along_since_their_write_off_shows_late(detected: Sandbox):
    (result,) = refresh(ONE)
    last, before = result.ended
    assert (last.quarter, before.quarter) == (
        previous_quarter(result.pool.quarter),
        previous_quarter(previous_quarter(result.pool.quarter)),
    )
    assert before.budgets[0].rollover_deduction
    for pool in result.to_save:
        store_pool(pool)
    assert [saved.pool for saved in list_saves(ONE)] == [before, last, result.pool]


def test_a_refusal_of_one_id_costs_the_others_nothing(detected: Sandbox):
    detected.ask("POST", f"/service-providers/{ONE}/refuse")
    results = {result.pool.service_provider_id: result for result in refresh()}
    assert results[ONE].problem is not None
    assert results[ONE].problem.advice
    assert results[TWO].pool.budgets


def test_the_roll_up_of_all_ids_splits_back(detected: Sandbox):
    pools = [result.pool for result in refresh()]
    whole = roll_up(pools)
    assert len(whole.parts) == 3
    assert whole.sums.total == sum(part.total for part in whole.parts.values() if part.total)
    assert roll_up([*pools, *pools]).sums == whole.sums


def test_the_history_is_saved_after_a_scheduled_sync_once_if_switched_on(detected: Sandbox):
    assert save_after_scheduled_sync() is None, "it is off at first"
    switch_saving(on=True)
    assert not request_due_runs(timezone.now()), "syncs that ended before are not made up for"

    run = save_after_scheduled_sync()
    assert run is not None
    assert CareManagementSave.objects.count() == 3 * 3, "three ids, this quarter and the two just ended"
    assert set(CareManagementSave.objects.values_list("is_by_schedule", flat=True)) == {True}
    assert not Preview.objects.exists(), "nobody is asked to look"
    assert not request_due_runs(timezone.now()), "one save per sync"
    assert find_last_saving() == run


def test_a_save_that_failed_says_why_and_can_be_tried_again(detected: Sandbox):
    switch_saving(on=True)
    for provider_id in (ONE, TWO, "4049000003"):
        detected.ask("POST", f"/service-providers/{provider_id}/refuse")
    run = save_after_scheduled_sync()
    assert run is not None
    assert not CareManagementSave.objects.exists()
    assert list_problems(run)
    assert run.items.filter(outcome=RunItem.Outcome.FAILED).count() == 3


def test_what_was_shown_is_saved_once_and_within_the_hour(detected: Sandbox):
    run = refresh_pools_now(ONE)
    assert len(save_refreshed(run)) == 3
    with pytest.raises(NotSavable):
        save_refreshed(run)
    late = refresh_pools_now(ONE)
    late.items.update(finished_at=timezone.now() - timedelta(hours=1, minutes=1))
    assert find_shown_refresh(ONE) is None
    with pytest.raises(NotSavable):
        save_refreshed(late)


def test_saving_asks_nobody_again_and_a_newer_refresh_removes_what_is_outdated(detected: Sandbox):
    run = refresh_pools_now()
    detected.ask("DELETE", "/journal")
    save_refreshed(run)
    assert detected.ask("GET", "/journal")["requests"] == []
    run.items.update(finished_at=timezone.now() - timedelta(hours=2))
    refresh_pools_now(ONE)
    assert Preview.objects.count() == 1
