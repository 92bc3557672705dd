"""`carefund interfaces check`: from what a funder says of itself to the rows of the plain dialect."""

import json
from pathlib import Path

import pytest
from django.apps import apps

from tests.funders.dialects import ask, save_descriptions, speaking
from tests.installation import Installation

DIALECT = """
format = 1
[services-australia.paths]
care_recipient_summary = "/service/support-at-home/care-recipient/v2/{careRecipientId}/summary"
budget_details = "/service/support-at-home/budgets/v2/{budgetId}"
[services-australia.parameters]
page = "pageNumber"
limit = "pageSize"
[services-australia.members.BudgetPeriod]
budget_id = "BudgetId"
start_date = "periodStart"
[services-australia.members.Budget]
used = "amountSpent"
available = "remainingAmount"
[services-australia.members.BudgetUsage]
amount = "usageAmount"
[services-australia.members.CareRecipientSummary]
birth_date = "date_of_birth"
[services-australia.dates]
format = "dd/MM/yyyy"
[services-australia.signs.Budget]
used = "opposite"
[services-australia.envelopes]
budgets_by_care_recipient = "data.rows"
"""
PERSON = "400000003"
TABLES = ("plan", "classification", "approvedservice", "supplement", "individualcontribution", "planbudget",
          "entitlement", "budgetusage")  # fmt: skip
TODAY = "2026-05-20"


def rows_of(installation: Installation) -> dict[str, list[list[str]]]:
    """What is stored about the person, without our own numbers and times."""
    found = {}
    for table in TABLES:
        columns = [field.column for field in apps.get_model("records", table)._meta.concrete_fields]
        kept = [name for name in columns if name != "id" and not name.endswith(("_at", "version"))]
        listed = installation.rows(f"SELECT {', '.join(kept)} FROM records_{table}")
        found[table] = sorted([str(value) for value in row] for row in listed)
    return found


def register(installation: Installation, url: str) -> None:
    """Activate a device at another sandbox."""
    code = ask(url, "/proda/devices", {"deviceName": "carefund-sandbox-device"})["activationCode"]
    done = installation.type("device", "activate", code, sandbox_url=url)
    assert done.status == 0, done.err


@pytest.mark.slow
def test_three_commands_lead_to_the_rows_of_the_plain_dialect(
    installation: Installation, tmp_path: Path, one_sandbox: object
):
    with speaking(None) as url:
        register(installation, url)
        done = installation.type("sync", PERSON, sandbox_url=url)
        assert done.status == 0, done.err
        plain = rows_of(installation)
    theirs = tmp_path / "theirs.toml"
    theirs.write_text(DIALECT)
    with speaking(theirs) as url:
        register(installation, url)
        files = [str(file) for file in save_descriptions(url, tmp_path)]
        checked = installation.type("interfaces", "check", *files, "--accept-likely", sandbox_url=url)
        assert checked.status == 0, checked.err
        ours = installation.folder / "interfaces.toml"
        assert ours.exists(), checked.out

        again = installation.type("interfaces", "check", *files, sandbox_url=url)
        assert (again.status, "is there already" in again.err) == (2, True)

        ready = installation.type("check", "--json", sandbox_url=url, interfaces_file=str(ours))
        assert ready.data["interfaces_file"] == str(ours)
        # A member came back under another name: everything is compared anew, and nothing differs.
        done = installation.type("sync", PERSON, "--json", sandbox_url=url, interfaces_file=str(ours))
        assert done.status == 0, done.err
        assert rows_of(installation) == plain
        assert plain["planbudget"]
        assert plain["budgetusage"]


def test_a_description_of_something_else_is_refused_and_nothing_is_written(installation: Installation):
    file = installation.folder / "pets.yaml"
    file.write_text(json.dumps({"openapi": "3.0.0", "paths": {"/pets": {"get": {"responses": {}}}}}))
    done = installation.type("interfaces", "check", str(file), "--accept-likely")
    assert done.status == 2
    assert "none of Carefund's operations is described here" in done.err
    assert not (installation.folder / "interfaces.toml").exists()


def test_a_file_with_a_fault_stops_every_command_with_one_sentence(installation: Installation):
    file = installation.folder / "interfaces.toml"
    file.write_text('format = 1\n[services-australia.members.Budget]\nusd = "x"\n')
    done = installation.type("check", interfaces_file=str(file))
    expected = 'interfaces.toml: "Budget.usd" is not a member of an answer. Did you mean "Budget.used"?'
    assert (done.status, done.out, done.err) == (1, "", f"Error: {expected}\n")
