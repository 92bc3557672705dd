"""The change log of an earlier version comes up with keys: rows as they were stored before records 0007."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from tests.runs.conftest import another_database

BEFORE = [("records", "0006_invoice_by_service_provider"), ("runs", "0006_one_holder")]
AFTER = [("records", "0007_keys_of_changes"), ("runs", "0007_keys_in_previews")]
NOW = datetime(2026, 11, 20, tzinfo=UTC)
LONG = "Assistance with everything that anybody could ever want " * 4

# Kind, the text of old, and the key that it becomes.
TEXTS = [
    ("client", "", []),
    ("plan", "Support at Home", ["Support at Home"]),
    ("classifications", "Home support · ON · 5 · 2026-07-01", ["Home support", "ON", "5", "2026-07-01"]),
    ("classifications", "Restorative · RC · 2026-07-01", ["Restorative", "RC", "", "2026-07-01"]),
    ("approved_services", 'G "1" · T\\2 · S-3 · 2026-07-01', ['G "1"', "T\\2", "S-3", "2026-07-01"]),
    ("supplements", "OXY_NORM · 2026-01-01", ["OXY_NORM", "2026-01-01"]),
    ("supplements", "OXY_NORM", ["OXY_NORM", None]),
    ("individual_contributions", "4049000001 · NAPS1 · 2026-07-01", ["4049000001", "NAPS1", "2026-07-01"]),
    ("individual_contributions", "4049000001 · 2026-07-01", ["4049000001", "", "2026-07-01"]),
    ("budgets", "9000001", ["9000001"]),
    ("entitlements", "9000001 · LVL5 · 2026-07-01 · 2026-09-30", ["9000001", "LVL5", "2026-07-01", "2026-09-30"]),
    ("entitlements", "9000001 · LVL5 · 2026-07-01", ["9000001", "LVL5", "2026-07-01", None]),
    ("budget_usage", "9000001 · 200001 · 1", ["9000001", "200001", "1"]),
    ("budget_usage", "9000001 · 7", ["9000001", "", "7"]),  # as the record that is still stored says
    ("budget_usage", "9000001 · 8", ["9000001", "8", ""]),  # nothing says which it is
    ("budget_usage", "9000001", ["9000001", "", ""]),
    ("approved_services", f"{LONG} · T · S · 2026"[:200], [LONG, "T", "S", "2026-07-01"]),
    ("service_contract", "PACE plan from 2026-07-01", ["2026-07-01"]),
    ("service_contract_budget", "Daily, and more, PACE plan from 2026-07-01", ["2026-07-01", "Daily, and more"]),
    ("funding_period", "Daily from 2026-10-01, PACE plan from 2026-07-01", ["2026-07-01", "Daily", "2026-10-01"]),
    ("delivered_service", "Daily, PACE plan from 2026-07-01", ["2026-07-01", "Daily"]),
    ("service_contract_budget", f"{LONG}, PACE plan"[:200], [None, f"{LONG}, PACE plan"[:200]]),
    ("kind_of_another_day", "A · B", ["A · B"]),
]


@pytest.fixture
def old(tmp_path: Path, django_db_blocker: Any, settings: Any) -> Iterator[None]:
    """An empty database of one's own, in the place of the tests'."""
    with django_db_blocker.unblock():
        if settings.ON_POSTGRESQL:
            with another_database("carefund_old") as url, connected(url.rsplit("/", 1)[-1]):
                yield
        else:
            with connected(str(tmp_path / "old.sqlite3")):
                yield


@contextmanager
def connected(name: str) -> Iterator[None]:
    usual = connections["default"]
    connections["default"] = usual.copy()
    connections["default"].settings_dict["NAME"] = name
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = usual


def migrate(targets: list[tuple[str, str]]) -> Any:
    """Bring the database to this state; gives the models of then."""
    executor = MigrationExecutor(connections["default"])
    executor.migrate(targets)
    return MigrationExecutor(connections["default"]).loader.project_state(targets).apps


def store_old_rows(apps: Any) -> None:
    """The change log of one client, a preview that was not applied yet, and two records that texts tell of in part."""

    def create(app: str, name: str, **values: Any) -> Any:
        return apps.get_model(app, name).objects.create(**values)

    client = create("records", "Client", first_name="Iris", last_name="Bell")
    plan = create("records", "Plan", client=client)
    here = {"client": client, "changed_at": NOW}
    budget = create("records", "PlanBudget", **here, plan=plan, budget_id="9000001")
    create("records", "BudgetUsage", **here, plan_budget=budget, invoice_id="", item_id="7")
    create(
        "records", "ApprovedService", **here, plan=plan, service_group_id=LONG, service_type_id="T", service_id="S",
        start_date=date(2026, 7, 1),
    )  # fmt: skip
    for kind, text, _ in TEXTS:
        create("records", "Change", client=client, kind=kind, action="changed", record=text, fetched_at=NOW)
    last = create("records", "Change", client=client, kind="plan", action="changed", record="gone", fetched_at=NOW)
    last.delete()
    run = create("runs", "Run", trigger="on demand", scope="preview of one client", is_preview=True)
    item = create("runs", "RunItem", run=run, client=client)
    shown = [{"kind": kind, "action": "changed", "record": text, "field": "", "before": None, "after": None}
             for kind, text, _ in TEXTS]  # fmt: skip
    create("runs", "Preview", item=item, version=1, changes=shown, fetch=b"")


@pytest.mark.slow
def test_the_texts_of_old_rows_become_keys_and_could_go_back(old: None) -> None:
    store_old_rows(migrate(BEFORE))
    apps = migrate(AFTER)
    log = apps.get_model("records", "Change").objects.order_by("id")
    assert [list(row) for row in log.values_list("kind", "key")] == [[kind, key] for kind, _, key in TEXTS]
    [preview] = apps.get_model("runs", "Preview").objects.all()
    assert [(change["kind"], change["key"]) for change in preview.changes] == [(kind, key) for kind, _, key in TEXTS]
    assert "record" not in preview.changes[0]

    client_id = log[0].client_id
    added = log.create(client_id=client_id, kind="plan", action="changed", key=["x"], fetched_at=NOW)
    assert added.pk == len(TEXTS) + 2, "a number of the log is never given twice, not even that of a row that is gone"
    added.delete()

    before = migrate(BEFORE)
    texts = before.get_model("records", "Change").objects.order_by("id").values_list("kind", "record")
    assert list(texts) == [(kind, text) for kind, text, _ in TEXTS]
