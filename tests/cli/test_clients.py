"""`carefund clients`: add, edit, and what an import proposes."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from typer.testing import CliRunner

from carefund.cli.main import app
from carefund.domain.care_recipient.identity import PersonDetails
from carefund.records.care_recipient.client_list import list_client_rows
from carefund.records.care_recipient.identities import store_identities
from carefund.records.models import Change, Client, ClientMatch
from carefund.runs.business_day import business_today
from tests.console.world import BRANCH, make_branches, make_cast, make_clients, make_funding

pytestmark = pytest.mark.django_db


def run(*words: str, status: int = 0, group: str = "clients") -> str:
    result = CliRunner().invoke(app, [group, *words])
    assert result.exit_code == status, result.output
    return " ".join(result.output.split())


def run_users(*words: str) -> str:
    return run(*words, group="users")


def test_a_client_is_added_and_edited_in_somebodys_name():
    make_branches()
    ben = User.objects.create_user("ben")
    run("add", "400000003", "Wilma", "Example", "--by", "ben")
    assert Client.objects.get().added_by == ben
    words = ("--last-name", "Renamed", "--branch", BRANCH, "--inactive", "--by", "ben")
    assert "Changed: last name, branch, active." in run("edit", "400000003", *words)
    assert "Nothing was changed" in run("edit", "400000003", *words)
    assert set(Change.objects.values_list("made_by", flat=True)) == {"ben"}
    assert "Another client already has" in run("add", "400000003", "Wilma", "Example", status=2)
    assert "Branch not found" in run("edit", "400000003", "--branch", "999", status=2)
    assert "no account" in run("edit", "400000003", "--by", "nobody", status=2)
    assert "no such client" in run("edit", "--number", "99", status=2)


def test_clients_are_listed_as_on_their_page():
    make_branches()
    make_funding(make_clients(3)[0])
    Client.objects.create(first_name="Wilma", last_name="Example", is_active=False)
    [margaret] = json.loads(run("list", "Doy", "--json"))
    row = list_client_rows(Client.objects.filter(last_name="Doyle"), business_today())[0]
    assert (margaret["care_recipient_id"], margaret["level"]) == ("400000001", "Level 6")
    assert (Decimal(margaret["available"]), Decimal(margaret["safe_to_spend"])) == (row.available, row.safe_to_spend)
    assert "2 of 3 clients. See more with --limit." in run("list", "--limit", "2")
    assert "Wilma" in run("list", "--inactive")
    assert "No clients match." in run("list", "--branch", "999")


def test_clients_are_listed_by_identity():
    people = make_clients(2)
    names = PersonDetails(people[0].last_name, people[0].first_name)
    store_identities([(people[0].pk, names, timezone.now())])
    [found] = json.loads(run("list", "--identity", "differs", "--json"))
    assert (found["number"], found["identity_differs_in"]) == (people[0].pk, ["first_name", "last_name"])
    assert "(identity differs)" in run("list")
    assert str(people[1].care_recipient_id) in run("list", "--identity", "not-compared")
    assert "No clients match." in run("list", "--identity", "not-found")
    assert "first name and last name are swapped" in run(people[0].care_recipient_id or "", group="show").lower()


def test_accounts_are_listed_with_what_they_may_do():
    make_cast()
    accounts = {account["username"]: account for account in json.loads(run_users("list", "--json"))}
    assert (accounts["ben"]["role"], accounts["ben"]["branches"]) == ("Coordinator", [BRANCH])
    assert (accounts["fay"]["branches"], accounts["dee"]["role"]) == (None, None)
    assert "Lindqvist" in run_users("list")


def test_an_import_proposes_and_the_terminal_confirms(tmp_path: Path):
    here = Client.objects.create(first_name="Wilma", last_name="Example")
    file = tmp_path / "provider.json"
    file.write_text(
        json.dumps({"clients": [{"careRecipientId": "400000003", "firstName": "Wilma", "lastName": "Example"}]})
    )
    assert "1 Care Recipient ID may belong to existing clients" in run("import", str(file))
    match = ClientMatch.objects.get()
    assert "400000003" in run("matches")
    run("match", str(match.pk), "--same")
    here.refresh_from_db()
    assert here.care_recipient_id == "400000003"
    assert Change.objects.get().made_by.startswith("terminal (")
    assert "Nothing to confirm" in run("matches")
    assert "No match has this number" in run("match", "99", "--other", status=2)
    assert Client.objects.count() == 1


def test_an_id_without_a_client_is_entered_by_the_number_of_the_page():
    here = Client.objects.create(first_name="Wilma", last_name="Example")
    run("edit", "--number", str(here.pk), "--care-recipient-id", "400000003")
    here.refresh_from_db()
    assert here.care_recipient_id == "400000003"
