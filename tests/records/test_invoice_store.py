"""Bringing invoices in: all or nothing, twice is harmless, and each thing wrong is named."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carefund.domain.claims.invoice_file import InvoiceRow
from carefund.records.claims.invoice_uploads import NotLoadable, load_upload, plan_upload
from carefund.records.claims.invoices import plan_import, store_import
from carefund.records.file_uploads import INVOICES, store_upload
from carefund.records.models import Invoice, InvoiceLineItem
from tests.conftest import table_rows

pytestmark = pytest.mark.django_db

ROW = InvoiceRow(2, "INV-1", "INV-1-1", "400000001", "SERV-0001", date(2026, 7, 9), Decimal("1.50"), Decimal("80.00"))
CSV = (
    "Invoice reference;Line reference;Care recipient ID;Service;Date;Quantity;Price\r\n"
    "INV-1;INV-1-1;400000001;SERV-0001;9/7/2026;1.5;80.00\r\n"
    "INV-1;INV-1-2;400000001;SERV-0001;10/7/2026;1.5;80.00\r\n"
)


@pytest.fixture(autouse=True)
def client_one(add_client):
    return add_client("400000001", service_provider_id="4049000002")


def test_new_lines_are_stored_once_and_again_is_harmless():
    rows = [ROW, replace(ROW, line=3, line_reference="INV-1-2")]
    assert store_import(plan_import(rows)) == 2
    before = table_rows(Invoice, InvoiceLineItem)
    again = plan_import(rows)
    assert (again.line_count, again.known_line_count) == (0, 2)
    assert store_import(again) == 0
    assert table_rows(Invoice, InvoiceLineItem) == before
    assert Invoice.objects.get().service_provider_id == "4049000002"


@pytest.mark.parametrize(
    ("changes", "column", "conflicts"),
    [
        ({"care_recipient_id": "999"}, "care_recipient_id", 0),
        ({"quantity": Decimal("2")}, "line_reference", 1),
        ({"line_reference": "other", "service_provider_id": "4049000003"}, "service_provider_id", 0),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(changes: dict, column: str, conflicts: int):
    store_import(plan_import([ROW]))
    plan = plan_import([replace(ROW, **changes)])
    assert [problem.column for problem in plan.problems] == [column]
    assert plan.conflict_count == conflicts
    with pytest.raises(ValueError, match="not stored"):
        store_import(plan)
    assert InvoiceLineItem.objects.count() == 1


def test_an_invoice_that_was_sent_takes_no_more_lines():
    store_import(plan_import([ROW]))
    Invoice.objects.update(invoice_id="1500000001")
    assert plan_import([replace(ROW, line_reference="INV-1-2")]).conflict_count == 1


def test_a_file_is_loaded_after_its_preview_and_only_once():
    upload = store_upload(INVOICES, "july.csv", CSV.encode())
    plan = plan_upload(upload)
    assert (plan.line_count, plan.new_invoice_count, plan.total) == (2, 1, Decimal("240.00"))
    assert InvoiceLineItem.objects.count() == 0
    assert load_upload(upload) == 2
    upload.refresh_from_db()
    with pytest.raises(NotLoadable):
        load_upload(upload)


def test_a_file_with_one_bad_row_loads_nothing():
    upload = store_upload(INVOICES, "july.csv", (CSV + "INV-2;X;400000001;SERV-0001;99/99/2026;1;1\r\n").encode())
    assert [(problem.line, problem.column) for problem in plan_upload(upload).problems] == [(4, "delivery_date")]
    with pytest.raises(NotLoadable):
        load_upload(upload)
    assert InvoiceLineItem.objects.count() == 0


@pytest.mark.slow
def test_a_hundred_thousand_lines_are_loaded():
    lines = "".join(f"INV-{n // 1000};L{n};400000001;SERV-0001;9/7/2026;1.5;{n % 500}.25\r\n" for n in range(100_000))
    upload = store_upload(INVOICES, "all.csv", (CSV.splitlines()[0] + "\r\n" + lines).encode("cp1252"))
    assert load_upload(upload) == 100_000
