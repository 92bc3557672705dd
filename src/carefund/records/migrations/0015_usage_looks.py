from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0014_one_preview")]
    operations = [
        migrations.AddField(
            model_name="claim", name="usage_looks", field=models.PositiveSmallIntegerField(db_default=0)
        )
    ]
