"""What people do about exceptions of the match: whose one is, until when, how it stands, and their notes.

Whether there is an exception is worked out from the rows of the moment and never kept here.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from carefund.records.models.claims import PaymentRequest
from carefund.records.models.support_at_home import BudgetUsage


class ExceptionCase(models.Model):
    """One exception that somebody took up: of a claimed line, or of a draw that has no line.

    It hangs on the row itself, which a later sync or match writes again and never replaces. Without a case an exception
    is open and nobody's. `closed_at` is when its cause was found to be gone.
    """

    class State(models.TextChoices):
        OPEN = "open"
        WAITING = "waiting"
        CLAIMED_AGAIN = "claimed-again", "claimed again"
        ACCEPTED = "accepted"
        CLOSED_UNPAID = "closed-unpaid", "closed unpaid"

    payment_request = models.OneToOneField(
        PaymentRequest, models.CASCADE, null=True, blank=True, related_name="exception_case"
    )
    usage = models.OneToOneField(BudgetUsage, models.CASCADE, null=True, blank=True, related_name="exception_case")
    state = models.CharField(max_length=16, choices=State, default=State.OPEN)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    due_date = models.DateField(null=True)
    changed_at = models.DateTimeField(auto_now=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(payment_request__isnull=False, usage__isnull=True)
                | Q(payment_request__isnull=True, usage__isnull=False),
                name="exception_case_is_about_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"exception case {self.pk}"


class ExceptionNote(models.Model):
    """What somebody wrote about an exception; without `written_by` Carefund itself did."""

    case = models.ForeignKey(ExceptionCase, models.CASCADE, related_name="notes")
    text = models.CharField(max_length=1000)
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"exception note {self.pk}"
