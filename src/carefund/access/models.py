"""Which branches an account belongs to, what it has already seen, and both logs: access and audit."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from carefund.access.alert_mail import AlertMail, AlertMailChoice, ToldAlert
from carefund.access.idempotency import AnsweredCall
from carefund.access.tokens import ApiToken
from carefund.access.two_factor import Authenticator
from carefund.records.models import Client

__all__ = [
    "AccessLogEntry",
    "AddressFailures",
    "AlertMail",
    "AlertMailChoice",
    "AnsweredCall",
    "ApiToken",
    "AuditEntry",
    "Authenticator",
    "BranchMembership",
    "DirectoryIdentity",
    "LastSeen",
    "LogEntry",
    "LogHead",
    "ToldAlert",
]


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


class DirectoryIdentity(models.Model):
    """Whose an account is in the provider's own directory; `subject` never changes there, a username may."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="directory_identity"
    )
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)

    class Meta:
        verbose_name_plural = "directory identities"
        constraints = [models.UniqueConstraint(fields=("issuer", "subject"), name="directory_identity_once")]

    def __str__(self) -> str:
        return f"directory identity of user {self.user_id}"


class LastSeen(models.Model):
    """How far down the change log an account has read, so that Home can show what came after."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="last_seen")
    change_id = models.BigIntegerField(default=0)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"last seen of user {self.user_id}"


class AddressFailures(models.Model):
    """How often somebody failed to get in from an address since `begun_at`, for a quarter of an hour at most."""

    address = models.CharField(max_length=50, primary_key=True)
    begun_at = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return "failures of an address"


class LogEntry(models.Model):
    """One entry of a log that nobody changes afterwards. It outlives the account that it names.

    `position` and `digest` are its place in the log's chain, given by the housekeeping (log_sealing.py).
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    user_name = models.CharField(max_length=150)
    at = models.DateTimeField(default=timezone.now)
    position = models.BigIntegerField(null=True, unique=True, editable=False)
    digest = models.CharField(max_length=64, default="", editable=False)

    class Meta:
        abstract = True


class AccessLogEntry(LogEntry):
    """One page with, one export of, or one question about clients' funding; or a call with a token that showed nobody.
    It outlives the clients that it names.

    One client is in `client`; several are in `client_ids`, as numbers with commas around each.
    """

    class Action(models.TextChoices):
        VIEWED = "viewed"
        EXPORTED = "exported"
        SYNCHRONISED = "synchronised"
        USED = "used"

    action = models.CharField(max_length=12, choices=Action)
    what = models.CharField(max_length=120, help_text="The page or file, in words.")
    client = models.ForeignKey(
        Client, models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    client_ids = models.TextField(default="", blank=True)
    number_of_clients = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("-id",)
        verbose_name = "access log"
        indexes = [
            models.Index(fields=("client", "-id"), name="access_log_by_client"),
            models.Index(fields=("id",), condition=models.Q(position__isnull=True), name="access_log_unsealed"),
        ]

    def __str__(self) -> str:
        return f"access log entry {self.pk}"

    @property
    def listed_ids(self) -> list[int]:
        """The numbers of the clients whom a page with several named."""
        return [int(number) for number in self.client_ids.split(",") if number]


class AuditEntry(LogEntry):
    """One act of an administrator, of finance, or at the terminal, with what differed before and after."""

    act = models.CharField(max_length=80)
    subject = models.CharField(max_length=150, blank=True, help_text="An account, a run, a batch; never a client.")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering = ("-id",)
        verbose_name = "audit log"
        indexes = [models.Index(fields=("id",), condition=models.Q(position__isnull=True), name="audit_log_unsealed")]

    def __str__(self) -> str:
        return f"audit log entry {self.pk}"


class LogHead(models.Model):
    """Where the chain of a log ends, so that entries missing at its end show too."""

    log = models.CharField(max_length=40, primary_key=True)
    position = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")
    sealed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"head of {self.log}"
