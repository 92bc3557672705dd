"""`carefund pace`: the same engine from a terminal."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from carefund.cli.pace import app
from carefund.records.models import Client, ServiceContract
from tests.pace_world import NdiaSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def data(*words: str) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def client(ndia: NdiaSandbox) -> Client:
    return ndia.client("take-over")


@pytest.fixture
def number(client: Client) -> str:
    return str(client.ndis.ndis_number)


def test_preview_shows_the_plan_and_makes_nothing(number: str) -> None:
    shown = data("preview", number)
    assert len(shown["budgets"]) == 6
    assert shown["existing_contract"] is None
    assert len(shown["budgets"][0]["funding_periods"]) == 4
    assert not ServiceContract.objects.exists()
    assert "14-stated-plan-managed" in run("preview", number).output


def test_create_makes_the_contract_with_adjustment_records(number: str) -> None:
    left_out = data("preview", number)["budgets"][5]["id"]
    made = data("create", number, "--without", left_out)
    assert len(made["budgets"]) == 5
    assert made["total_funding"] == "75680.00"
    rows = {row["category_name"]: row for row in made["delivered_services"]}
    assert rows["Choice and Control"]["service_provider_name"] == "Previous Plan Manager"
    assert rows["Consumables"]["amount"] == "310.15"
    assert run("create", number).exit_code == 1


def test_compare_then_apply_then_in_step(ndia: NdiaSandbox, client: Client, number: str) -> None:
    run("create", number)
    assert data("compare", number)["in_step"]
    ndia.change(client, "set-category", category="Consumables", approved="3600.00")
    found = data("compare", number)
    assert not found["in_step"]
    one = next(row for row in found["differences"] if row["field"] == "approved_amount")
    assert (one["before"], one["after"]) == ("2400.00", "3600.00")
    assert len(data("apply", number, "--only", one["id"], "--yes")["applied"]) == 1
    run("apply", number, "--yes")
    assert data("compare", number)["in_step"]


def test_apply_asks_first(ndia: NdiaSandbox, client: Client, number: str) -> None:
    run("create", number)
    ndia.change(client, "set-category", category="Consumables", approved="3600.00")
    assert CliRunner().invoke(app, ["apply", number], input="n\n").exit_code == 1
    assert not data("compare", number)["in_step"]


@pytest.mark.parametrize("command", ["preview", "create", "compare", "apply"])
@pytest.mark.parametrize("wrong", ["12345678", "43000000x", "430999999"])
def test_a_wrong_number_is_wrong_input(ndia: NdiaSandbox, command: str, wrong: str) -> None:
    assert run(command, wrong).exit_code == 2


def test_a_refusal_is_one_message_with_advice(ndia: NdiaSandbox) -> None:
    result = run("preview", ndia.client("no-consent").ndis.ndis_number)
    assert result.exit_code == 1
    assert "endorsement" in " ".join(result.stderr.split())


def test_a_missing_birth_date_is_wrong_input(client: Client, number: str) -> None:
    Client.objects.update(birth_date=None)
    assert run("preview", number).exit_code == 2
