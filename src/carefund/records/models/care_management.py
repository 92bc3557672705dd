"""Saved snapshots of care management pools, the history that the funder does not keep.

A snapshot belongs to a service provider id and a quarter. Asking again and finding the same moves `last_synced_at` of
the newest snapshot and writes no other. Written by records/care_management/store.py alone.
"""

from django.conf import settings
from django.db import models

from carefund.records.models.columns import money


class CareManagementSave(models.Model):
    """What Services Australia said of one service provider id's pool in one quarter.

    `synced_at` is when these figures were first received, `last_synced_at` when they were last found unchanged.
    `estimate` holds the parts of the forecast for 30 June as texts, null where there was nothing to go by.
    """

    service_provider_id = models.CharField(max_length=20)
    quarter_start_date = models.DateField()
    synced_at = models.DateTimeField()
    last_synced_at = models.DateTimeField()
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    is_by_schedule = models.BooleanField(default=False)
    unread_details = models.PositiveSmallIntegerField(default=0)
    estimate = models.JSONField(null=True)

    class Meta:
        ordering = ("service_provider_id", "quarter_start_date", "synced_at", "id")
        indexes = [
            models.Index(
                fields=("service_provider_id", "quarter_start_date", "synced_at"), name="care_management_by_quarter"
            )
        ]


class CareManagementBudget(models.Model):
    """One pooled budget in a saved snapshot; amounts as received."""

    save_record = models.ForeignKey(CareManagementSave, models.CASCADE, related_name="budgets")
    budget_id = models.CharField(max_length=24)
    service_provider_id = models.CharField(max_length=20, blank=True)
    budget_type_code = models.CharField(max_length=20, blank=True)
    budget_type = models.CharField(max_length=120, blank=True)
    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)
    total = money()
    used = money(lowers=True)
    available = money()
    rollover_deduction = money(lowers=True)
    write_off = money(lowers=True)
    status = models.CharField(max_length=40, blank=True)
    allocated = money()
    updated_at_date_time = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ("start_date", "budget_id")
        constraints = [models.UniqueConstraint(fields=("save_record", "budget_id"), name="care_management_budget_once")]


class CareManagementUse(models.Model):
    """What was drawn for one person in a saved snapshot; the id is empty for lines that named no one."""

    save_record = models.ForeignKey(CareManagementSave, models.CASCADE, related_name="uses")
    care_recipient_id = models.CharField(max_length=20, blank=True)
    amount = money(null=False)
    lines = models.PositiveIntegerField()

    class Meta:
        ordering = ("id",)


class CareManagementSettings(models.Model):
    """The one row of what this organisation knows about its service provider ids as a whole."""

    providers_synced_at = models.DateTimeField(null=True)
