"""The terminal does what the pages do: find the ids, refresh, save, history, each with --json."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from carefund.cli.main import app
from carefund.records.models import CareManagementSave, Client
from tests.conftest import Sandbox

ONE = "4049000001"


def run(*words: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == status, result.output
    return result.output


def run_json(*words: str, status: int = 0) -> Any:
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


@pytest.fixture
def detected(world: Sandbox, add_client: Callable[..., Client]) -> Sandbox:
    for number in (1, 2, 3):
        add_client(str(400_000_000 + number))
    run("providers", "sync")
    return world


def test_no_valid_id_yet_is_wrong_input_with_what_to_do(world: Sandbox):
    assert "Sync Service Providers" in run("care-management", "refresh", status=2)


def test_find_refresh_save_and_history_as_json(detected: Sandbox):
    found = run_json("providers", "sync")
    assert found["service_provider_ids"] == [ONE, "4049000002", "4049000003"]
    assert found["clients_with_id"] >= 3

    shown = run_json("care-management", "refresh", ONE)
    assert [row["budget_type_code"] for row in shown["results"][0]["budgets"]] == ["CM"]
    assert not CareManagementSave.objects.exists()

    run_json("care-management", "refresh", ONE, "--save")
    detected.ask("POST", f"/service-providers/{ONE}/use", {"amount": 40})
    run_json("care-management", "refresh", ONE, "--save")
    history = run_json("care-management", "history", ONE)
    assert [len(save["changes"]) for save in history] == [0, 0, 0, 1], "two ended quarters, then this one twice"
    assert history[-1]["changes"][0]["used"] == "-40.00"


def test_all_ids_are_rolled_up(detected: Sandbox):
    whole = run_json("care-management", "refresh")["roll_up"]
    assert len(whole["by_service_provider_id"]) == 3
    assert "All IDs" in run("care-management", "refresh")


def test_a_refused_id_fails_and_the_others_are_shown(detected: Sandbox):
    detected.ask("POST", f"/service-providers/{ONE}/refuse")
    results = run_json("care-management", "refresh", status=1)["results"]
    assert [bool(row["problem"]) for row in results] == [True, False, False]


def test_a_malformed_id_is_wrong_input(detected: Sandbox):
    assert "not a Service Provider ID" in run("care-management", "refresh", "not an id!", status=2).replace("\n", " ")


def test_in_words(detected: Sandbox):
    assert "returned" in run("providers", "sync")
    assert "Nothing has been saved yet" in run("care-management", "history")
    assert "Estimate" in run("care-management", "refresh", ONE, "--save")
    assert ONE in run("care-management", "history")
