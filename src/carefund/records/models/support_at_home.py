"""What Services Australia says of one care recipient. Written by records/synced_tables.py alone.

Every table carries `client` first in its one unique index, since all reading and comparing is per person. A row that
the funder no longer lists keeps its values and gets a `no_longer_returned_date`.
"""

from django.db import models
from django.db.models import Q

from carefund.records.models.columns import money, percentage
from carefund.records.models.people import Client

_TEXT = 255  # wider than anything known: a longer code than expected must not fail a person's sync


class Plan(models.Model):
    """The funding plan that all synced records of one care recipient hang on.

    Source: rule SYNC-04. Only the latest plan of a type can be active, so the constraint
    on `is_latest` is what makes a second active plan impossible, whatever runs at the same time.
    """

    SUPPORT_AT_HOME = "Support at Home"
    QUARTERLY = "Quarterly"

    client = models.ForeignKey(Client, models.CASCADE, related_name="plans")
    type = models.CharField(max_length=40, default=SUPPORT_AT_HOME)
    claim_period = models.CharField(max_length=20, default=QUARTERLY)
    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)
    is_latest = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("client", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=("client", "type"), condition=Q(is_latest=True), name="plan_one_latest_per_client"
            ),
            models.CheckConstraint(
                condition=Q(is_latest=True) | Q(end_date__isnull=False), name="plan_only_latest_is_open_ended"
            ),
        ]

    def __str__(self) -> str:
        return f"plan {self.pk}"


class FunderRecord(models.Model):
    """What every synced row has, beside its own fields."""

    client = models.ForeignKey(Client, models.CASCADE, db_index=False, related_name="+")
    ordinal = models.PositiveSmallIntegerField(default=0)
    no_longer_returned_date = models.DateField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        abstract = True


class Classification(FunderRecord):
    """A level or pathway the person was assessed for, with the dates between which it holds."""

    plan = models.ForeignKey(Plan, models.CASCADE, db_index=False, related_name="classifications")
    type = models.CharField(max_length=_TEXT, blank=True)
    code = models.CharField(max_length=_TEXT, blank=True)
    level = models.CharField(max_length=_TEXT, blank=True)
    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)
    status = models.CharField(max_length=_TEXT, blank=True)
    priority = models.CharField(max_length=_TEXT, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("client", "type", "code", "level", "start_date", "ordinal"), name="classification_key"
            )
        ]


class ApprovedService(FunderRecord):
    """A service the person may be given, as a path of group, type and service."""

    plan = models.ForeignKey(Plan, models.CASCADE, db_index=False, related_name="approved_services")
    service_group_id = models.CharField(max_length=_TEXT, blank=True)
    service_group_text = models.CharField(max_length=_TEXT, blank=True)
    service_type_id = models.CharField(max_length=_TEXT, blank=True)
    service_type_text = models.CharField(max_length=_TEXT, blank=True)
    service_id = models.CharField(max_length=_TEXT, blank=True)
    service_text = models.CharField(max_length=_TEXT, blank=True)
    category = models.CharField(max_length=_TEXT, blank=True)
    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)
    status = models.CharField(max_length=_TEXT, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("client", "service_group_id", "service_type_id", "service_id", "start_date", "ordinal"),
                name="approved_service_key",
            )
        ]


class Supplement(FunderRecord):
    """An allocation on top of the classification, such as oxygen or enteral feeding."""

    plan = models.ForeignKey(Plan, models.CASCADE, db_index=False, related_name="supplements")
    type_code = models.CharField(max_length=_TEXT, blank=True)
    description = models.CharField(max_length=_TEXT, blank=True)
    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)
    status = models.CharField(max_length=_TEXT, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("client", "type_code", "start_date", "ordinal"), name="supplement_key")
        ]


class IndividualContribution(FunderRecord):
    """The share of the price that the person pays, per category. A missing share is unknown, never 0%.

    The funder gives no key, so the whole set is replaced when any of it changed, and nothing may point here.
    Source: rule SYNC-06.
    """

    plan = models.ForeignKey(Plan, models.CASCADE, db_index=False, related_name="individual_contributions")
    service_provider_id = models.CharField(max_length=_TEXT, blank=True)
    service_naps_id = models.CharField(max_length=_TEXT, blank=True)
    clinical_percentage = percentage()
    independence_percentage = percentage()
    everyday_living_percentage = percentage()
    effective_date_from = models.DateField(null=True)
    effective_date_to = models.DateField(null=True)
    status = models.CharField(max_length=_TEXT, blank=True)
    updated_at_date_time = models.CharField(max_length=_TEXT, blank=True)

    class Meta:
        indexes = [models.Index(fields=("client",), name="contribution_by_client")]


