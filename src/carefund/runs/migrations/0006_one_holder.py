"""One running item per thing, whatever the kind of work; a thing once per run."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0005_work_under_way")]

    operations = [
        migrations.AddConstraint(
            model_name="runitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "running")), fields=("holds",), name="run_item_one_holder"
            ),
        ),
        migrations.AddConstraint(
            model_name="runitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("holds", ""), _negated=True), fields=("run", "holds"), name="run_item_once_per_run"
            ),
        ),
        migrations.AddIndex(
            model_name="runitem",
            index=models.Index(
                condition=models.Q(("client__isnull", True)), fields=["holds", "-id"], name="run_item_by_thing"
            ),
        ),
        migrations.DeleteModel(name="ProviderSearch"),
    ]
