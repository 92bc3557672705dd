"""Clients from a file: who is new, who is here, who may be here; and nothing is changed that nobody chose."""

from collections.abc import Callable
from datetime import date

import pytest
from django.contrib.auth.models import User

from carefund.access.exports import open_export
from carefund.access.gate import OPERATOR
from carefund.domain.care_recipient.client_file import FIELDS
from carefund.records.care_recipient.client_import import (
    ClientImport,
    Imported,
    NotImported,
    plan_clients,
    store_clients,
)
from carefund.records.care_recipient.client_matching import MOST_CANDIDATES
from carefund.records.care_recipient.clients import edit_client
from carefund.records.models import Change, Client, ClientMatch, ServiceProvider, SyncState
from carefund.records.table_files import encode_csv
from carefund.sync.exports import EXPORTS
from tests.conftest import table_rows

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 22)
HEADING = "First name,Last name,Date of birth,Care Recipient ID,Service Provider ID,External reference"
TABLES = (Client, ClientMatch, ServiceProvider, Change)
Add = Callable[..., Client]


def plan(*lines: str) -> ClientImport:
    return plan_clients("\r\n".join([HEADING, *lines]).encode(), TODAY)


def store(*lines: str, update: tuple[str, ...] = ()) -> Imported:
    return store_clients(plan(*lines), update, made_by="ada")


def differing(found: ClientImport) -> dict[str, list[tuple[object, object]]]:
    return {name: [(row.before, row.after) for row in rows] for name, rows in found.differences.items()}


def test_new_clients_are_added_once_with_their_branch_and_their_line_in_the_change_log():
    user = User.objects.create_user("ada")
    lines = ["Wilma,Example,1940-05-03,400000001,4049000002,HR-1", "Fred,Example,,,,"]
    found = plan(*lines)
    assert (len(found.new), found.new_branches) == (2, ["4049000002"])
    assert store_clients(found, (), made_by="ada", user=user) == Imported(2, 0, 0)
    wilma = Client.objects.get(care_recipient_id="400000001")
    assert (wilma.birth_date, wilma.external_reference_id, wilma.added_by) == (date(1940, 5, 3), "HR-1", user)
    assert ServiceProvider.objects.get().service_provider_id == "4049000002"
    assert set(Change.objects.values_list("action", "made_by")) == {("new", "ada")}
    before = table_rows(*TABLES)
    assert plan(*lines).same_count == 2
    assert store(*lines, update=FIELDS) == Imported(0, 0, 0)
    assert table_rows(*TABLES) == before


def test_only_the_chosen_fields_of_who_is_here_change(add_client: Add):
    client = add_client("400000001", service_provider_id="4049000002")
    line = "Wilhelmina,Sample,1940-05-03,400000001,4049000003,HR-1"
    found = plan(line)
    assert differing(found) == {
        "first_name": [("Wilma", "Wilhelmina")],
        "last_name": [("Example", "Sample")],
        "service_provider_id": [("4049000002", "4049000003")],
        "external_reference_id": [(None, "HR-1")],
    }
    assert store(line) == Imported(0, 0, 0)
    assert not ServiceProvider.objects.exists()
    assert store(line, update=("last_name", "service_provider_id")) == Imported(0, 1, 0)
    client.refresh_from_db()
    assert (client.first_name, client.last_name, client.service_provider_id) == ("Wilma", "Sample", "4049000003")
    assert set(Change.objects.values_list("field", "before", "after", "made_by")) == {
        ("last_name", "Example", "Sample", "ada"),
        ("service_provider_id", "4049000002", "4049000003", "ada"),
    }


def test_an_empty_cell_changes_nothing(add_client: Add):
    add_client("400000001", external_reference_id="HR-1")
    assert plan(",,,400000001,,").same_count == 1
    assert plan(",,,,,HR-1").same_count == 1


def test_a_reference_brings_the_care_recipient_id_but_never_another_one(add_client: Add):
    client = add_client(None, external_reference_id="HR-1")
    found = plan("Wilma,Example,1940-05-03,400000001,,HR-1")
    assert differing(found) == {"care_recipient_id": [(None, "400000001")]}
    store_clients(found, ("care_recipient_id",), made_by="ada")
    SyncState.objects.create(client=client, version=1)
    [problem] = plan("Wilma,Example,1940-05-03,400000009,,HR-1").problems
    assert (problem.line, problem.column) == (2, "care_recipient_id")


