"""CONTRIBUTING's recipes work as they are written: this follows them in a copy of the tree, and uses what comes out."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.house.tree import ROOT
from tests.runs.installation import Installation, running_sandbox

PERSON = "400000003"
LISTS = "budgets_by_care_recipient"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources, to be edited."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "src"


def edit(path: Path, beginning: str, more: str) -> None:
    """Write a line after the first one that begins like this; `{rest}` is how that one goes on."""
    lines = path.read_text().splitlines(keepends=True)
    place = next((number for number, line in enumerate(lines) if line.startswith(beginning)), None)
    assert place is not None, f"{path.name} has no line {beginning!r} any more"
    lines.insert(place + 1, more.format(rest=lines[place].removeprefix(beginning).rstrip("\n")) + "\n")
    path.write_text("".join(lines))


def follow_the_recipe_for_a_field(tree: Path) -> None:
    """Add a field that the funder sends, in the recipe's steps: an amount of a budget, with a second spelling."""
    payloads = tree / "carefund/funders/services_australia/payloads.py"
    edit(payloads, "    rollover_deduction:", "    reserved:{rest}")
    edit(payloads, '        "rollover_deduction": (', '        "reserved": ("reservedAmount",),')
    models = tree / "carefund/records/models/support_at_home.py"
    edit(models, "    rollover_deduction = money(", "    reserved = money()")
    subprocess.run(
        [sys.executable, "-m", "django", "makemigrations", "--settings", "carefund.settings"],
        env=os.environ | {"PYTHONPATH": str(tree)},
        check=True,
        capture_output=True,
    )
    rows = tree / "sandbox/services_australia/rows.py"
    edit(rows, '        "rolloverDeduction": ', '        "reservedAmount": "12.50",')


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
        assert "reserved rose from 12.50 to 30.00." in told
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
        assert '"changed": 1' in installation.carefund("replay", "--all", "--dry-run", "--json")
        assert '"changed": 1' in installation.carefund("replay", "--all", "--json")
        stored = "SELECT DISTINCT reserved FROM records_planbudget"
        assert [float(amount) for (amount,) in installation.rows(stored)] == [12.5]
        told = "SELECT DISTINCT field, before, after, cause FROM records_change WHERE field = 'reserved'"
        assert installation.rows(told) == [("reserved", None, "12.50", "reading")]
        assert installation.ask("GET", "/journal")["requests"] == []
        assert '"outcome": "unchanged"' in installation.carefund("sync", PERSON, "--json")
