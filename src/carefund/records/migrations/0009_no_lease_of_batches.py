"""Who sends a batch is said by the ledger of work."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("records", "0008_how_answers_were_read")]
    operations = [migrations.RemoveField(model_name="claimbatch", name="busy_until")]
