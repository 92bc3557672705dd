"""Saving care management after a scheduled sync becomes a schedule; see docs/decisions/0016-one-hall.md."""

from typing import Any

from django.db import migrations
from django.utils import timezone


def carry_over(apps: Any, schema_editor: Any) -> None:
    """The schedule as the settings had it: on or off, and which sync it followed last."""
    settings = apps.get_model("records", "CareManagementSettings").objects.first()
    if settings is not None:
        apps.get_model("runs", "Schedule").objects.update_or_create(
            kind="pools",
            defaults={
                "is_enabled": settings.is_saved_by_schedule,
                "last_run_id": settings.last_run_id,
                "last_slot_at": timezone.now(),
            },
        )


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0009_no_lease_of_batches"),
        ("runs", "0008_batches_as_work"),
    ]
    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
