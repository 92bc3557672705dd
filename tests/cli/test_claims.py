"""From a file of invoices to paid amounts and updated budgets, by commands alone."""

from datetime import timedelta
from pathlib import Path

from carefund.cli import claims as claim_commands
from carefund.cli import invoices as invoice_commands
from carefund.records.models import Claim, PlanBudget
from carefund.runs.business_day import business_today
from tests.claim_world import ClaimWorld, approved_services
from tests.cli.conftest import Terminal

HEADING = "Invoice reference,Line reference,Care recipient ID,Service,Date,Quantity,Price\n"
INVOICES, CLAIMS = Terminal(invoice_commands.app), Terminal(claim_commands.app)


def used(client, day) -> object:
    """What the funder says was used of the ongoing budget of a day."""
    budgets = PlanBudget.objects.filter(client=client, budget_type_code="ON", start_date__lte=day)
    return budgets.latest("start_date").used


def test_from_invoice_file_to_paid_and_drawn(claims: ClaimWorld, tmp_path: Path, synchronise):
    client = claims.clients[0]
    service, yesterday = approved_services(client)[0], business_today() - timedelta(days=1)
    file = tmp_path / "invoices.csv"
    file.write_text(HEADING + f"INV-1,INV-1-1,{client.care_recipient_id},{service},{yesterday:%d/%m/%Y},2.5,80.00\n")
    assert INVOICES.ask("import", str(file))["loaded"] is False
    assert INVOICES.ask("import", str(file), "--confirm")["loaded"] is True
    prepared = CLAIMS.ask("prepare", "--service-provider-id", client.service_provider_id)
    assert prepared["total"] == "200.00"
    asked = CLAIMS.type("submit", str(prepared["batch"]), status=1)
    assert "1 line for 1 client, $200.00" in asked
    assert not Claim.objects.exists(), "nobody said yes"
    sent = CLAIMS.ask("submit", str(prepared["batch"]), "--yes")
    [claim_id] = sent["claim_ids"]
    claims.turn(advanceDays=3)
    before = used(client, yesterday)
    [checked] = CLAIMS.ask("check")
    assert (checked["status"], checked["claim_total"]) == ("Completed", "200.00")
    assert checked["run"]
    synchronise(client)
    [line] = CLAIMS.ask("show", claim_id)["lines"]
    assert (line["state"], line["drawn"]) == ("paid and drawn", "200.00")
    assert before - used(client, yesterday) >= 200
    assert "Completed" in CLAIMS.type("list")
    assert "Completed" in CLAIMS.type("show", claim_id)


def test_a_bad_file_loads_nothing_and_says_why(claims: ClaimWorld, tmp_path: Path):
    file = tmp_path / "invoices.csv"
    file.write_text(HEADING + "INV-1,INV-1-1,999,SERV-0001,31/02/2026,x,80.00\n")
    plan = INVOICES.ask("import", str(file), "--confirm", status=2)
    assert {problem["column"] for problem in plan["problems"]} == {"delivery_date", "quantity"}
    assert plan["loaded"] is False


def test_what_does_not_exist_is_wrong_input(claims: ClaimWorld):
    CLAIMS.type("show", "nothing", status=2)
    CLAIMS.type("submit", "99999", status=2)
    CLAIMS.type("prepare", "--service-provider-id", "4049000001", status=2)
