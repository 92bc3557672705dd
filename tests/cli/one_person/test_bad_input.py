"""Whatever goes wrong: one clear message with advice, an exit status, an entry in the ledger, and nothing half-written.

Each outcome is described in docs/errors.md.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from carefund.records.models import Client, Plan
from tests.cli.one_person.conftest import Terminal
from tests.conftest import DEVICE

pytestmark = pytest.mark.django_db(transaction=True)

SUMMARY, BUDGETS, DETAILS = "care_recipient_summary", "budgets_by_care_recipient", "budget_details"


@pytest.mark.parametrize("typed", ["", "   ", "not an id!", "4000000031234567890123", "40000/0003", "name@example.org"])
def test_a_malformed_id_is_wrong_input(terminal: Terminal, typed: str):
    done = terminal.type("sync", typed)
    assert done.status == 2
    assert "not a Care Recipient ID" in done.err
    assert terminal.last_item() is None


def test_an_id_that_nobody_here_has_is_wrong_input(terminal: Terminal):
    done = terminal.type("sync", "400009999")
    assert done.status == 2
    assert "No client has" in done.err
    assert "carefund clients add" in done.err


def test_a_malformed_id_cannot_be_added(terminal: Terminal):
    done = terminal.type("clients", "add", "not an id!", "Wilma", "Example")
    assert done.status == 2
    assert Client.objects.count() == 1


def test_an_id_that_is_here_already_cannot_be_added_again(terminal: Terminal):
    done = terminal.type("clients", "add", "400000003", "Other", "Example")
    assert (done.status, "has this Care Recipient ID" in done.err.replace("\n", " ")) == (2, True)


@pytest.mark.parametrize(
    ("fault", "code", "timing"),
    [
        ({"kind": "truncate", "operation": BUDGETS}, "incomplete", {}),
        ({"kind": "not-json", "operation": DETAILS}, "not-json", {}),
        ({"kind": "blank", "operation": SUMMARY}, "not-json", {}),
        ({"kind": "html", "operation": BUDGETS, "status": 200}, "not-json", {}),
        ({"kind": "wrong-type", "operation": BUDGETS, "field": "total"}, "wrong-type", {}),
        ({"kind": "wrong-type", "operation": SUMMARY, "field": "startDate", "value": "soon"}, "wrong-type", {}),
        ({"kind": "removed-field", "operation": BUDGETS, "field": "budgetId"}, "wrong-type", {}),
        ({"kind": "status", "operation": SUMMARY, "status": 400}, "request-rejected", {}),
        ({"kind": "status", "operation": SUMMARY, "status": 401}, "not-authenticated", {}),
        ({"kind": "status", "operation": SUMMARY, "status": 403}, "not-permitted", {}),
        ({"kind": "status", "operation": SUMMARY, "status": 404}, "wrong-address", {}),
        ({"kind": "html", "operation": SUMMARY, "status": 404}, "wrong-address", {}),
        ({"kind": "status", "operation": BUDGETS, "status": 429, "retryAfter": "1"}, "throttled", {}),
        ({"kind": "status", "operation": DETAILS, "status": 500}, "out-of-service", {}),
        ({"kind": "status", "operation": DETAILS, "status": 503}, "out-of-service", {}),
        ({"kind": "drop", "operation": BUDGETS}, "connection-failed", {}),
        ({"kind": "hang", "operation": DETAILS}, "timed-out", {"timeout_seconds": 1.0}),
    ],
    ids=lambda value: (
        f"{value['kind']}-{value.get('status', '')}-{value['operation']}"
        if isinstance(value, dict) and "kind" in value
        else None
    ),
)
def test_a_failing_call_fails_the_person_and_changes_nothing(
    terminal: Terminal, fault: dict[str, Any], code: str, timing: dict[str, float]
):
    assert terminal.type("sync", "400000003").status == 0
    terminal.sandbox.change("400000003", "add-usage", amount="-9.00")
    before = terminal.records()
    terminal.sandbox.fault(**fault)
    terminal.configure(**timing)
    done = terminal.type("sync", "400000003")
    assert done.status == 1
    assert terminal.records() == before
    item = terminal.last_item()
    assert item is not None
    assert (item.status, item.outcome, item.error_code) == ("done", "failed", code)
    assert item.failed_step == fault["operation"].replace("_", " ")
    assert item.message in done.err
    assert item.advice in done.err
    assert "400000003" not in done.err
    assert "Traceback" not in done.err + done.out
    terminal.sandbox.ask("DELETE", "/faults")
    assert terminal.type("sync", "400000003").status == 0


def test_an_id_that_the_funder_does_not_know_fails_and_keeps_what_was_known(terminal: Terminal):
    terminal.type("sync", "400000003")
    before = terminal.records()
    terminal.sandbox.change("400000003", "known", known=False)
    done = terminal.type("sync", "400000003", "--json")
    assert done.status == 1
    assert done.data["error_code"] == "not-found"
    assert done.data["advice"]
    assert terminal.records() == before


def test_a_wrong_type_names_the_field_and_never_the_value(terminal: Terminal):
    fault = {"kind": "wrong-type", "operation": BUDGETS, "field": "endDate", "value": "Wilma was here"}
    terminal.sandbox.fault(**fault)
    done = terminal.type("sync", "400000003")
    assert "endDate" in done.err
    assert "Wilma" not in done.err + done.out + terminal.last_item().message


def test_a_refused_connection_says_what_to_look_at(terminal: Terminal):
    before = terminal.records()
    terminal.configure(sandbox_url="http://127.0.0.1:9")
    done = terminal.type("sync", "400000003")
    assert done.status == 1
    assert terminal.last_item().error_code == "connection-failed"
    assert "network" in done.err
    assert terminal.records() == before


@pytest.fixture
def proda(terminal: Terminal) -> Iterator[Any]:
    """PRODA, to be set wrong for a while; a device is registered anew for each test."""
    yield terminal.sandbox
    terminal.sandbox.ask("POST", "/clock", {"prodaSkewSeconds": 0})


def test_an_expired_key_says_to_activate_the_device_again(terminal: Terminal, proda: Any):
    proda.ask("POST", f"/proda/devices/{DEVICE}", {"keyExpiresIn": -60})
    done = terminal.type("sync", "400000003")
    assert done.status == 1
    assert "carefund device activate" in done.err or "carefund check" in done.err
    assert terminal.last_item().outcome == "failed"
    assert not Plan.objects.exists()


def test_a_clock_that_is_wrong_is_called_that(terminal: Terminal, proda: Any):
    proda.ask("POST", "/clock", {"prodaSkewSeconds": 3600})
    done = terminal.type("sync", "400000003")
    assert done.status == 1
    assert terminal.last_item().error_code == "clock-skewed"
    assert "clock" in done.err
    assert terminal.type("check").status == 1
