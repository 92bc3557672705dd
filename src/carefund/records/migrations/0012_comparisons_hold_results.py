"""Who compares a contract, and which wait, is said by the ledger of work."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0011_saving_is_a_schedule"), ("runs", "0010_comparisons_as_work")]
    operations = [
        migrations.RemoveField(model_name="pacecomparison", name="held_until"),
        migrations.RemoveField(model_name="pacecomparison", name="queued_at"),
        migrations.AlterField(
            model_name="pacecomparison",
            name="outcome",
            field=models.CharField(
                choices=[("in step", "In Step"), ("different", "Different"), ("failed", "Failed")],
                db_index=True,
                max_length=12,
            ),
        ),
    ]
