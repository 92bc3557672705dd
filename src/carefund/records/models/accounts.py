"""Account summaries of a service provider: what the funder paid and held over in a month, and the answers behind it."""

from django.db import models

from carefund.records.models.columns import money
from carefund.records.models.history import Payload


class ProviderAccount(models.Model):
    """One month of a branch's account, as the funder stated it last. `month` is its first day.

    Amounts are held over before and after the month; a movement is read anew with each answer.
    """

    service_provider_id = models.CharField(max_length=20)
    month = models.DateField()
    period_start_date = models.DateField(null=True)
    period_end_date = models.DateField(null=True)
    opening = money()
    paid = money()
    closing = money()
    read_at = models.DateTimeField(null=True, help_text="When the funder last stated it; empty before the first time.")

    class Meta:
        ordering = ("-month", "service_provider_id")
        constraints = [
            models.UniqueConstraint(fields=("service_provider_id", "month"), name="provider_account_once_a_month")
        ]

    def __str__(self) -> str:
        return f"provider account {self.pk}"


class AccountMovement(models.Model):
    """One movement of an account, in the funder's order; `claim_id` is what the funder calls its payment identifier."""

    account = models.ForeignKey(ProviderAccount, models.CASCADE, related_name="movements")
    position = models.PositiveSmallIntegerField()
    movement_date = models.DateField(null=True)
    description = models.CharField(max_length=200, blank=True)
    transaction_type = models.CharField(max_length=40, blank=True)
    claim_id = models.CharField(max_length=40, blank=True, db_index=True)
    payment_reference = models.CharField(max_length=60, blank=True)
    amount = money()
    payment_amount = money()
    heldover_balance = money()

    class Meta:
        ordering = ("position",)

    def __str__(self) -> str:
        return f"account movement {self.pk}"


class AccountAnswer(models.Model):
    """One answer about an account's month, as received. The same again makes no new row."""

    account = models.ForeignKey(ProviderAccount, models.CASCADE, related_name="answers")
    payload = models.ForeignKey(Payload, models.PROTECT, db_index=False)
    received_at = models.DateTimeField()
    received_again_at = models.DateTimeField(null=True, help_text="When the same answer came last, if it did.")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"account answer {self.pk}"
