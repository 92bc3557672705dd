"""Webhooks: the systems that are told of changes, what is still to be handed to them, and each message to each.

Written by records/webhooks alone.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from carefund.records.models.people import Client


class WebhookEndpoint(models.Model):
    """An address of another system. `secrets` is one encrypted document; `change_id` is how far it was told the change
    log. `failures` counts rounds in which nothing got through; until `resting_until` it is left alone."""

    name = models.CharField(max_length=80)
    url = models.CharField(max_length=500)
    events = models.JSONField(default=list)
    has_names = models.BooleanField(default=False, help_text="Messages about a client have the client's name.")
    secrets = models.BinaryField(default=bytes)
    is_on = models.BooleanField(default=True)
    off_reason = models.CharField(max_length=120, blank=True)
    change_id = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    resting_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"webhook {self.pk}"


class WebhookEvent(models.Model):
    """Something that happened, written in the transaction in which it did; gone once every endpoint has its message.

    What is in the change log needs no row here.
    """

    event = models.CharField(max_length=30)
    subject = models.CharField(max_length=40)
    client = models.ForeignKey(Client, models.CASCADE, null=True, related_name="+")
    data = models.JSONField(default=dict)
    happened_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"webhook event {self.pk}"


class WebhookDelivery(models.Model):
    """One message to one endpoint. Messages of one `subject`, such as a client, go in their order, one at a time."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed", "given up"

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries", db_index=False)
    message_id = models.CharField(max_length=60)
    event = models.CharField(max_length=30)
    subject = models.CharField(max_length=40)
    client = models.ForeignKey(Client, models.CASCADE, null=True, related_name="webhook_deliveries")
    data = models.JSONField(default=dict)
    happened_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True)
    last_attempt_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True, help_text="Empty once nothing is to be sent any more.")
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the last answer.")
    problem = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=("endpoint", "message_id"), name="webhook_delivery_once")]
        indexes = [
            # The condition has no value in it, so that SQLite can use it too.
            models.Index(
                fields=("endpoint", "subject", "id"),
                condition=Q(next_attempt_at__isnull=False),
                name="webhook_delivery_waiting",
            ),
            models.Index(fields=("endpoint", "-id"), name="webhook_delivery_by_endpoint"),
        ]

    def __str__(self) -> str:
        return f"webhook delivery {self.pk}"
