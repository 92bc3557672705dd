"""What the provider knows of spending and the funder does not say: planned services, and balances of unspent funds."""

from django.db import models
from django.db.models import Q

from carefund.records.models.columns import money
from carefund.records.models.people import Client


class PlannedService(models.Model):
    """A service that is booked for a client, once or again and again; `price` is that of one visit.

    `external_reference_id` is the rostering system's, empty for what was entered by hand. No `to_date`: until further
    notice.
    """

    class Frequency(models.TextChoices):
        ONCE = "once"
        WEEKLY = "weekly"
        FORTNIGHTLY = "fortnightly"
        MONTHLY = "monthly"

    client = models.ForeignKey(Client, models.CASCADE, related_name="planned_services")
    external_reference_id = models.CharField(max_length=64, blank=True)
    service_id = models.CharField(max_length=60)
    service_text = models.CharField(max_length=200, blank=True)
    funding_source = models.CharField(max_length=4)
    price = money(null=False)
    frequency = models.CharField(max_length=12, choices=Frequency)
    from_date = models.DateField()
    to_date = models.DateField(null=True, blank=True)
    entered_by = models.CharField(max_length=150)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("from_date", "id")
        constraints = [
            models.UniqueConstraint(
                fields=("external_reference_id",),
                condition=~Q(external_reference_id=""),
                name="planned_service_reference_once",
            ),
        ]

    def __str__(self) -> str:
        return f"planned service {self.pk}"


class UnspentBalance(models.Model):
    """Unspent funds of a Home Care Package on a day, entered by hand: the funder's interfaces do not give them.

    Earlier ones stay; the one with the latest day counts.
    """

    class Source(models.TextChoices):
        PROVIDER_HELD = "CU", "Provider-held unspent funds"
        HOME_CARE_ACCOUNT = "HC", "Home care account"

    client = models.ForeignKey(Client, models.CASCADE, related_name="unspent_balances")
    source = models.CharField(max_length=4, choices=Source)
    amount = money(null=False)
    balance_date = models.DateField()
    entered_by = models.CharField(max_length=150)
    entered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-balance_date", "-id")

    def __str__(self) -> str:
        return f"unspent balance {self.pk}"
