"""Alerts as they stand and stood: each row is one matter from when it began until it ended.

Written by records/alerts/store.py alone; whom it was told to is in access/models.py.
"""

from django.db import models
from django.db.models import Q

from carefund.records.models.columns import money
from carefund.records.models.people import Client


class Alert(models.Model):
    """One thing that somebody should know. `kind` and `key` say what it is about; what ended and begins again is a new
    row, so that it is told again."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=60)
    client = models.ForeignKey(Client, models.CASCADE, null=True, related_name="alerts")
    service_provider_id = models.CharField(max_length=20, blank=True)
    due_date = models.DateField(null=True)
    amount = money()
    number = models.PositiveIntegerField(default=1)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=("kind", "key"), condition=Q(ended_at__isnull=True), name="alert_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"alert {self.pk}"
