"""The ledger: what was asked, what is under way, what came of it, whatever the kind of work.

It is the record that people read and the truth that a resume starts from. No queue lives here: an engine only hands
over work; whether an item is done is decided by the row.
"""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from carefund.funders.correlation import find_or_make_correlation_id
from carefund.records.models import Client

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Run(models.Model):
    """One request for work, on one thing or on many. `kind` is a key of the table of kinds (`runs.kinds`).

    `parameters` is JSON whose shape is the kind's own; `parts`, `open_budget_days` and `is_preview` are the parameters
    of people's sync.
    """

    SYNC = "sync"

    class Trigger(models.TextChoices):
        ON_DEMAND = "on demand"
        BULK = "bulk"
        SCHEDULED = "scheduled"
        ROUTINE = "routine"  # by the clock, many times a day; listed only on request or when something failed
        CLAIM_APPROVED = "claim approved"

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        PAUSED = "paused"
        FINISHED = "finished"
        CANCELLED = "cancelled"

    class Parts(models.TextChoices):
        EVERYTHING = "everything"
        CONTRIBUTIONS = "contributions"
        BUDGETS = "budgets"
        BUDGETS_AND_USAGE = "budgets and usage"
        UNREAD_BUDGETS = "unread budgets"
        SURVEY = "survey"  # first the lists, then everything of those who moved; of everybody active

    kind = models.CharField(max_length=30, default=SYNC)
    trigger = models.CharField(max_length=20, choices=Trigger)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    parts = models.CharField(max_length=20, choices=Parts, default=Parts.EVERYTHING)
    scope = models.CharField(max_length=200, help_text="In words, for the list of runs; never an id of a person.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="retries")
    open_budget_days = models.PositiveSmallIntegerField(
        null=True, help_text="Usage of budgets that ended up to so many days ago; empty: as in the settings."
    )
    is_preview = models.BooleanField(default=False, help_text="Fetches and compares; writes no record.")
    parameters = models.JSONField(default=dict)
    correlation_id = models.CharField(
        max_length=36, default=find_or_make_correlation_id, db_default="", help_text="In the log, and told to funders."
    )
    total = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    paused_reason = models.CharField(max_length=200, blank=True)
    paused_at = models.DateTimeField(null=True)
    resumes_at = models.DateTimeField(null=True, help_text="Set when the run resumes by itself.")

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=("status",), name="run_by_status")]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.status in (self.Status.FINISHED, self.Status.CANCELLED)

    def asks_the_same_as(self, other: "Run") -> bool:
        """Whether the work on one and the same thing would be the same, so that doing it once serves both."""
        return self._question == other._question

    @property
    def _question(self) -> tuple[Any, ...]:
        return (self.kind, self.parts, self.open_budget_days, self.is_preview, self.parameters)


