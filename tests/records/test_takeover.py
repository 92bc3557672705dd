"""What is taken over from the funder fits the batch that it goes to."""

from datetime import date

import pytest

from carefund.records.claims.takeover import HeldInvoice, take_over
from carefund.records.models import ClaimBatch, Invoice, InvoiceLineItem
from tests.console import world

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def test_a_batch_covers_the_days_of_lines_that_are_taken_over_into_it():
    [client] = world.make_clients(1)
    batch = ClaimBatch.objects.create(
        service_provider_id=world.BRANCH, from_date=date(2026, 10, 1), to_date=date(2026, 10, 31)
    )
    invoice = Invoice.objects.create(external_reference_id="R-1", service_provider_id=world.BRANCH)
    InvoiceLineItem.objects.create(
        invoice=invoice, client=client, external_reference_id="R-1-1", service_id="SERV-0001", funding_source="ON",
        delivery_date=date(2026, 8, 3), quantity=2, price_per_unit=10,
    )  # fmt: skip
    assert take_over(batch.pk, HeldInvoice("801", "R-1", "OPEN", "", "", {"R-1-1": "1"}, ())) == invoice.pk
    batch.refresh_from_db()
    assert (batch.from_date, batch.to_date) == (date(2026, 8, 3), date(2026, 10, 31))