def test_a_row_that_means_two_clients_is_a_problem(add_client: Add):
    add_client("400000001")
    add_client("400000002", external_reference_id="HR-2")
    found = plan("Wilma,Example,,400000001,,HR-2")
    assert [(problem.line, problem.column) for problem in found.problems] == [(2, "external_reference_id")]
    [problem] = plan("Wilma,Example,,400000002,,", ",,,,,HR-2").problems
    assert (problem.line, problem.message) == (3, "is of the same client as line 2")
    with pytest.raises(NotImported):
        store_clients(found, (), made_by="ada")


def test_an_unknown_id_beside_a_known_name_waits_for_a_person(add_client: Add):
    client = add_client(None)
    line = "Wilma,Example,1940-05-03,400000001,,"
    assert store(line) == Imported(0, 0, 1)
    assert store(line) == Imported(0, 0, 1)
    assert ClientMatch.objects.get().client == client
    assert Client.objects.count() == 1


def test_without_any_id_a_known_name_is_that_client_unless_that_is_doubtful(add_client: Add):
    client = add_client(None)
    found = plan("wilma ,EXAMPLE,,,4049000002,HR-1")
    assert set(found.differences) == {"first_name", "last_name", "service_provider_id", "external_reference_id"}
    edit_client(client.pk, {"external_reference_id": "HR-9"}, made_by="ada")
    assert [row.line for row in plan("Wilma,Example,1940-05-03,,,HR-1").alike] == [2]
    add_client("400000002")
    assert [row.line for row in plan("Wilma,Example,1940-05-03,,,").alike] == [2]
    assert [row.line for row in plan("Ada,Sample,,,,1", "Ada,Sample,,,,2").alike] == [3]


def test_a_new_client_needs_both_names():
    found = plan(",Example,,400000001,,")
    assert [(problem.line, problem.column) for problem in found.problems] == [(2, "first_name")]


def test_what_changed_meanwhile_is_seen(add_client: Add):
    client = add_client("400000001")
    line = "Wilma,Sample,,400000001,,"
    first = plan(line)
    assert plan(line).fingerprint == first.fingerprint
    edit_client(client.pk, {"last_name": "Other"}, made_by="ada")
    assert plan(line).fingerprint != first.fingerprint
    new = plan("Fred,Example,,400000002,,")
    add_client("400000002")
    with pytest.raises(NotImported, match="since the preview"):
        store_clients(new, (), made_by="ada")
    assert not ServiceProvider.objects.exists()


def test_the_export_of_clients_comes_back_in_as_it_is(add_client: Add):
    add_client("400000001", service_provider_id="4049000002", external_reference_id="HR-1")
    add_client(None, first_name="Zoë", birth_date=None)
    text = "".join(encode_csv(open_export(OPERATOR, EXPORTS["clients"], None, "test")))
    found = plan_clients(text.encode(), TODAY)
    assert (found.same_count, found.problems, found.differences, found.new, found.alike) == (2, [], {}, [], [])


def test_many_of_one_name_are_compared_in_no_time_and_stored_in_few_statements(django_assert_max_num_queries):
    here, size = 1500, 3000
    Client.objects.bulk_create(
        Client(care_recipient_id=str(number), first_name="A", last_name="B") for number in range(here)
    )
    found = plan(*(f"A,{'C' if number == 0 else 'B'},,{number},,R{number}" for number in range(size)))
    assert len(found.matches) == (size - here) * MOST_CANDIDATES
    assert len(plan(*(f"A,B,{1940 + number % 60}-05-03,,,N{number}" for number in range(size))).alike) == size
    SyncState.objects.bulk_create(SyncState(client=client, version=1) for client in Client.objects.all())
    found = plan(*(f"A,{'C' if number == 0 else 'B'},,{number},,R{number}" for number in range(size)))
    assert len(found.new) == size - here
    with django_assert_max_num_queries(60):
        store_clients(found, ("last_name",), made_by="ada")
    assert Client.objects.count() == size
