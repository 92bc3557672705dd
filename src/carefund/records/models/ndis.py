"""What is kept of NDIS clients: who may be asked about, service contracts with their money, previews and comparisons.

Written by records/ndis/store.py alone. Amounts of a budget are as the NDIA reported them; sums are never stored.
Source: rules NDIS-05 to NDIS-10.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from carefund.records.models.columns import money
from carefund.records.models.people import Client


class OrganisationSetting(models.Model):
    """One thing that an administrator decided for the whole organisation, by name."""

    key = models.CharField(max_length=40, primary_key=True)
    value = models.JSONField()
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.key


class NdisParticipant(models.Model):
    """What a client is to the NDIA. Surname and birth date are kept only where they differ from the client's own.

    Two branches may know the same participant, and neither may learn that from the other, so a number is not unique.
    """

    client = models.OneToOneField(Client, models.CASCADE, primary_key=True, related_name="ndis")
    ndis_number = models.CharField(max_length=9, null=True, blank=True, db_index=True)
    is_pace_participant = models.BooleanField(default=False)
    api_access = models.BooleanField(default=False)
    surname = models.CharField(max_length=80, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True, help_text="A code: what the last question came to.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_pace_participant=True) | Q(api_access=False), name="ndis_api_access_needs_pace"
            ),
            models.CheckConstraint(
                condition=Q(ndis_number__isnull=True) | ~Q(ndis_number=""), name="ndis_number_null_not_blank"
            ),
        ]

    def __str__(self) -> str:
        return f"ndis participant of client {self.client_id}"


class ServiceContract(models.Model):
    """One PACE plan as a contract. The start date is the plan's identity, since PACE plans have no id of their own.

    `declined_categories` holds what a person left out at creation, so that it is not offered as news each time.
    """

    client = models.ForeignKey(Client, models.CASCADE, related_name="service_contracts", db_index=False)
    ndis_number = models.CharField(max_length=9)
    participant_plan_id = models.CharField(max_length=20, blank=True)
    start_date = models.DateField()
    end_date = models.DateField(null=True)
    first_start_date = models.DateField(null=True)
    declined_categories = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, help_text="Grows with every apply.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    synced_at = models.DateTimeField()

    class Meta:
        ordering = ("client", "-start_date")
        constraints = [models.UniqueConstraint(fields=("client", "start_date"), name="service_contract_once_per_plan")]

    def __str__(self) -> str:
        return f"service contract {self.pk}"


class ServiceContractBudget(models.Model):
    """A plan budget of a contract: the money for one support category. `category_number` is empty when unknown."""

    contract = models.ForeignKey(ServiceContract, models.CASCADE, related_name="budgets")
    category_text = models.CharField(max_length=200, help_text="As the NDIA wrote it.")
    category_number = models.CharField(max_length=2, blank=True)
    category_name = models.CharField(max_length=200)
    support_type = models.CharField(max_length=40, blank=True)
    budget_type = models.CharField(max_length=20, blank=True)
    management = models.CharField(max_length=20, blank=True)
    component_name = models.CharField(max_length=200, blank=True)
    instalment_type = models.CharField(max_length=40, blank=True)
    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)
    approved_amount = money()
    released_amount = money()
    spent_amount = money(lowers=True)
    remaining_amount = money()
    stated_items = models.JSONField(default=list)
    is_excluded = models.BooleanField(default=False, help_text="Out of the contract's totals.")
    no_longer_in_pace_date = models.DateField(null=True)

    class Meta:
        ordering = ("contract", "id")

    def __str__(self) -> str:
        return f"service contract budget {self.pk}"


class FundingComponent(models.Model):
    """A plan budget's money cut into funding periods; a budget without one has no periods."""

    budget = models.OneToOneField(ServiceContractBudget, models.CASCADE, related_name="component")
    amount = money()

    def __str__(self) -> str:
        return f"funding component {self.pk}"


class FundingPeriod(models.Model):
    """Money for a stretch of the plan. Active, Expired or Pending follows from the dates and is not stored."""

    component = models.ForeignKey(FundingComponent, models.CASCADE, related_name="periods", db_index=False)
    start_date = models.DateField()
    end_date = models.DateField()
    amount = money()
    released_amount = money()
    spent_amount = money(lowers=True)

    class Meta:
        ordering = ("start_date",)
        constraints = [
            models.UniqueConstraint(fields=("component", "start_date"), name="funding_period_once_per_start")
        ]

    def __str__(self) -> str:
        return f"funding period {self.pk}"


class DeliveredService(models.Model):
    """Money delivered against a plan budget. An adjustment record is made at creation of the contract and never again.

    Source: rule NDIS-10.
    """

    contract = models.ForeignKey(ServiceContract, models.CASCADE, related_name="delivered_services")
    budget = models.ForeignKey(ServiceContractBudget, models.CASCADE, related_name="delivered_services")
    support_item_number = models.CharField(max_length=40, blank=True)
    support_item_description = models.CharField(max_length=200)
    service_provider_name = models.CharField(max_length=120)
    delivered_date = models.DateField()
    amount: "models.DecimalField[Any, Any]" = models.DecimalField(max_digits=14, decimal_places=2)
    note = models.TextField(blank=True)
    is_adjustment = models.BooleanField(default=False)
    plan_start_date = models.DateField(
        null=True, help_text="Of an adjustment: the plan period whose spending it stands for. A review begins another."
    )
    is_claimable = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("contract", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(is_adjustment=False) | Q(is_claimable=False, support_item_number=""),
                name="delivered_service_adjustment_not_claimable",
            ),
            models.UniqueConstraint(
                fields=("budget",), condition=Q(is_adjustment=True), name="delivered_service_one_adjustment"
            ),
        ]

    def __str__(self) -> str:
        return f"delivered service {self.pk}"


class PaceComparison(models.Model):
    """The last comparison of one contract with PACE, asked for or on the schedule. Compares only; a person applies."""

    class Outcome(models.TextChoices):
        IN_STEP = "in step"
        DIFFERENT = "different"
        FAILED = "failed"

    contract = models.OneToOneField(ServiceContract, models.CASCADE, primary_key=True, related_name="comparison")
    outcome = models.CharField(max_length=12, choices=Outcome, db_index=True)
    compared_at = models.DateTimeField(null=True)
    number_of_differences = models.PositiveSmallIntegerField(default=0)
    drift_amount = money()
    code = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=300, blank=True)
    advice = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"pace comparison of contract {self.contract_id}"


class NdiaBudgetCall(models.Model):
    """One budget asked of the NDIA, kept for an hour: the NDIA serves only so many per hour, whoever asks."""

    called_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"budget call {self.pk}"
