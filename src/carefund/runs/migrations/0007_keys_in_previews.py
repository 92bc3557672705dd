from django.db import migrations

from carefund.records.migrations._keys_of_changes import KeyFinder, text_of


def keep_keys(apps, schema_editor):
    """What a preview showed names records by key, as the change log does; a preview is kept for a week."""
    alias = schema_editor.connection.alias
    for preview in apps.get_model("runs", "Preview").objects.using(alias).select_related("item").iterator():
        client_id = preview.item.client_id
        finder = KeyFinder(apps, alias, {client_id}, {change["kind"] for change in preview.changes})
        for change in preview.changes:
            change["key"] = finder.find(change["kind"], client_id, change.pop("record"))
        preview.save(update_fields=["changes"])


def keep_texts(apps, schema_editor):
    for preview in apps.get_model("runs", "Preview").objects.using(schema_editor.connection.alias).iterator():
        for change in preview.changes:
            change["record"] = text_of(change.pop("key"))
        preview.save(update_fields=["changes"])


class Migration(migrations.Migration):

    dependencies = [
        ('records', '0007_keys_of_changes'),
        ('runs', '0006_one_holder'),
    ]

    operations = [
        migrations.RunPython(keep_keys, keep_texts),
    ]
