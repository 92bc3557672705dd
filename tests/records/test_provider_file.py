"""What the provider's own system holds comes in once, wholly or not at all. The format is in docs/provider-file.md."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from carefund.records.care_recipient.clients import CannotEdit, decide_match, edit_client
from carefund.records.claims.open_lines import list_unsent_lines
from carefund.records.models import (
    Change,
    Client,
    ClientMatch,
    Invoice,
    InvoiceLineItem,
    ServiceProvider,
    SyncState,
)
from carefund.records.provider_file import Loaded, NotAProviderFile, read_provider_file, store_provider_file
from tests.conftest import table_rows

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parents[2] / "docs" / "provider-file.md"
EXAMPLE = re.search(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL).group(1)  # type: ignore[union-attr]
TABLES = (Client, Invoice, InvoiceLineItem, ServiceProvider)


def load(content: str) -> Loaded:
    return store_provider_file(read_provider_file(content.encode()))


def test_the_example_in_the_documentation_loads():
    assert load(EXAMPLE) == Loaded(clients=1, invoices=1, line_items=1)
    line = InvoiceLineItem.objects.get()
    assert (line.client.care_recipient_id, line.invoice.invoice_id, line.item_id) == ("400000003", "3000000077", "1")


def test_loading_again_changes_nothing_and_overwrites_no_name():
    content = json.loads(EXAMPLE)
    content["clients"].append({"careRecipientId": "", "firstName": "No", "lastName": "Number"})
    load(json.dumps(content))
    before = table_rows(*TABLES)
    content["clients"][0]["firstName"] = "Other"
    assert load(json.dumps(content)) == Loaded(0, 0, 0)
    assert table_rows(*TABLES) == before


def test_a_line_of_an_invoice_that_was_not_sent_has_no_number_and_is_open():
    """Whatever the file says: nothing numbers a line of what has no number itself. What is open is found by that."""
    content = json.loads(EXAMPLE)
    del content["invoices"][0]["invoiceId"]
    assert content["invoices"][0]["items"][0]["itemId"]
    assert load(json.dumps(content)) == Loaded(clients=1, invoices=1, line_items=1)
    assert [line.item_id for line in list_unsent_lines()] == [""]


def test_a_line_of_somebody_who_is_not_here_is_passed_over():
    content = json.loads(EXAMPLE)
    content["invoices"][0]["items"][0]["careRecipientId"] = "400009999"
    assert load(json.dumps(content)) == Loaded(clients=1, invoices=1, line_items=0)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "truncated"),
        ("not JSON", "malformed"),
        ("[]", "object"),
        ('{"clients": [{"firstName": "A", "lastName": "B"}]}', "careRecipientId"),
        ('{"clients": [{"careRecipientId": 400000003, "firstName": "A", "lastName": "B"}]}', "careRecipientId"),
        ('{"clients": [{"careRecipientId": "4 0", "firstName": "A", "lastName": "B"}]}', "careRecipientId"),
        ('{"clients": [{"careRecipientId": "4", "firstName": "A", "lastName": "B", "birthDate": "x"}]}', "birthDate"),
        ('{"invoices": [{"externalReferenceId": "", "items": []}]}', "externalReferenceId"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(content: str, named: str):
    with pytest.raises(NotAProviderFile, match=named):
        load(content)
    assert not any(table_rows(*TABLES).values())


def person(care_recipient_id: str = "", **values: str) -> dict[str, str]:
    return {"careRecipientId": care_recipient_id, "firstName": "Wilma", "lastName": "Example"} | values


def load_people(*people: dict[str, str]) -> Loaded:
    return load(json.dumps({"clients": people}))


def test_an_id_learnt_later_is_proposed_and_makes_no_second_client():
    load_people(person(birthDate="1940-05-03"))
    for _ in range(2):
        found = load_people(person("400000003", firstName=" wilma", birthDate="1940-05-03", serviceProviderId="22"))
        assert (found.clients, found.waiting) == (0, 1)
    match = ClientMatch.objects.get()
    decide_match(match.pk, is_same=True, made_by="ben")
    client = Client.objects.get()
    assert (client.care_recipient_id, client.first_name, client.service_provider_id) == ("400000003", "Wilma", "22")
    assert set(Change.objects.values_list("field", "after", "made_by")) == {
        ("care_recipient_id", "400000003", "ben"),
        ("service_provider_id", "22", "ben"),
    }
    assert load_people(person("400000003", birthDate="1940-05-03")) == Loaded(0, 0, 0)
    assert decide_match(match.pk, is_same=False, made_by="fay") is None, "decided once"
    assert Client.objects.count() == 1


def test_another_person_becomes_a_client_of_their_own_and_is_not_asked_about_again():
    load_people(person(birthDate="1940-05-03"))
    load_people(person("400000003"))
    decide_match(ClientMatch.objects.get().pk, is_same=False, made_by="ben")
    assert set(Client.objects.values_list("care_recipient_id", flat=True)) == {None, "400000003"}
    assert load_people(person("400000003")) == Loaded(0, 0, 0)


def test_of_two_possible_clients_one_gets_the_id():
    load_people(person(birthDate="1940-05-03"), person(birthDate="1951-01-01"))
    assert load_people(person("400000003")).waiting == 2
    first, second = ClientMatch.objects.all()
    assert decide_match(first.pk, is_same=False, made_by="ben") is None, "the other one is still to be asked about"
    assert Client.objects.count() == 2
    decide_match(second.pk, is_same=True, made_by="ben")
    assert Client.objects.get(care_recipient_id="400000003").birth_date == date(1951, 1, 1)


@pytest.mark.parametrize("settled", [True, False])
def test_only_an_id_under_which_nothing_was_synchronised_may_have_been_a_slip(settled: bool):
    load_people(person("400000009", birthDate="1940-05-03"))
    SyncState.objects.create(client=Client.objects.get(), version=int(settled))
    found = load_people(person("400000003", birthDate="1940-05-03"))
    assert (found.clients, found.waiting) == (int(settled), int(not settled))


def test_a_row_without_an_id_is_somebody_here_or_in_the_file():
    load_people(person("400000003", birthDate="1940-05-03"))
    assert load_people(person(birthDate="1940-05-03"), person()).clients == 0
    assert load_people(person(birthDate="1941-05-03")).clients == 1
    assert load_people(person(lastName="New"), person("400000004", lastName="New")).clients == 1


def test_an_id_under_which_something_was_synchronised_stays():
    load_people(person("400000003"))
    client = Client.objects.get()
    assert edit_client(client.pk, {"care_recipient_id": "400000004"}, made_by="ben") == ["care_recipient_id"]
    SyncState.objects.create(client=client, version=1)
    with pytest.raises(CannotEdit, match="so it cannot be changed"):
        edit_client(client.pk, {"care_recipient_id": "400000005", "last_name": "Changed"}, made_by="ben")
    client.refresh_from_db()
    assert (client.care_recipient_id, client.last_name) == ("400000004", "Example")
