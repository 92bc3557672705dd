"""What the provider's own system holds comes in once, wholly or not at all. The format is in docs/provider-file.md."""

import json
import re
from pathlib import Path

import pytest

from carefund.records.models import Client, Invoice, InvoiceLineItem, ServiceProvider
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
