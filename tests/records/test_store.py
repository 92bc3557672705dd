"""The set-based writer: what goes in comes out, whatever the text, few rows or many, on either database."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import cycle, islice

import pytest

from carefund.records import store
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
    store.insert(PlanBudget, COLUMNS, rows)
    assert list(PlanBudget.objects.order_by("id").values_list(*COLUMNS)) == rows
    updates = [
        (AWKWARD[-1 - n % len(AWKWARD)], None, Decimal("-0.05"), NOW, row_id)
        for n, row_id in enumerate(PlanBudget.objects.order_by("id").values_list("id", flat=True))
    ]
    changed = ("budget_type", "end_date", "total", "changed_at")
    store.update(PlanBudget, changed, updates)
    assert list(PlanBudget.objects.order_by("id").values_list(*changed, "id")) == updates


@pytest.mark.parametrize("number", [1, 30])
def test_json_is_written_and_updated(db: None, number: int) -> None:
    clients = Client.objects.bulk_create([Client(first_name="Wilma", last_name=f"Example {n}") for n in range(number)])
    texts = ("outcome", "error_code", "failed_step")
    columns = ("client_id", "version", "consent_missing", "digests", "row_counts", *texts)
    store.insert_unless_known(
        SyncState, columns, [(client.pk, 0, False, {"a": 'x"\\'}, {}, "", "", "") for client in clients]
    )
    store.insert_unless_known(SyncState, columns, [(clients[0].pk, 7, True, {}, {}, "", "", "")])
    assert set(SyncState.objects.values_list("version", flat=True)) == {0}
    counts = {"budgets": {"budgets": 3}}
    store.update(SyncState, ("row_counts", "checked_at"), [(counts, NOW, client.pk) for client in clients])
    states = list(SyncState.objects.all())
    assert [(state.digests, state.row_counts, state.checked_at) for state in states] == [
        ({"a": 'x"\\'}, counts, NOW)
    ] * number
