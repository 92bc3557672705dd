"""The provider's own invoices, as far as funding needs them: which line a budget was drawn for."""

from django.db import models

from carefund.records.models.people import Client


class Invoice(models.Model):
    """One of our invoices. `invoice_id` is Services Australia's number, empty until it was uploaded."""

    external_reference_id = models.CharField(max_length=24, unique=True)
    invoice_id = models.CharField(max_length=24, null=True, blank=True, unique=True)
    service_provider_id = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"invoice {self.pk}"


class InvoiceLineItem(models.Model):
    """One delivered service on one of our invoices. `item_id` is unique only within its invoice."""

    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="line_items")
    client = models.ForeignKey(Client, models.PROTECT, related_name="invoice_line_items")
    item_id = models.CharField(max_length=24, blank=True)
    external_reference_id = models.CharField(max_length=24, unique=True)
    service_id = models.CharField(max_length=60)
    service_text = models.CharField(max_length=200, blank=True)
    delivery_date = models.DateField()
    quantity = models.DecimalField(max_digits=10, decimal_places=2)
    price_per_unit = models.DecimalField(max_digits=12, decimal_places=2)
    funding_source = models.CharField(max_length=4, blank=True)

    class Meta:
        indexes = [models.Index(fields=("invoice", "item_id"), name="line_item_by_item_id")]

    def __str__(self) -> str:
        return f"invoice line item {self.pk}"
