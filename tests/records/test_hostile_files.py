"""Files that somebody made on purpose: read as far as they can be kept, or refused with a sentence."""

import pytest
from django.utils import timezone

from carefund.domain.claims.invoice_file import read_invoice_file
from carefund.records.claims.late_evidence import NotEvidence, store_evidence
from carefund.records.models import Client, Invoice, InvoiceLineItem, LateEvidence
from carefund.records.provider_file import NotAProviderFile, read_provider_file
from carefund.runs.bulk_scopes import choose_ids, read_ids

pytestmark = pytest.mark.one_database

HEADING = "invoice,line,Care Recipient ID,service,date,quantity,price"


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ("9/7/2026," + "9" * 40 + ",2.50", "quantity"),
        ("9/7/2026,1," + "9" * 40, "price_per_unit"),
        ("9/7/2026,1.001,2.50", "quantity"),
        ("9/7/2026,NaN,2.50", "quantity"),
        ("9/7/2026,1e5,2.50", "quantity"),
        ("0001-01-01,1,2.50", "delivery_date"),
        ("31/12/9999,1,2.50", "delivery_date"),
    ],
)
def test_a_value_of_an_invoice_file_that_cannot_be_right_is_a_problem_of_its_row(values, column):
    found = read_invoice_file(f"{HEADING}\n1,1,4,SERV-0001,{values}\n".encode())
    assert ([problem.column for problem in found.problems], found.rows) == ([column], [])


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"clients":[{"careRecipientId":"4","firstName":"\xe9","lastName":"B"}]}',
        b'{"clients":[{"careRecipientId":"4","firstName":"\\u0000","lastName":"B"}]}',
        b'{"clients":[{"careRecipientId":"4","firstName":"A","lastName":"B","birthDate":"0001-01-01"}]}',
        b'{"invoices":[{"externalReferenceId":"1","items":[{"externalReferenceId":"1","careRecipientId":"4",'
        b'"serviceId":"S","deliveryDate":"2026-07-01","quantity":"NaN","pricePerUnit":1}]}]}',
    ],
)
def test_a_provider_file_that_cannot_be_kept_is_refused_in_one_sentence(content):
    with pytest.raises(NotAProviderFile) as caught:
        read_provider_file(content)
    assert str(caught.value)


@pytest.mark.django_db
def test_ids_with_characters_that_no_database_takes_are_looked_up_all_the_same():
    assert choose_ids(read_ids(b"\x004000\x0000001\n400000002,x\n")) == ([], ["400000001", "400000002"])


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "\x00", "a" * 5000 + ".pdf", "../../etc/passwd", "\ud800.pdf", "\u202efdp.exe"])
def test_evidence_goes_by_a_plain_name_whatever_it_was_called(name):
    client = Client.objects.create(first_name="Iris", last_name="Bell")
    line = InvoiceLineItem.objects.create(
        invoice=Invoice.objects.create(external_reference_id="1"), client=client, external_reference_id="1",
        service_id="SERV-0001", delivery_date=timezone.localdate(), quantity=1, price_per_unit=1,
    )  # fmt: skip
    kept = store_evidence(line, name, b"%PDF-1.4")
    assert kept.file_name.isascii()
    assert len(LateEvidence.objects.get().file_name) <= 100
    with pytest.raises(NotEvidence):
        store_evidence(line, name, b"\x00")
