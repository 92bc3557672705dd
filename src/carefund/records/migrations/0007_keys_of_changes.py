import json

from django.db import migrations, models

from carefund.records.migrations._keys_of_changes import CONTRACTS, JOINED, LONGEST, SYNCED, KeyFinder, text_of

AT_ONCE = 5000


class AddFieldKeepingNumbers(migrations.AddField):
    """SQLite makes the table anew for a column that is never null; a number of the log is still never given twice."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        last = None
        if schema_editor.connection.vendor == "sqlite":
            with schema_editor.connection.cursor() as cursor:
                cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records_change'")
                last = cursor.fetchone()
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        if last:
            schema_editor.execute("DELETE FROM sqlite_sequence WHERE name = 'records_change'")
            schema_editor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('records_change', %s)", last)


def keep_keys(apps, schema_editor):
    """Whole keys in one statement per kind; the others, of which a part was empty or that were cut, in batches."""
    with schema_editor.connection.cursor() as cursor:
        for kind, (_, attributes) in SYNCED.items():
            cursor.execute(whole_keys(schema_editor.connection.vendor), [JOINED, LONGEST, JOINED, len(attributes), kind])
    alias = schema_editor.connection.alias
    changes = apps.get_model("records", "Change").objects.using(alias).order_by("id").exclude(record="").filter(key=[])
    last = 0
    while batch := list(changes.filter(id__gt=last).values_list("id", "client_id", "kind", "record")[:AT_ONCE]):
        last = batch[-1][0]
        finder = KeyFinder(apps, alias, {row[1] for row in batch}, {row[2] for row in batch})
        keys = [(json.dumps(finder.find(kind, client_id, record), ensure_ascii=False), number)
                for number, client_id, kind, record in batch]
        mark = "%s::jsonb" if schema_editor.connection.vendor == "postgresql" else "%s"
        with schema_editor.connection.cursor() as cursor:
            cursor.executemany(f"UPDATE records_change SET key = {mark} WHERE id = %s", keys)  # noqa: S608


def whole_keys(vendor):
    """The text as a JSON text, with every joint made the border of two elements."""
    quoted = "to_json(record)::text" if vendor == "postgresql" else "json_quote(record)"
    key = f"'[' || replace({quoted}, %s, '\",\"') || ']'"
    key = f"({key})::jsonb" if vendor == "postgresql" else key
    parts = "1 + (length(record) - length(replace(record, %s, ''))) / 3"
    return (
        f"UPDATE records_change SET key = {key}"  # noqa: S608 no value
        f" WHERE record <> '' AND length(record) < %s AND {parts} = %s AND kind = %s"
    )


def keep_texts(apps, schema_editor):
    """The way back."""
    alias = schema_editor.connection.alias
    changes = apps.get_model("records", "Change").objects.using(alias).order_by("id").exclude(key=[])
    last = 0
    while batch := list(changes.filter(id__gt=last).values_list("id", "kind", "key")[:AT_ONCE]):
        last = batch[-1][0]
        texts = [(text_of_change(kind, key)[:LONGEST], number) for number, kind, key in batch]
        with schema_editor.connection.cursor() as cursor:
            cursor.executemany("UPDATE records_change SET record = %s WHERE id = %s", texts)


def text_of_change(kind, key):
    if kind not in CONTRACTS or key[0] is None:
        return text_of(key)
    plan, category, period = [*key, None, None][:3]
    about = f"{category} from {period}, " if period else f"{category}, " if category else ""
    return f"{about}PACE plan from {plan}"


class Migration(migrations.Migration):

    dependencies = [
        ('records', '0006_invoice_by_service_provider'),
    ]

    operations = [
        AddFieldKeepingNumbers(
            model_name='change',
            name='key',
            field=models.JSONField(default=list, help_text='The parts of the record\'s natural key, a child\'s after its budget\'s id; dates are ISO.'),
        ),
        migrations.RunPython(keep_keys, keep_texts),
        migrations.RemoveField(model_name='change', name='record'),
    ]
