"""Runs that read account summaries were claim checks and are a kind of their own, so that neither waits for the other."""

from typing import Any

from django.db import migrations
from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Concat, Substr

OLD, NEW = "account:", "account-summary:"


def name_them(apps: Any, schema_editor: Any) -> None:
    """Each run of the old kind whose items hold accounts, and those items."""
    runs, items = apps.get_model("runs", "Run"), apps.get_model("runs", "RunItem")
    of_run = items.objects.filter(run=OuterRef("pk"), holds__startswith=OLD)
    found = list(runs.objects.filter(Exists(of_run), kind="claim-check").values_list("pk", flat=True))
    runs.objects.filter(pk__in=found).update(kind="account-summary")
    items.objects.filter(run__in=found).update(holds=Concat(Value(NEW), Substr("holds", len(OLD) + 1)))


class Migration(migrations.Migration):
    dependencies = [("runs", "0018_crash_counts")]
    operations = [migrations.RunPython(name_them, migrations.RunPython.noop)]
