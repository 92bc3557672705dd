"""Sync Service Providers: ids found with few calls, clients updated, ids that come, go, or are no ids."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from carefund.funders.errors.outages import OutOfService
from carefund.records.care_management.store import list_detected_providers
from carefund.records.models import (
    CareManagementSave,
    Change,
    Client,
    ServiceProvider,
)
from carefund.runs import ledger
from carefund.runs.foreground import WorkFailed, sync_service_providers
from carefund.runs.models import RunItem
from carefund.runs.service_providers import request_provider_search, result_of
from tests.conftest import Sandbox, table_rows

AddClient = Callable[..., Client]


def provider_ids() -> list[str]:
    return [row.service_provider_id for row in list_detected_providers()]


def counted(sandbox: Sandbox, operation: str) -> int:
    return len(sandbox.ask("GET", f"/journal?operation={operation}&limit=1000")["requests"])


def test_ids_are_found_without_knowing_any_and_each_client_gets_theirs(world: Sandbox, add_client: AddClient):
    clients = [add_client(f"4000000{number:02}") for number in (1, 2, 3, 5, 7, 9)]

    result = sync_service_providers()

    assert result.service_provider_ids == ("4049000001", "4049000002", "4049000003")
    assert result.changes.new == result.service_provider_ids
    assert provider_ids() == list(result.service_provider_ids)
    assert result.clients_updated == len(clients)
    for client in clients:
        client.refresh_from_db()
        assert client.service_provider_id in result.service_provider_ids
    assert Change.objects.filter(field="service_provider_id").count() == len(clients)


def test_running_it_again_changes_nothing(world: Sandbox, add_client: AddClient):
    add_client("400000001")
    sync_service_providers()
    before = table_rows(Client, Change)

    again = sync_service_providers()

    assert table_rows(Client, Change) == before
    assert (again.clients_updated, again.changes.new, again.changes.no_longer_returned) == (0, (), ())


def test_where_ids_are_known_calls_grow_with_ids_not_with_clients(world: Sandbox, add_client: AddClient):
    world.begin_anew(careRecipients=400)
    for number in range(61, 361):
        if number % 40 not in (11, 23):
            add_client(str(400_000_000 + number))

    first = sync_service_providers()
    world.ask("DELETE", "/journal")
    second = sync_service_providers()

    assert first.clients_with_id >= Client.objects.count()
    assert first.calls <= 3 + 4 + 16
    assert second.calls == 3
    assert counted(world, "budgets_by_care_recipient") == 0


def test_a_client_with_several_ids_over_time_gets_the_newest_and_all_are_tabs(world: Sandbox, add_client: AddClient):
    mover = add_client("400000003")
    add_client("400000006")
    sync_service_providers()
    mover.refresh_from_db()
    old = mover.service_provider_id

    world.change("400000003", "service-provider", serviceProviderId="4049000009", serviceNapsId="19999")
    sync_service_providers()

    mover.refresh_from_db()
    assert mover.service_provider_id == "4049000009" != old
    assert "4049000009" in provider_ids()
    change = Change.objects.filter(client=mover, field="service_provider_id").latest("id")
    assert (change.before, change.after) == (old, "4049000009")


def test_an_id_that_disappears_is_marked_and_kept_and_comes_back(world: Sandbox, add_client: AddClient):
    add_client("400000003")
    world.change("400000003", "service-provider", serviceProviderId="4049000009")
    sync_service_providers()
    world.ask("DELETE", "/care-recipients/400000003")

    result = sync_service_providers()

    assert result.changes.no_longer_returned == ("4049000009",)
    assert ServiceProvider.objects.get(service_provider_id="4049000009").no_longer_returned_date is not None
    assert "4049000009" in provider_ids()

    world.change("400000003", "service-provider", serviceProviderId="4049000009")
    assert sync_service_providers().changes.returned_again == ("4049000009",)
    assert ServiceProvider.objects.get(service_provider_id="4049000009").no_longer_returned_date is None


def test_a_look_that_was_not_complete_marks_no_id_as_gone(world: Sandbox, add_client: AddClient):
    add_client("400000003")
    add_client("400000022")  # known to nobody, so asked about by person
    world.change("400000003", "service-provider", serviceProviderId="4049000009")
    sync_service_providers()
    world.ask("DELETE", "/care-recipients/400000003")
    world.fault(operation="budgets_by_care_recipient", subject="400000022", kind="status", status=403, times=10)

    result = sync_service_providers()

    assert result.failed == 1
    assert result.changes.no_longer_returned == ()


def test_people_under_a_refused_id_are_asked_about_one_by_one(world: Sandbox, add_client: AddClient):
    client = add_client("400000003")
    world.change("400000003", "service-provider", serviceProviderId="4049000009")
    world.ask("POST", "/service-providers/4049000009/refuse")

    result = sync_service_providers()

    client.refresh_from_db()
    assert result.refused_ids == ("4049000009",)
    assert client.service_provider_id == "4049000009"
    assert "4049000009" in provider_ids()


def test_a_budget_that_cannot_be_read_concerns_nobody_but_its_person(world: Sandbox, add_client: AddClient):
    clients = [add_client(f"4000000{number:02}") for number in (1, 2, 3, 5)]
    world.change("400000002", "add-usage", amount="-10000000000000.00")

    result = sync_service_providers()

    assert (result.failed, result.refused_ids, result.clients_updated) == (1, (), 3)
    assert [client.care_recipient_id for client in clients if not of_known_provider(client)] == ["400000002"]


def test_a_budget_that_cannot_be_read_asks_nobody_else_alone(world: Sandbox, add_client: AddClient):
    for number in range(1, 20, 2):
        add_client(f"4000000{number:02}")
    sync_service_providers()
    before = counted(world, "budgets_by_care_recipient")
    world.change("400000003", "add-usage", amount="-10000000000000.00")

    result = sync_service_providers()

    assert result.failed == 1
    assert counted(world, "budgets_by_care_recipient") == before + 1


def of_known_provider(client: Client) -> bool:
    client.refresh_from_db()
    return client.service_provider_id in provider_ids()


def test_a_malformed_id_is_counted_and_never_stored(world: Sandbox, add_client: AddClient):
    client = add_client("400000003")
    world.change("400000003", "service-provider", serviceProviderId="not an id!")

    result = sync_service_providers()

    client.refresh_from_db()
    assert result.malformed > 0
    assert client.service_provider_id == ""
    assert provider_ids() == []


def test_nobody_known_finds_nothing_and_stores_nothing(world: Sandbox, add_client: AddClient):
    add_client("400000022")  # the funder knows nobody by this id
    result = sync_service_providers()
    assert result.service_provider_ids == ()
    assert provider_ids() == []
    assert not CareManagementSave.objects.exists()


def test_a_newer_fetch_of_one_client_is_not_overwritten(
    world: Sandbox, add_client: AddClient, synchronise: Callable[[Client], object]
):
    client = add_client("400000003")
    synchronise(client)
    client.refresh_from_db()
    assert client.service_provider_id, "the care recipient sync captures the id too"
    before = client.service_provider_id

    assert sync_service_providers().clients_updated == 0
    client.refresh_from_db()
    assert client.service_provider_id == before


def test_one_is_under_way_at_a_time_and_its_result_is_kept(world: Sandbox, add_client: AddClient):
    add_client("400000001")
    asked = request_provider_search()
    assert request_provider_search() == asked
    told: list[RunItem] = []
    result = sync_service_providers(told.append)
    asked.refresh_from_db()
    item = asked.items.get()
    assert (asked.status, item.status, item.outcome, item.steps) == ("finished", "done", "changed", 1)
    assert result_of(item) == result
    assert {told_item.pk for told_item in told} == {item.pk}
    assert request_provider_search() != asked


def test_who_comes_later_waits_for_the_process_that_is_at_it(world: Sandbox, add_client: AddClient):
    add_client("400000001")
    run = request_provider_search()
    [claimed] = ledger.claim_items(run.pk, "another process", 1)
    told: list[RunItem] = []

    def fail_soon() -> None:
        ledger.record_failures("another process", [ledger.failure_of(claimed, OutOfService("It did not answer."))])
        ledger.finish_run_if_done(run.pk)
        connection.close()

    threading.Timer(0.5, fail_soon).start()
    with pytest.raises(WorkFailed, match="did not answer"):
        sync_service_providers(told.append)
    assert told
    assert counted(world, "budgets_by_care_recipient") == 0


def test_the_search_of_a_dead_process_is_taken_over(world: Sandbox, add_client: AddClient):
    add_client("400000001")
    run = request_provider_search()
    assert ledger.claim_items(run.pk, "a dead process", 1)
    assert ledger.claim_items(run.pk, "another one", 1) == []
    RunItem.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert sync_service_providers().clients_with_id == 1
    assert run.items.get().status == "done"


def test_a_funder_that_is_down_ends_it_with_the_reason(world: Sandbox, add_client: AddClient):
    add_client("400000001")
    world.fault(kind="status", status=503, operation="*")
    with pytest.raises(WorkFailed) as raised:
        sync_service_providers()
    item = RunItem.objects.get()
    assert (item.outcome, item.message) == ("failed", raised.value.message)
    assert item.advice
    assert provider_ids() == []
