"""What surveys remember: the sums that the lists of service providers gave of each person. No funding record.

A mark is what the lists said when the person was last read and agreed with them; whoever has a mark and is no suspect
was confirmed by the newest survey.
"""

from django.db import models

from carefund.records.models.people import Client


def _sum() -> "models.CharField[str, str]":
    return models.CharField(max_length=32, blank=True, help_text="A sum of digests in hexadecimal; empty: no row.")


class Survey(models.Model):
    """One reading of the lists. `checked` counts people read although the lists said nothing new of them, and
    `drifted` those of them of whom something was new all the same."""

    started_at = models.DateTimeField()
    is_full = models.BooleanField(default=False, help_text="Everybody was to be read after it.")
    why_full = models.CharField(max_length=200, blank=True)
    only_moved = models.BooleanField(default=False, help_text="Only those who had moved since were to be read.")
    calls = models.PositiveIntegerField(default=0)
    people = models.PositiveIntegerField(default=0)
    suspects = models.JSONField(default=dict, help_text="How many are to be read, by reason.")
    calls_saved = models.IntegerField(default=0, help_text="Against reading everybody in full.")
    checked = models.PositiveIntegerField(default=0)
    drifted = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"survey {self.pk}"


class SurveyMark(models.Model):
    """One person's sums, per list. `details` has, by budget id, the head under which its details were read last, and
    `seen_summary` what the bytes of their summary said when they were last read in a list.

    It stands as long as nothing else was applied: `version` is that of the person's state.
    """

    client = models.OneToOneField(Client, models.CASCADE, primary_key=True, related_name="survey_mark")
    summary = _sum()
    contributions = _sum()
    budgets = _sum()
    frame = _sum()
    version = models.PositiveBigIntegerField(default=0)
    details = models.JSONField(default=dict)
    hides_budgets = models.BooleanField(default=False, help_text="The lists leave out budgets that are kept in step.")
    read_in_full_at = models.DateTimeField(null=True)
    seen_summary = models.CharField(
        max_length=100, blank=True, db_default="", help_text="How it was read, two digests in hexadecimal, and whose."
    )

    def __str__(self) -> str:
        return f"survey mark {self.pk}"


class SurveySuspect(models.Model):
    """One person to be read after a survey, with what it saw; gone once the answer agrees with that.

    `figures` are digests of the rows that were listed. The same was first seen at `since`.
    """

    client = models.OneToOneField(Client, models.CASCADE, primary_key=True, related_name="survey_suspect")
    survey = models.ForeignKey(Survey, models.CASCADE, db_index=False, related_name="+")
    reason = models.CharField(max_length=40)
    is_doubt = models.BooleanField(default=True, help_text="What is stored may be out of step.")
    is_narrow = models.BooleanField(default=False, help_text="The list of budgets and the details that moved will do.")
    summary = _sum()
    contributions = _sum()
    budgets = _sum()
    frame = _sum()
    figures = models.JSONField(default=list)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"survey suspect {self.pk}"
