"""On PostgreSQL, let every transaction that writes changes mark where it began: records/change_order.py reads it."""

from django.db import migrations

_FUNCTION = """
CREATE OR REPLACE FUNCTION carefund_mark_changes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last bigint;
BEGIN
    IF current_setting('carefund.changes_are_marked', true) = 'yes' THEN RETURN NULL; END IF;
    EXECUTE 'SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM '
        || pg_get_serial_sequence('records_change', 'id') INTO last;
    PERFORM pg_advisory_xact_lock_shared((x'4346'::bigint << 48) | last);
    PERFORM set_config('carefund.changes_are_marked', 'yes', true);
    RETURN NULL;
END $$
"""
_TRIGGER = """
CREATE TRIGGER records_change_mark BEFORE INSERT ON records_change
FOR EACH STATEMENT EXECUTE FUNCTION carefund_mark_changes()
"""


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_FUNCTION)
        schema_editor.execute(_TRIGGER)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER IF EXISTS records_change_mark ON records_change")
        schema_editor.execute("DROP FUNCTION IF EXISTS carefund_mark_changes()")


class Migration(migrations.Migration):
    dependencies = [("records", "0019_tried_answers")]

    operations = [migrations.RunPython(install, remove)]
