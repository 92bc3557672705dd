"""CONTRIBUTING's recipes for what a funder sends work as they are written, for people synchronised before as well."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.house.recipes import Recipe
from tests.runs.installation import Installation, running_sandbox

PERSON = "400000003"
LISTS = "budgets_by_care_recipient"
PAYLOADS = "src/carefund/funders/services_australia/payloads.py"
MODELS = "src/carefund/records/models/support_at_home.py"
ROWS = "src/sandbox/services_australia/rows.py"


def follow_the_recipe_for_a_field(tree: Path) -> None:
    """Add a field that the funder sends, in the recipe's steps: an amount of a budget, with a second spelling."""
    with Recipe("Add a field that the funder sends", tree) as recipe:
        recipe.insert(PAYLOADS, "    rollover_deduction:", "    reserved:{rest}")
        recipe.insert(PAYLOADS, '        "rollover_deduction": (', '        "reserved": ("reservedAmount",),')
        recipe.insert(MODELS, "    rollover_deduction = money(", "    reserved = money()")
        recipe.make_migrations()
        recipe.insert(ROWS, '        "rolloverDeduction": ', '        "reservedAmount": "12.50",')


def reserved_amounts(installation: Installation) -> set[str]:
    """What is stored of the new field, as the command prints it."""
    known: dict[str, Any] = json.loads(installation.carefund("show", PERSON, "--json"))
    return {str(budget["reserved"]) for budget in known["budgets"]}


@pytest.mark.slow
def test_a_field_added_by_the_recipe_is_stored_compared_told_and_shown(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow_the_recipe_for_a_field(tree)
    monkeypatch.setenv("PYTHONPATH", str(tree))  # for the sandbox as well
    with running_sandbox(5) as sandbox_url:
        installation = Installation(tmp_path / "data", sandbox_url)
        installation.prepare(5)
        installation.carefund("sync", PERSON)
        stored = "SELECT DISTINCT reserved FROM records_planbudget"
        assert [float(amount) for (amount,) in installation.rows(stored)] == [12.5]
        assert reserved_amounts(installation) == {"12.50"}
        assert "Reserved" in installation.carefund("show", PERSON)

        fault = {"kind": "wrong-type", "operation": LISTS, "field": "reservedAmount", "value": "30.00"}
        installation.ask("POST", "/faults", fault)
        told = installation.carefund("sync", PERSON, "--dry-run")
        assert "reserved rose from $12.50 to $30.00." in told
        assert '"outcome": "changed"' in installation.carefund("sync", PERSON, "--json")
        assert [float(amount) for (amount,) in installation.rows(stored)] == [30.0]
        logged = "SELECT DISTINCT field, before, after FROM records_change WHERE field <> ''"
        assert installation.rows(logged) == [("reserved", "12.50", "30.00")]
        assert '"outcome": "unchanged"' in installation.carefund("sync", PERSON, "--json")


@pytest.mark.slow
def test_who_was_synchronised_before_the_field_was_added_gets_it_from_the_archive(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The funder sends it already; the version before does not know it, and the upgrade asks nobody."""
    follow_the_recipe_for_a_field(tree)
    with monkeypatch.context() as sandbox_only:
        sandbox_only.setenv("PYTHONPATH", str(tree))
        sandbox = running_sandbox(5)
        sandbox_url = sandbox.__enter__()
    with contextlib.ExitStack() as stack:
        stack.push(sandbox)
        installation = Installation(tmp_path / "data", sandbox_url)
        installation.prepare(5)
        installation.carefund("sync", PERSON)
        installation.ask("DELETE", "/journal")

        monkeypatch.setenv("PYTHONPATH", str(tree))
        installation.carefund("setup")
        assert '"changed": 1' in installation.carefund("reprocess", "--all", "--dry-run", "--json")
        assert '"changed": 1' in installation.carefund("reprocess", "--all", "--json")
        stored = "SELECT DISTINCT reserved FROM records_planbudget"
        assert [float(amount) for (amount,) in installation.rows(stored)] == [12.5]
        told = "SELECT DISTINCT field, before, after, cause FROM records_change WHERE field = 'reserved'"
        assert installation.rows(told) == [("reserved", None, "12.50", "reading")]
        assert installation.ask("GET", "/journal")["requests"] == []
        assert '"outcome": "unchanged"' in installation.carefund("sync", PERSON, "--json")


REASSESSMENT = '''
class Reassessment(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A new assessment that was asked for."""

    reason: Label = ""
    start_date: date | None = None
    end_date: date | None = None
    outcome: Text = ""


'''
REASSESSMENT_TABLE = '''

class Reassessment(FunderRecord):
    """A new assessment that was asked for."""

    plan = models.ForeignKey(Plan, models.CASCADE, db_index=False, related_name="reassessments")
    reason = models.CharField(max_length=_TEXT, blank=True)
    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)
    outcome = models.CharField(max_length=_TEXT, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("client", "reason", "start_date", "ordinal"), name="reassessment_key")
        ]
