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
from carefund.funders.interfaces.file import read_file
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


def restart(settings: Any) -> Dialect:
    """Read the accepted file, as each process does when it starts."""
    interfaces = read_file(settings.ACCEPTED_INTERFACES_FILE)["services-australia"]
    settings.SERVICES_AUSTRALIA = replace(django_settings.SERVICES_AUSTRALIA, interfaces=interfaces)
    return interfaces.dialect


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


def test_the_report_names_the_line_to_change_and_no_value(terminal: Terminal, settings: Any, tmp_path: Path):
    speak(
        settings,
        members=(
            ("BudgetPeriod.start_date", "begins"),
            ("Budget.used", "spent"),
            ("CareRecipientSummary.gender", "sex"),
        ),
        date_format="dd/MM/yyyy",
        turned=("Budget.used",),
        codes=(("Budget.status", "OPEN", "CLOSED"), ("Budget.status", "CLOSED", "OPEN")),
    )
    done = terminal.type("interfaces", "try", PERSON, "--json")
    assert done.status == 0, done.err
    report = done.data
    assert {"Budget.used", "BudgetDetails.used"} & set(report["unknown_members"])
    lines = [line["line"] for line in report["lines"]]
    assert '[services-australia.members.Budget] used = "used"' in lines
    assert '[services-australia.members.BudgetPeriod] start_date = "startDate"' in lines
    settings.ACCEPTED_INTERFACES_FILE = tmp_path / "data" / "interfaces.toml"
    changed = terminal.type("interfaces", "try", PERSON, "--accept-likely")
    assert "Members that Carefund does not know" in changed.out
    assert "Try again, and restart Carefund to use it." in changed.out
    for value in ("Wilma", "1940"):
        assert value not in changed.out + json.dumps(report)
    assert list_acts()[0].act == "Interfaces file changed"

    settings.INTERFACES_FILE = str(settings.ACCEPTED_INTERFACES_FILE)
    found = [restart(settings)]
    assert dict(found[0].members)["Budget.used"] == "used"
    assert found[0].turned == ("Budget.used",), "what is not read has no sign"
    while "was changed" in (again := terminal.type("interfaces", "try", PERSON, "--accept-likely")).out:
        found.append(restart(settings))
        assert len(found) < 4
    assert "Nothing to change in the interfaces file." in again.out
    assert found[-1].turned == ()
    settings.INTERFACES_FILE = "/elsewhere.toml"
    speak(settings, members=(("Budget.used", "spent"),))
    refused = terminal.type("interfaces", "try", PERSON, "--accept-likely")
    assert (refused.status, "names the file in use" in refused.err) == (1, True)


def test_what_the_funder_says_of_a_refusal_is_reported_without_whom(terminal: Terminal):
    said = f"Wilma EXAMPLE ({PERSON}, born 1 May 1940) owes $1,234.50: ask again tomorrow"
    terminal.sandbox.fault(operation="individual_contribution", kind="status", status=400, message=said, times=1)
    done = terminal.type("interfaces", "try", PERSON)
    assert done.status == 0, done.err
    assert "The funder said: … (…, born …) owes …: ask again tomorrow" in done.out
    assert "Not read: individual_contribution" in done.out
    assert "Not everything was read" in done.out
    assert "Nothing to change" not in done.out
    for value in (PERSON, "Wilma", "EXAMPLE", "1940", "234"):
        assert value not in done.out + done.err


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
