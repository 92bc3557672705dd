"""`carefund interfaces try`: each reading operation asked once, a report without a value, and no record."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from carefund.access.audit_log import list_acts
from carefund.funders.dialect import Dialect
from carefund.funders.interfaces.observed_members import walk
from carefund.funders.services_australia.expected_answers import OPERATIONS
from carefund.records.models import TriedAnswer
from carefund.records.trials import list_kept_answers
from sandbox.dialect_file import read_dialect
from tests.cli.one_person.conftest import Terminal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
PERSON = "400000003"


def speak(settings: Any, **dialect: Any) -> None:
    """Give this installation an interfaces file that the sandbox does not speak."""
    known = django_settings.SERVICES_AUSTRALIA
    interfaces = replace(known.interfaces, dialect=Dialect(**dialect))
    settings.SERVICES_AUSTRALIA = replace(known, interfaces=interfaces)


def test_each_reading_operation_is_asked_once_and_nothing_is_recorded(terminal: Terminal):
    before = {name: rows for name, rows in terminal.records().items() if "Answer" not in name and "Payload" not in name}
    done = terminal.type("interfaces", "try", PERSON, "--json")
    assert done.status == 0, done.err
    report = done.data
    reading = [operation for operation, asked in OPERATIONS.items() if asked.method == "GET"]
    assert sorted(call["operation"] for call in report["calls"]) == sorted(reading)
    answered = [call for call in report["calls"] if not call["problem"] and call["rows"] != 0]
    assert {"care_recipient_summary", "budget_details", "budget_summary", "account_summary"} <= {
        call["operation"] for call in answered
    }
    assert all(call["milliseconds"] > 0 for call in answered)
    assert (report["undecoded"], report["lines"], report["unknown_codes"]) == ([], [], [])
    after = terminal.records()
    assert {name: after[name] for name in before} == before
    assert TriedAnswer.objects.count() >= len(answered)
    assert list_acts()[0].act == "Interfaces tried"
    assert PERSON not in done.out

    again = terminal.type("interfaces", "try", PERSON)
    assert "Nothing to change in the interfaces file." in again.out
    assert TriedAnswer.objects.count() >= len(answered)
    assert len(set(TriedAnswer.objects.values_list("operation", flat=True))) == TriedAnswer.objects.count()


def test_the_report_names_the_line_to_change_and_no_value(terminal: Terminal, settings: Any):
    speak(
        settings,
        members=(
            ("BudgetPeriod.start_date", "begins"),
            ("Budget.used", "spent"),
            ("CareRecipientSummary.gender", "sex"),
        ),
        date_format="dd/MM/yyyy",
        turned=("Budget.write_off",),
        codes=(("Budget.status", "OPEN", "CLOSED"), ("Budget.status", "CLOSED", "OPEN")),
    )
    done = terminal.type("interfaces", "try", PERSON, "--json")
    assert done.status == 0, done.err
    report = done.data
    assert {"Budget.used", "BudgetDetails.used"} & set(report["unknown_members"])
    lines = [line["line"] for line in report["lines"]]
    assert '[services-australia.members.Budget] used = "used"' in lines
    assert '[services-australia.members.BudgetPeriod] start_date = "startDate"' in lines
    text = terminal.type("interfaces", "try", PERSON).out
    assert "Members that Carefund does not know" in text
    for value in ("Wilma", "1940"):
        assert value not in text + json.dumps(report)


def test_nobody_is_asked_about_a_stranger(terminal: Terminal):
    assert terminal.type("interfaces", "try", "400000001").status == 2
    assert terminal.type("interfaces", "try", "x").status == 2
    terminal.sandbox.fault(operation="budget_details", kind="status", status=500, times=9)
    done = terminal.type("interfaces", "try", PERSON)
    assert done.status == 1
    assert not TriedAnswer.objects.exists()


def test_a_description_without_values_is_written_from_what_was_archived(terminal: Terminal, tmp_path: Path):
    nothing = terminal.type("interfaces", "share")
    assert (nothing.status, "No answers are archived yet." in nothing.err) == (2, True)
    assert terminal.type("interfaces", "try", PERSON).status == 0
    file = tmp_path / "shared.toml"
    assert terminal.type("interfaces", "share", str(file)).status == 0
    text = file.read_text()
    described = tomllib.loads(text)["seen"]
    assert described["Budget"]["members"]["status"]["codes"] == ["CLOSED", "OPEN"]
    assert described["BudgetUsage"]["members"]["amount"]["kinds"] == ["number"]
    archived = [pair for answer in list_kept_answers(50) for pair in walk(json.loads(answer.body))]
    private = ("firstName", "lastName", "careRecipientName", "careRecipientId", "budgetId", "birthDate", "total")
    values = {str(value) for name, value in archived if name in private and len(str(value)) > 4}
    assert PERSON in values
    assert not [value for value in values if value in text]
    again = terminal.type("interfaces", "share", str(file))
    assert (again.status, "exists already" in again.err) == (2, True)
    assert tomllib.loads(terminal.type("interfaces", "share", "--json").data["description"])["seen"] == described
    assert read_dialect(file).present["Budget"] >= {"budgetId", "used", "available"}
