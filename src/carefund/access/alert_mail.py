"""Who is sent alerts by email and how often, each message, and what was told to whom. Written by access/alerts.py."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from carefund.records.models import Alert


class AlertMailChoice(models.Model):
    """How often an account is sent new alerts. `told_on`: the last business day on which there was a look for it."""

    class Frequency(models.TextChoices):
        OFF = "off", "Off"
        DAILY = "daily", "Daily"
        WEEKLY = "weekly", "Weekly, on Mondays"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="alert_mail")
    frequency = models.CharField(max_length=10, choices=Frequency, default=Frequency.OFF)
    has_amounts = models.BooleanField(default=False)
    told_on = models.DateField(null=True)

    def __str__(self) -> str:
        return f"alert mail of user {self.user_id}"


class AlertMail(models.Model):
    """One message to one account. Until `sent_at` is set nobody knows whether the mail server has it: it is sent again
    as it was, under the same `message_id`, or removed once it is certain that the server did not take it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    message_id = models.CharField(max_length=120)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("user",), condition=Q(sent_at__isnull=True), name="alert_mail_one_unsent")
        ]

    def __str__(self) -> str:
        return f"alert mail {self.pk}"


class ToldAlert(models.Model):
    """An alert that an account was told of, in one of its messages; never twice."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    alert = models.ForeignKey(Alert, models.CASCADE, related_name="told")
    mail = models.ForeignKey(AlertMail, models.CASCADE, related_name="told")

    class Meta:
        constraints = [models.UniqueConstraint(fields=("user", "alert"), name="told_alert_once")]

    def __str__(self) -> str:
        return f"told alert {self.pk}"