class RunItem(models.Model):
    """One thing that a run is to work on, and what came of it.

    `holds` names the thing (`client:12`, `batch:5`); nobody else works on it while this item is running. `fence` rises
    with each taking of the item, so whoever had it before is known to have lost it. `crash_count` counts the processes
    that ended without a word while they had it. `steps_done` of `steps` tells how far a long item is, in units of its
    own. `result` is what came of it as the kind has it.
    `counts` of a sync is {kind: {"new": n, "changed": n, "unchanged": n, "no_longer_returned": n}}. An id in a file
    that nobody has makes an item that holds nothing.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"

    class Outcome(models.TextChoices):
        CHANGED = "changed"
        UNCHANGED = "unchanged"
        CONSENT_MISSING = "consent not given"
        SUPERSEDED = "superseded", "superseded by a newer sync"
        FAILED = "failed"

    run = models.ForeignKey(Run, models.CASCADE, related_name="items", db_index=False)
    client = models.ForeignKey(Client, models.CASCADE, null=True, related_name="run_items", db_index=False)
    care_recipient_id = models.CharField(max_length=40, blank=True)
    holds = models.CharField(max_length=80, blank=True, db_default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    joined = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The work under way on the same thing.",
    )
    counts = models.JSONField(default=dict)
    warnings = models.JSONField(default=list, help_text="Sentences without names or ids.")
    result = models.JSONField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    failed_step = models.CharField(max_length=60, blank=True)
    message = models.CharField(max_length=300, blank=True)
    advice = models.CharField(max_length=300, blank=True)
    holder = models.CharField(max_length=60, blank=True)
    held_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(db_default=0)
    crash_count = models.PositiveSmallIntegerField(db_default=0)
    steps = models.PositiveIntegerField(db_default=0)
    steps_done = models.PositiveIntegerField(db_default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=("holds",), condition=Q(status="running"), name="run_item_one_holder"),
            models.UniqueConstraint(fields=("run", "holds"), condition=~Q(holds=""), name="run_item_once_per_run"),
        ]
        indexes = [
            models.Index(fields=("run", "status", "id"), name="run_item_by_run_and_status"),
            models.Index(fields=("client", "-id"), name="run_item_by_client"),
            models.Index(fields=("run",), condition=Q(outcome="failed"), name="run_item_failed"),
            # Of the few that are under way. The conditions have no value in them, so that SQLite can use them too.
            models.Index(fields=("held_until",), condition=Q(held_until__isnull=False), name="run_item_held"),
            models.Index(fields=("joined",), condition=Q(joined__isnull=False), name="run_item_joined"),
            models.Index(fields=("holds", "-id"), condition=Q(client__isnull=True), name="run_item_by_thing"),
        ]

    def __str__(self) -> str:
        return f"run item {self.pk}"

    @property
    def held_id(self) -> str:
        """The id of the thing that is worked on, without its kind: 5 of `batch:5`."""
        return self.holds.partition(":")[2]


class Preview(models.Model):
    """What a person is shown before it is applied, with the frozen answers that would be applied (`fetch`).

    `version` is the state it rests on; `changes` is what a sync of one person would change; `refusal` is what a funder
    said word for word in place of an answer. It may be applied once, and until `expires_at` if that is set.
    """

    item = models.OneToOneField(RunItem, models.CASCADE, primary_key=True, related_name="preview")
    version = models.PositiveBigIntegerField()
    changes = models.JSONField(default=list)
    refusal = models.JSONField(default=list)
    fetch = models.BinaryField(default=b"")
    expires_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"preview {self.pk}"


class CallLimit(models.Model):
    """What all processes agree on about calls to one funder: when the next may start, who has how many under way."""

    funder = models.CharField(max_length=30, primary_key=True)
    next_at = models.DateTimeField(default=LONG_AGO)
    closed_until = models.DateTimeField(default=LONG_AGO, help_text="The funder asked for patience until then.")
    shares = models.JSONField(default=dict, help_text="By process: places, and until when they are kept.")

    def __str__(self) -> str:
        return self.funder


class CallCount(models.Model):
    """How many calls to a funder ended with a status since this installation began; 0: without an answer."""

    funder = models.CharField(max_length=30)
    status = models.PositiveSmallIntegerField()
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("funder", "status"), name="call_count_once")]

    def __str__(self) -> str:
        return f"calls to {self.funder}, {self.status}"


class Schedule(models.Model):
    """A run that is asked for at its time; `kind` is a key of the table of schedules (`runs.schedule`).

    It is due at a time of the provider's day (`at`), every so many minutes (`every_minutes`), or whenever a scheduled
    sync has ended; `last_run_id` is the newest of those that was followed.
    """

    class Kind(models.TextChoices):
        NIGHTLY = "nightly", "All active clients"
        DAYTIME = "daytime", "Clients with changes, in business hours"
        TAIL = "tail", "Late changes to ended budgets"
        UNREAD = "unread", "Budgets not read yet"
        CONTRACTS = "contracts", "NDIS contracts compared with PACE"
        CLAIM_BATCHES = "claim-batches", "Unsent claim batches"
        CLAIM_CHECKS = "claim-checks", "Claims in progress"
        CLAIM_BOOKS = "claim-books", "Claim records compared with Services Australia"
        POOLS = "pools", "Care management history"
        RETENTION = "retention", "Removal of old runs"
        BACKUP = "backup", "Backup"
        ALERTS = "alerts", "Alerts"
        ALERT_MAIL = "alert-mail", "Alerts by email"

    kind = models.CharField(max_length=30, unique=True)
    is_enabled = models.BooleanField(default=True)
    at = models.TimeField(null=True, blank=True, help_text="Time of day in the provider's time zone.")
    weekday = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Monday is 0; empty: every day.")
    every_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    parts = models.CharField(max_length=20, choices=Run.Parts, default=Run.Parts.EVERYTHING)
    last_slot_at = models.DateTimeField()
    last_run_id = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.kind

    @property
    def name(self) -> str:
        return dict(self.Kind.choices).get(self.kind, self.kind)