class PlanBudget(FunderRecord):
    """A sum of government money for a purpose and a period. Deductions and use are negative, as received."""

    plan = models.ForeignKey(Plan, models.CASCADE, db_index=False, related_name="plan_budgets")
    budget_id = models.CharField(max_length=_TEXT)
    service_provider_id = models.CharField(max_length=_TEXT, blank=True)
    budget_type_code = models.CharField(max_length=_TEXT, blank=True)
    budget_type = models.CharField(max_length=_TEXT, blank=True)
    entry_date = models.DateField(null=True)
    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)
    total = money()
    available = money()
    used = money(lowers=True)
    write_off = money(lowers=True)
    rollover_deduction = money(lowers=True)
    status = models.CharField(max_length=_TEXT, blank=True)
    created_at_date_time = models.CharField(max_length=_TEXT, blank=True)
    updated_at_date_time = models.CharField(max_length=_TEXT, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("client", "budget_id", "ordinal"), name="plan_budget_key")]
        # With what the list of clients is sorted by, so that ten thousand budgets are read from the index alone.
        indexes = [
            models.Index(
                fields=("budget_type_code", "end_date", "no_longer_returned_date", "start_date", "client", "available"),
                name="plan_budget_left_by_client",
            )
        ]

    def __str__(self) -> str:
        return f"plan budget {self.pk}"


class Entitlement(FunderRecord):
    """One line of what makes up a plan budget's total, such as a level's daily rate or a supplement."""

    plan_budget = models.ForeignKey(PlanBudget, models.CASCADE, db_index=False, related_name="entitlements")
    item_code = models.CharField(max_length=_TEXT, blank=True)
    description = models.CharField(max_length=_TEXT, blank=True)
    amount = money()
    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)
    created_at_date_time = models.CharField(max_length=_TEXT, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("client", "plan_budget", "item_code", "start_date", "end_date", "ordinal"),
                name="entitlement_key",
            )
        ]
        # With what is added up of thousands of budgets.
        indexes = [
            models.Index(
                fields=("plan_budget", "amount"),
                name="entitlement_by_budget",
                condition=Q(no_longer_returned_date__isnull=True),
            )
        ]


class BudgetUsage(FunderRecord):
    """One draw on a plan budget, for one of our lines if that is known. Who drew: domain/care_recipient/draws.py.

    Source: rule SYNC-07.
    """

    plan_budget = models.ForeignKey(PlanBudget, models.CASCADE, db_index=False, related_name="budget_usage")
    invoice_line_item = models.ForeignKey(
        "records.InvoiceLineItem", models.SET_NULL, null=True, db_index=False, related_name="budget_usage"
    )
    service_provider_id = models.CharField(max_length=_TEXT, blank=True)
    item_code = models.CharField(max_length=_TEXT, blank=True)
    description = models.CharField(max_length=_TEXT, blank=True)
    invoice_id = models.CharField(max_length=_TEXT, blank=True)
    item_id = models.CharField(max_length=_TEXT, blank=True)
    amount = money(lowers=True)
    delivery_date = models.DateField(null=True)
    updated_at_date_time = models.CharField(max_length=_TEXT, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("client", "plan_budget", "invoice_id", "item_id", "ordinal"), name="budget_usage_key"
            )
        ]
        indexes = [
            # With all that says whether a line was drawn.
            models.Index(
                fields=("invoice_line_item", "no_longer_returned_date", "amount"),
                name="budget_usage_by_line",
                condition=Q(invoice_line_item__isnull=False),
            ),
            # Where nothing was given back, as nearly everywhere, no draw was reversed.
            models.Index(
                fields=("client", "invoice_line_item"),
                name="budget_usage_given_back",
                condition=Q(amount__gte=0, invoice_line_item__isnull=False, no_longer_returned_date__isnull=True),
            ),
            models.Index(
                fields=("service_provider_id", "delivery_date", "id"),
                name="budget_usage_without_line",
                condition=Q(invoice_line_item__isnull=True, no_longer_returned_date__isnull=True),
            ),
        ]
