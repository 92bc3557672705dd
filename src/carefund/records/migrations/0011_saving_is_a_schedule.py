from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0010_who_is_a_client"),
        ("runs", "0009_pools_as_work"),
    ]
    operations = [
        migrations.RemoveField(model_name="caremanagementsettings", name=name)
        for name in ("is_saved_by_schedule", "last_run_id", "ran_at", "problem")
    ]
