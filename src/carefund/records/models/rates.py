"""Rates of the programme that an administrator entered, beside those that come with Carefund."""

from django.db import models
from django.db.models import Q

from carefund.records.models.columns import money


class EnteredRate(models.Model):
    """One version of a rate; it is never written over. `ended_at` empty: it holds. `replaces` is the version before an
    edit, so that the edit can be undone.
    """

    key = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20)
    amount = money(null=False)
    from_date = models.DateField()
    published = models.CharField(max_length=300)
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaced_by")
    entered_by = models.CharField(max_length=150)
    entered_at = models.DateTimeField(auto_now_add=True)
    ended_by = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("key", "-from_date", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=("key", "from_date"), condition=Q(ended_at__isnull=True), name="entered_rate_once_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"entered rate {self.pk}"
