"""The set-based writer: what goes in comes out, whatever the text, few rows or many, on either database."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import cycle, islice

import pytest
from django.db import transaction

from carefund.records import synced_tables
from carefund.records.models import Client, Plan, PlanBudget, SyncState

NOW = datetime(2026, 11, 20, 3, 4, 5, 678901, tzinfo=UTC)
AWKWARD = ("tab\tand\nline", "back\\slash \\N", "quote ' and \"", "comma, {brace}", "NULL", "ünï ✓", "")
TEXTS = ("service_provider_id", "budget_type_code", "status", "created_at_date_time", "updated_at_date_time")
COLUMNS = ("client_id", "plan_id", "ordinal", "changed_at", "budget_id", "budget_type", "end_date", "total", *TEXTS)


@pytest.fixture
def plan(db: None) -> Plan:
    client = Client.objects.create(first_name="Wilma", last_name="Example")
    return Plan.objects.create(client=client)


@pytest.mark.parametrize("number", [1, 30])
def test_what_is_inserted_and_updated_is_what_is_read(plan: Plan, number: int) -> None:
    rows = [
        (plan.client_id, plan.pk, 0, NOW, f"B{n}", text, date(2026, 1, 31), Decimal(n) / 4, *[""] * len(TEXTS))
        for n, text in enumerate(islice(cycle(AWKWARD), number))
    ]
    synced_tables.insert(PlanBudget, COLUMNS, rows)
    assert list(PlanBudget.objects.order_by("id").values_list(*COLUMNS)) == rows
    updates = [
        (AWKWARD[-1 - n % len(AWKWARD)], None, Decimal("-0.05"), NOW, row_id)
        for n, row_id in enumerate(PlanBudget.objects.order_by("id").values_list("id", flat=True))
    ]
    changed = ("budget_type", "end_date", "total", "changed_at")
    synced_tables.update(PlanBudget, changed, updates)
    assert list(PlanBudget.objects.order_by("id").values_list(*changed, "id")) == updates


@pytest.mark.parametrize("number", [1, 30])
def test_json_is_written_and_updated(db: None, number: int) -> None:
    clients = Client.objects.bulk_create([Client(first_name="Wilma", last_name=f"Example {n}") for n in range(number)])
    texts = ("outcome", "error_code", "failed_step", "reader")
    columns = (
        "client_id",
        "version",
        "wrong_figures",
        "consent_missing",
        "digests",
        "row_counts",
        "unanswered",
        *texts,
    )
    synced_tables.insert_new(
        SyncState, columns, [(client.pk, 0, 0, False, {"a": 'x"\\'}, {}, {}, "", "", "", "") for client in clients]
    )
    synced_tables.insert_new(SyncState, columns, [(clients[0].pk, 7, 0, True, {}, {}, {}, "", "", "", "")])
    assert set(SyncState.objects.values_list("version", flat=True)) == {0}
    counts = {"budgets": {"budgets": 3}}
    synced_tables.update(SyncState, ("row_counts", "checked_at"), [(counts, NOW, client.pk) for client in clients])
    states = list(SyncState.objects.all())
    assert [(state.digests, state.row_counts, state.checked_at) for state in states] == [
        ({"a": 'x"\\'}, counts, NOW)
    ] * number


def test_what_is_read_has_the_types_of_the_fields_and_follows_to_the_parent(plan: Plan) -> None:
    rows = [(plan.client_id, plan.pk, n, NOW, "B1", "", None, Decimal("0.10") * n, *[""] * len(TEXTS)) for n in (1, 2)]
    synced_tables.insert(PlanBudget, COLUMNS, rows)
    columns = ("plan__type", "plan__client_id", "total", "changed_at", "end_date", "ordinal")
    found = synced_tables.read(PlanBudget, columns, "client_id", [plan.client_id, plan.client_id + 1])
    assert sorted(found, key=lambda row: row[-1]) == [
        (Plan.SUPPORT_AT_HOME, plan.client_id, Decimal(f"0.{n}0"), NOW, None, n) for n in (1, 2)
    ]
    assert [str(total) for _, _, total, *_ in sorted(found, key=lambda row: row[-1])] == ["0.10", "0.20"]
    assert synced_tables.read(PlanBudget, columns, "client_id", []) == []


def test_reading_can_ask_for_more_and_lock_in_the_order_of_the_key(plan: Plan) -> None:
    other = Plan.objects.create(client=plan.client, type="NDIS")
    with transaction.atomic():
        both = synced_tables.read(Plan, ("id", "is_latest"), "client_id", [plan.client_id], lock=True)
        one = synced_tables.read(Plan, ("id",), "client_id", [plan.client_id], also={"type": "NDIS"}, lock=True)
    assert both == [(plan.pk, True), (other.pk, True)]
    assert one == [(other.pk,)]


@pytest.mark.parametrize("amount", ["0.01", "-0.05", "99999999999.99", "-123456789012.34", "100.00", "1.10"])
def test_money_is_read_to_the_cent(plan: Plan, amount: str) -> None:
    synced_tables.insert(
        PlanBudget, COLUMNS, [(plan.client_id, plan.pk, 0, NOW, "B", "", None, Decimal(amount), *[""] * 5)]
    )
    assert synced_tables.read(PlanBudget, ("total",), "client_id", [plan.client_id]) == [(Decimal(amount),)]
