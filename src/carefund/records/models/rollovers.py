"""Rollovers that somebody asked Services Australia for, each with what was expected of it and what was answered."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from carefund.records.models.columns import money
from carefund.records.models.history import Payload
from carefund.records.models.support_at_home import PlanBudget


class Rollover(models.Model):
    """One request to roll over one budget.

    `attempted_at` is set before the funder is asked, and `is_uncertain` stands until its answer was stored or its state
    was read: whoever finds it reads before anything is sent. `base`, `amount` and `loss` are the projection that
    was confirmed; what came of it is on the budget. `answer` is the funder's, as received.
    """

    class State(models.TextChoices):
        ASKED = "requested"
        DONE = "done"
        REFUSED = "refused"

    plan_budget = models.ForeignKey(PlanBudget, models.CASCADE, related_name="rollovers")
    state = models.CharField(max_length=12, choices=State, default=State.ASKED)
    base = money(null=False)
    amount = money(null=False)
    loss = money(null=False)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    attempted_at = models.DateTimeField(null=True)
    is_uncertain = models.BooleanField(default=False)
    finished_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)
    answer = models.ForeignKey(Payload, models.PROTECT, null=True, db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("plan_budget",), condition=~Q(state="refused"), name="rollover_once_per_budget"
            )
        ]

    def __str__(self) -> str:
        return f"rollover {self.pk}"
