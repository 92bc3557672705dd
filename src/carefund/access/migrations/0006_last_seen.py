import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_chained_logs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RenameModel(old_name="LastLook", new_name="LastSeen"),
        migrations.RenameField(model_name="lastseen", old_name="looked_at", new_name="seen_at"),
        migrations.AlterField(
            model_name="lastseen",
            name="user",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="last_seen",
                serialize=False, to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
