"""The people cared for, the provider's branches, and how far each person is in step with the funder."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class ServiceProvider(models.Model):
    """One service provider id of this organisation, as Services Australia knows it (a branch).

    `detected_at` is when it was last found on a care recipient's budget; None: only our own records name it.
    """

    service_provider_id = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=120, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    detected_at = models.DateTimeField(null=True)
    no_longer_returned_date = models.DateField(null=True)

    class Meta:
        ordering = ("service_provider_id",)

    def __str__(self) -> str:
        return self.name or self.service_provider_id

    @property
    def name_with_id(self) -> str:
        """What a branch is called wherever people choose or read one: Northside (4049000001)."""
        return f"{self.name} ({self.service_provider_id})" if self.name else self.service_provider_id


class Client(models.Model):
    """A person this organisation cares for. `care_recipient_id` is Services Australia's key, empty if not yet known."""

    care_recipient_id = models.CharField(max_length=20, null=True, blank=True, unique=True)
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80)
    birth_date = models.DateField(null=True, blank=True)
    service_provider_id = models.CharField(
        max_length=20,
        blank=True,
        db_index=True,
        help_text="Kept from the newest budget that Services Australia returned for this person.",
    )
    external_reference_id = models.CharField(max_length=64, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        help_text="Sees the client until a branch is known.",
    )

    class Meta:
        ordering = ("last_name", "first_name", "id")
        indexes = [models.Index(fields=("last_name", "first_name", "id"), name="client_by_name")]
        constraints = [
            models.CheckConstraint(
                condition=Q(care_recipient_id__isnull=True) | ~Q(care_recipient_id=""),
                name="client_care_recipient_id_null_not_blank",
            ),
            models.UniqueConstraint(
                fields=("external_reference_id",),
                condition=~Q(external_reference_id=""),
                name="client_external_reference_id_once",
            ),
        ]

    def __str__(self) -> str:
        return f"client {self.pk}"

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_under_ndis_alone(self) -> bool:
        """Whether the NDIA knows this person and Services Australia cannot be asked: not a client to be completed."""
        ndis = getattr(self, "ndis", None)
        return not self.care_recipient_id and ndis is not None and bool(ndis.ndis_number or ndis.is_pace_participant)


class ClientMatch(models.Model):
    """A row of a provider file that may be a client who is here: same name, and a birth date that does not speak
    against it. A person says whether it is; until then no second client is made."""

    class Verdict(models.TextChoices):
        WAITING = "waiting"
        SAME = "same"
        OTHER = "other"

    client = models.ForeignKey(Client, models.CASCADE, related_name="matches", db_index=False)
    care_recipient_id = models.CharField(max_length=20)
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80)
    birth_date = models.DateField(null=True)
    service_provider_id = models.CharField(max_length=20, blank=True)
    found_at = models.DateTimeField(auto_now_add=True)
    verdict = models.CharField(max_length=8, choices=Verdict, default=Verdict.WAITING)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=("client", "care_recipient_id"), name="client_match_once")]

    def __str__(self) -> str:
        return f"client match {self.pk}"


class FunderIdentity(models.Model):
    """Who a client is to Services Australia, as its care recipient summary gives it; empty where it gives nothing.

    `given_at` is when the answer came that first said so. `state` is how this stands to the client's own details; both
    sides' writers have records/care_recipient/identities.py work it out.
    """

    client = models.OneToOneField(Client, models.CASCADE, primary_key=True, related_name="funder_identity")
    first_name = models.CharField(max_length=255, blank=True)
    middle_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    birth_date = models.DateField(null=True)
    given_at = models.DateTimeField()
    state = models.CharField(max_length=16, db_index=True)

    def __str__(self) -> str:
        return f"identity of client {self.client_id}"


class SyncState(models.Model):
    """How far one person is in step: the only row that a sync with nothing new writes.

    `digests` holds, per answer ("operation:subject"), the SHA-256 of the answer last applied, and `row_counts` how many
    records of each kind that answer holds, so that an unchanged one need not even be decoded. `reader` is the
    fingerprint of how these answers were read; where today's differs, they are reprocessed from the archive.
    `wrong_figures` counts budgets whose figures do not add up. `version` grows with every apply, so that a reviewed
    preview can be refused when the data moved meanwhile. `unanswered` says, by budget id, how asking for details ended
    where nothing was ever read; `unread_budgets` counts the listed budgets never asked about, empty: not counted yet.
    """

    client = models.OneToOneField(Client, models.CASCADE, primary_key=True, related_name="sync_state")
    fetch_started_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True, db_index=True)
    changed_at = models.DateTimeField(null=True)
    version = models.PositiveBigIntegerField(default=0)
    digests = models.JSONField(default=dict)
    row_counts = models.JSONField(default=dict)
    reader = models.CharField(max_length=32, blank=True)
    wrong_figures = models.PositiveSmallIntegerField(default=0)
    consent_missing = models.BooleanField(default=False)
    unanswered = models.JSONField(default=dict)
    unread_budgets = models.PositiveIntegerField(null=True)
    attempted_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=24, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    failed_step = models.CharField(max_length=60, blank=True)

    def __str__(self) -> str:
        return f"sync state of client {self.client_id}"
