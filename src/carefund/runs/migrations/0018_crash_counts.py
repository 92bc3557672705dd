"""How often a process ended while it had an item is called so."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("runs", "0017_call_counts")]

    operations = [migrations.RenameField("runitem", "takedowns", "crash_count")]
