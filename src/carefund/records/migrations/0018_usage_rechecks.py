from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("records", "0017_survey")]

    operations = [migrations.RenameField(model_name="claim", old_name="usage_looks", new_name="usage_rechecks")]