'''
REASSESSMENT_ENTRY = """
REASSESSMENTS = RecordSet(
    kind="reassessments",
    label="Reassessments",
    one="reassessment",
    many="reassessments",
    operation=operations.CARE_RECIPIENT_SUMMARY,
    within="reassessments",
    payload=payloads.Reassessment,
    model=Reassessment,
    key=("reason", "start_date"),
    parent="plan_id",
)
"""
TABLES = "src/carefund/records/models/__init__.py"
RECORD_SETS = "src/carefund/sync/care_recipient/recordsets.py"


def follow_the_recipe_for_a_kind_of_record(tree: Path) -> None:
    """Add a kind of record that stands in the care recipient's summary."""
    with Recipe("Add a kind of record", tree) as recipe:
        recipe.insert(PAYLOADS, "Spellings = ", REASSESSMENT)
        recipe.insert(PAYLOADS, "    supplements: tuple", "    reassessments: tuple[Reassessment, ...] = ()")
        recipe.append(MODELS, REASSESSMENT_TABLE)
        recipe.insert(TABLES, "    PlanBudget,", "    Reassessment,")
        recipe.insert(TABLES, '    "ProdaDevice",', '    "Reassessment",')
        recipe.make_migrations()
        recipe.insert(RECORD_SETS, "    PlanBudget,", "    Reassessment,")
        recipe.insert(RECORD_SETS, "    return value.isoformat()", "\n" + REASSESSMENT_ENTRY)
        recipe.insert(RECORD_SETS, "    CLASSIFICATIONS,", "    REASSESSMENTS,")
        sent = '{"reason": "Fall", "startDate": "2026-07-09", "outcome": "Requested"}'
        recipe.insert(ROWS, '        "birthDate": ', f'        "reassessments": [{sent}],')


@pytest.mark.slow
def test_a_kind_of_record_added_by_the_recipe_comes_changes_and_goes(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow_the_recipe_for_a_kind_of_record(tree)
    monkeypatch.setenv("PYTHONPATH", str(tree))
    with running_sandbox(5) as sandbox_url:
        installation = Installation(tmp_path / "data", sandbox_url)
        installation.prepare(5)
        installation.carefund("sync", PERSON)
        stored = "SELECT reason, outcome, no_longer_returned_date IS NULL FROM records_reassessment"
        assert installation.rows(stored) == [("Fall", "Requested", 1)]

        fault = {"kind": "wrong-type", "operation": "care_recipient_summary", "field": "outcome", "value": "Done"}
        installation.ask("POST", "/faults", fault)
        assert "Outcome" in installation.carefund("sync", PERSON, "--dry-run")
        installation.carefund("sync", PERSON)
        assert installation.rows(stored) == [("Fall", "Done", 1)]

        installation.ask("POST", "/faults", fault | {"field": "reassessments", "value": []})
        installation.carefund("sync", PERSON)
        assert installation.rows(stored) == [("Fall", "Done", 0)]
        logged = "SELECT action FROM records_change WHERE kind = 'reassessments' ORDER BY id"
        assert installation.rows(logged) == [("changed",), ("no longer returned",)]  # a first sync is no news
        assert '"outcome": "unchanged"' in installation.carefund("sync", PERSON, "--json")
