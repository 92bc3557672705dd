"""A run has a kind, an item says what it holds and how often it was taken. What is there goes on: see 0005."""

import django.db.models.deletion
from django.db import migrations, models


def _add_column(name: str, sql: str, field: models.Field) -> migrations.RunSQL:
    """Add a column to the ledger's largest table in one statement; SQLite's own way would copy the table each time."""
    return migrations.RunSQL(
        f"ALTER TABLE runs_runitem ADD COLUMN {name} {sql}",
        f"ALTER TABLE runs_runitem DROP COLUMN {name}",
        state_operations=[migrations.AddField(model_name="runitem", name=name, field=field)],
    )


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0005_usage_without_line"),
        ("runs", "0003_failed_items"),
    ]

    operations = [
        migrations.AddField(model_name="run", name="kind", field=models.CharField(default="sync", max_length=30)),
        migrations.AddField(model_name="run", name="parameters", field=models.JSONField(default=dict)),
        migrations.AddField(model_name="runitem", name="result", field=models.JSONField(null=True)),
        _add_column(
            "holds", "varchar(80) DEFAULT '' NOT NULL", models.CharField(blank=True, db_default="", max_length=80)
        ),
        *(
            _add_column(
                name,
                f"integer DEFAULT 0 NOT NULL CHECK ({name} >= 0)",
                models.PositiveIntegerField(db_default=0),
            )
            for name in ("fence", "steps", "steps_done")
        ),
        migrations.RemoveConstraint(model_name="runitem", name="run_item_one_active_per_client"),
        migrations.RemoveConstraint(model_name="runitem", name="run_item_once_per_run"),
        migrations.AddField(
            model_name="schedule",
            name="every_minutes",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="schedule", name="last_run_id", field=models.PositiveBigIntegerField(default=0)
        ),
        migrations.AlterField(
            model_name="run",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("on demand", "On Demand"),
                    ("bulk", "Bulk"),
                    ("scheduled", "Scheduled"),
                    ("routine", "Routine"),
                    ("claim approved", "Claim Approved"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="runitem",
            name="joined",
            field=models.ForeignKey(
                help_text="The work under way on the same thing.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="runs.runitem",
            ),
        ),
        migrations.AlterField(
            model_name="schedule",
            name="at",
            field=models.TimeField(blank=True, help_text="Time of day in the provider's time zone.", null=True),
        ),
        migrations.AlterField(
            model_name="schedule", name="kind", field=models.CharField(max_length=30, unique=True)
        ),
    ]
