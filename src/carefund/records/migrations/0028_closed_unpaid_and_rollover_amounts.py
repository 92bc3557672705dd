"""An exception that we give up on is closed unpaid: "write off" is what Services Australia does. A rollover has an amount."""

from typing import Any

from django.db import migrations, models


def _rename(apps: Any, before: str, after: str) -> None:
    apps.get_model("records", "ExceptionCase").objects.filter(state=before).update(state=after)


class Migration(migrations.Migration):
    dependencies = [("records", "0027_alerts")]

    operations = [
        migrations.AlterField(
            model_name="exceptioncase",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "Open"),
                    ("waiting", "Waiting"),
                    ("claimed-again", "claimed again"),
                    ("accepted", "Accepted"),
                    ("closed-unpaid", "closed unpaid"),
                ],
                default="open",
                max_length=16,
            ),
        ),
        migrations.RenameField("rollover", "carry_over", "amount"),
        migrations.RunPython(
            lambda apps, _editor: _rename(apps, "written-off", "closed-unpaid"),
            lambda apps, _editor: _rename(apps, "closed-unpaid", "written-off"),
        ),
    ]
