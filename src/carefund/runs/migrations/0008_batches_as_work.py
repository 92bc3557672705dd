"""A claim batch that was being sent becomes a run that goes on; see docs/decisions/0016-one-hall.md."""

from typing import Any

from django.db import migrations


def carry_over(apps: Any, schema_editor: Any) -> None:
    """A run for each batch whose sending nothing has stopped."""
    runs, items = apps.get_model("runs", "Run"), apps.get_model("runs", "RunItem")
    for batch in apps.get_model("records", "ClaimBatch").objects.filter(state="sending", problem_code="").order_by("id"):
        run = runs.objects.create(
            kind="claim-batch",
            trigger="on demand",
            scope=f"claim batch {batch.pk}",
            requested_by=batch.created_by,
            total=1,
        )
        items.objects.create(run=run, holds=f"batch:{batch.pk}")


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0007_keys_of_changes"),
        ("runs", "0007_keys_in_previews"),
    ]
    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
