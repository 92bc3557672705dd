import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("records", "0031_file_uploads"),
    ]

    operations = [
        migrations.CreateModel(
            name="FunderIdentity",
            fields=[
                (
                    "client",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="funder_identity",
                        serialize=False,
                        to="records.client",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=255)),
                ("middle_name", models.CharField(blank=True, max_length=255)),
                ("last_name", models.CharField(blank=True, max_length=255)),
                ("birth_date", models.DateField(null=True)),
                ("given_at", models.DateTimeField()),
                ("state", models.CharField(db_index=True, max_length=16)),
            ],
        ),
    ]
