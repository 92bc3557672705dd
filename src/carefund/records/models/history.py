"""What the funder said and when, and what that changed: the archive and the change log.

The archive keeps each answer as received, once per distinct content. The change log holds one row per changed field,
in a growing order, and one row per record that came or went. History, evidence and "changes since" stand on these two.
"""

from django.db import models
from django.db.models import Q

from carefund.records.models.people import Client


class Payload(models.Model):
    """The bytes of one answer, compressed (zstandard); `digest` is the SHA-256 of the bytes as received."""

    digest = models.CharField(max_length=64, primary_key=True)
    body = models.BinaryField()
    size = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.digest


class Answer(models.Model):
    """Which payload was current for one question about one person, from when until when (empty: still is)."""

    client = models.ForeignKey(Client, models.CASCADE, db_index=False, related_name="+")
    operation = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=24, blank=True)
    page = models.PositiveSmallIntegerField(default=1)
    payload = models.ForeignKey(Payload, models.PROTECT, db_index=False)
    current_from = models.DateTimeField()
    current_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("client", "operation", "subject_id", "page"),
                condition=Q(current_until__isnull=True),
                name="answer_one_current",
            )
        ]
        indexes = [models.Index(fields=("client", "current_from"), name="answer_by_client_and_time")]

    def __str__(self) -> str:
        return f"answer {self.pk}"


class TriedAnswer(models.Model):
    """One answer that came in a trial of the interfaces with a client, and that nothing was made of."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="+")
    operation = models.CharField(max_length=40)
    payload = models.ForeignKey(Payload, models.PROTECT, db_index=False)
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"tried answer {self.pk}"


class Change(models.Model):
    """One changed field of one record, or one record that came or went. `id` is the growing sequence number.

    `cause` tells news of the funder from a new reading of the same answer, as after an upgrade of Carefund, and
    from what a person here entered.
    """

    FIRST = "first sync"
    NEW = "new"
    CHANGED = "changed"
    NO_LONGER_RETURNED = "no longer returned"
    RETURNED_AGAIN = "returned again"
    REMOVED = "removed"

    # What made it change.
    FUNDER = "funder"
    READING = "reading"
    PERSON = "person"

    client = models.ForeignKey(Client, models.CASCADE, db_index=False, related_name="+")
    kind = models.CharField(max_length=40)
    action = models.CharField(max_length=20)
    key = models.JSONField(
        default=list, help_text="The parts of the record's natural key, a child's after its budget's id; dates are ISO."
    )
    field = models.CharField(max_length=40, blank=True)
    before = models.TextField(null=True)
    after = models.TextField(null=True)
    fetched_at = models.DateTimeField(help_text="When the fetch began; of a new reading, when it was done.")
    cause = models.CharField(
        max_length=10,
        db_default=FUNDER,
        help_text="The funder said something else, we read the same answer otherwise than before, or a person edited.",
    )
    made_by = models.CharField(max_length=150, null=True, help_text="The account of the person who edited.")

    class Meta:
        ordering = ("id",)
        indexes = [
            models.Index(fields=("cause", "id"), name="change_by_cause"),
            models.Index(fields=("client", "id"), name="change_by_client"),
            models.Index(fields=("fetched_at",), name="change_by_time"),
        ]

    def __str__(self) -> str:
        return f"change {self.pk}"
