"""The provider's own invoices with their lines: what was delivered, and what Services Australia calls it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from carefund.records.models.history import Payload
from carefund.records.models.people import Client


class Invoice(models.Model):
    """One of our invoices. `invoice_id` is Services Australia's number, empty until it was uploaded.

    `is_uncertain` is set before each write and taken away after its answer was stored: while it stands, the funder's
    state must be read before anything more is written. Invoices that were made in the portal are not here.
    """

    external_reference_id = models.CharField(max_length=24, unique=True)
    invoice_id = models.CharField(max_length=24, null=True, blank=True, unique=True)
    service_provider_id = models.CharField(max_length=20, blank=True)
    service_naps_id = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=20, blank=True)
    etag = models.CharField(max_length=120, blank=True)
    is_uncertain = models.BooleanField(default=False)
    problem = models.CharField(max_length=500, blank=True, help_text="The funder's words on the last refusal.")
    batch = models.ForeignKey("records.ClaimBatch", models.SET_NULL, null=True, blank=True, related_name="invoices")
    split_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="split_off")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=("service_provider_id",), name="invoice_by_service_provider"),
            models.Index(
                fields=("id", "service_provider_id"),
                condition=Q(invoice_id__isnull=True),
                name="invoice_without_number",
            ),
        ]

    def __str__(self) -> str:
        return f"invoice {self.pk}"


class InvoiceLineItem(models.Model):
    """One delivered service on one of our invoices. `item_id` is unique only within its invoice, and empty as long as
    that has no number itself."""

    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="line_items")
    client = models.ForeignKey(Client, models.PROTECT, db_index=False, related_name="invoice_line_items")
    item_id = models.CharField(max_length=24, blank=True)
    etag = models.CharField(max_length=120, blank=True)
    external_reference_id = models.CharField(max_length=24, unique=True)
    service_id = models.CharField(max_length=60)
    service_text = models.CharField(max_length=200, blank=True)
    delivery_date = models.DateField()
    quantity = models.DecimalField(max_digits=10, decimal_places=2)
    price_per_unit = models.DecimalField(max_digits=12, decimal_places=2)
    unit_type = models.CharField(max_length=20, blank=True)
    funding_source = models.CharField(max_length=4, blank=True)
    late_reason_code = models.CharField(max_length=40, blank=True)
    late_justification = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=("invoice", "item_id"), name="line_item_by_item_id"),
            models.Index(fields=("delivery_date",), name="line_item_by_delivery_date"),
            # With what is added up of a page of clients, whose lines lie far apart in the table.
            models.Index(
                fields=("client", "delivery_date", "id", "invoice", "funding_source", "quantity", "price_per_unit"),
                name="line_item_by_client",
            ),
            # With all that is added up of what was not sent, so that ten thousands of lines are read from it alone.
            models.Index(
                fields=(
                    "delivery_date",
                    "id",
                    "invoice",
                    "client",
                    "funding_source",
                    "quantity",
                    "price_per_unit",
                ),
                condition=Q(item_id=""),
                name="line_item_without_number",
            ),
        ]

    def __str__(self) -> str:
        return f"invoice line item {self.pk}"


class LateEvidence(models.Model):
    """A PDF that says why a line comes late, to go with it; `sent_at` is when the funder took it, empty before."""

    line_item = models.OneToOneField(InvoiceLineItem, models.CASCADE, related_name="late_evidence")
    file_name = models.CharField(max_length=100, help_text="As it is sent: part of the digest makes it recognisable.")
    payload = models.ForeignKey(Payload, models.PROTECT, db_index=False)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    uploaded_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"late evidence {self.pk}"
