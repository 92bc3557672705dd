"""Claims: what was asked of the funder in one go, what it calls it, how far it is, and what it paid for each line."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from carefund.records.models.columns import money
from carefund.records.models.history import Payload
from carefund.records.models.invoices import InvoiceLineItem


class ClaimBatch(models.Model):
    """Lines chosen to be claimed together.

    `is_claim_uncertain` is set before the claim is made and taken away after its answer was stored.
    """

    class State(models.TextChoices):
        PREPARED = "prepared"
        SENDING = "sending"
        CLAIMED = "claimed"
        CANCELLED = "cancelled", "claim cancelled"
        WITHDRAWN = "withdrawn"

    service_provider_id = models.CharField(max_length=20)
    funding_source = models.CharField(max_length=4, blank=True, help_text="Empty: every kind of funding.")
    from_date = models.DateField()
    to_date = models.DateField()
    state = models.CharField(max_length=12, choices=State, default=State.PREPARED)
    is_claim_uncertain = models.BooleanField(default=False)
    claim_attempted_at = models.DateTimeField(null=True)
    problem_code = models.CharField(max_length=40, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    advice = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"claim batch {self.pk}"


class Claim(models.Model):
    """One claim as the funder holds it; without `batch` it was made elsewhere, such as in the portal.

    `status` is the state in force; `reported_status` is the funder's last word as it came. `related_updated_at` says
    when payment and invoices were brought in, `sync_requested_at` when its people were asked to be synchronised,
    and `usage_rechecks` how often those without their draws were since.
    """

    claim_id = models.CharField(max_length=24, unique=True)
    batch = models.ForeignKey(ClaimBatch, models.SET_NULL, null=True, blank=True, related_name="claims")
    service_provider_id = models.CharField(max_length=20, db_index=True)
    service_naps_id = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=40, blank=True, db_index=True)
    reported_status = models.CharField(max_length=40, blank=True)
    invoice_ids = models.JSONField(default=list)
    care_recipient_ids = models.JSONField(default=list)
    made_at = models.DateTimeField(help_text="When the claim was made, as far as is known.")
    checked_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True)
    approved_date = models.DateField(null=True)
    payment_date = models.DateField(null=True)
    claim_total = money()
    total_paid = money()
    compensation_reduction = money()
    care_recipient_individual_contribution = money()
    heldover_previous_period = money()
    outstanding_heldover = money()
    discrepancies = models.JSONField(default=list, help_text="Sentences about what does not add up.")
    is_settled = models.BooleanField(default=False, help_text="Completed, and its payment read after that.")
    related_updated_at = models.DateTimeField(null=True)
    sync_requested_at = models.DateTimeField(null=True)
    usage_rechecks = models.PositiveSmallIntegerField(db_default=0)

    class Meta:
        ordering = ("-made_at", "-id")

    def __str__(self) -> str:
        return f"claim {self.pk}"


class ClaimAnswer(models.Model):
    """One answer about a claim, or about a batch on its way to be one, as received. The same again makes no new row.

    Sending knows the batch, Check Status the claim; `subject_id` is the funder's number, or our reference before that.
    """

    batch = models.ForeignKey(ClaimBatch, models.CASCADE, null=True, db_index=False, related_name="answers")
    claim = models.ForeignKey(Claim, models.CASCADE, null=True, db_index=False, related_name="answers")
    operation = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=24, blank=True)
    page = models.PositiveSmallIntegerField(default=1)
    payload = models.ForeignKey(Payload, models.PROTECT, db_index=False)
    received_at = models.DateTimeField()
    received_again_at = models.DateTimeField(null=True, help_text="When the same answer came last, if it did.")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(batch__isnull=False) | Q(claim__isnull=False), name="claim_answer_is_about_something"
            )
        ]
        indexes = [
            models.Index(fields=("claim", "operation", "subject_id"), name="claim_answer_by_claim"),
            models.Index(fields=("batch", "operation", "subject_id"), name="claim_answer_by_batch"),
        ]

    def __str__(self) -> str:
        return f"claim answer {self.pk}"


class PaymentRequest(models.Model):
    """One line in one batch: what is asked for it and what was decided. A line has at most one that counts."""

    class State(models.TextChoices):
        READY = "ready"
        CLAIMED = "claimed"
        PAID = "paid"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    batch = models.ForeignKey(ClaimBatch, models.CASCADE, related_name="payment_requests")
    line_item = models.ForeignKey(InvoiceLineItem, models.PROTECT, related_name="payment_requests")
    state = models.CharField(max_length=12, choices=State, default=State.READY)
    amount = money(null=False)
    cautions = models.JSONField(default=list, help_text="Sentences known before sending.")
    paid_amount = money()
    individual_contribution_amount = money()
    compensation_reduction = money()
    payment_determination = models.CharField(max_length=60, blank=True)
    aged_care_reference = models.CharField(max_length=60, blank=True)
    claim_approved_date = models.DateField(null=True)
    payment_date = models.DateField(null=True)
    is_matched = models.BooleanField(default=False, help_text="Paid, and found to agree with what was drawn.")

    class Meta:
        ordering = ("id",)
        indexes = [
            # With whose line and batch each is, so that what is under way is read from the index alone.
            models.Index(
                fields=("state", "line_item", "batch"), condition=Q(is_matched=False), name="payment_request_unmatched"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("line_item",),
                condition=~Q(state__in=("refused", "withdrawn")),
                name="payment_request_one_per_line",
            )
        ]

    def __str__(self) -> str:
        return f"payment request {self.pk}"
