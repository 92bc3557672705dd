"""Which branches an account belongs to, what it has already seen, and the log of who looked at whose funding."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from carefund.access.tokens import ApiToken
from carefund.access.two_factor import Authenticator
from carefund.records.models import Client

__all__ = ["AccessLogEntry", "ApiToken", "Authenticator", "BranchMembership", "LastLook"]


class BranchMembership(models.Model):
    """Makes the clients of one service provider id visible to one account."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="branch_memberships", db_index=False
    )
    service_provider_id = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("user", "service_provider_id"), name="branch_membership_once")]

    def __str__(self) -> str:
        return f"branch membership {self.pk}"


class LastLook(models.Model):
    """How far down the change log an account has read, so that Home can show what came after."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="last_look")
    change_id = models.BigIntegerField(default=0)
    looked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"last look of user {self.user_id}"


class AccessLogEntry(models.Model):
    """One look at, or one export of, clients' funding. Entries outlive the account and the client they name."""

    class Action(models.TextChoices):
        VIEWED = "viewed"
        EXPORTED = "exported"
        SYNCHRONISED = "synchronised"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    user_name = models.CharField(max_length=150)
    action = models.CharField(max_length=12, choices=Action)
    what = models.CharField(max_length=120, help_text="The page or file, in words.")
    client = models.ForeignKey(Client, models.SET_NULL, null=True, related_name="+", db_index=False)
    number_of_clients = models.PositiveIntegerField(default=1)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=("client", "-id"), name="access_log_by_client")]

    def __str__(self) -> str:
        return f"access log entry {self.pk}"
