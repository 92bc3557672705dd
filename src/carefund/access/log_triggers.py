"""What keeps both logs append-only, in the database itself: triggers that refuse every change but the sealing.

They hold for the application's own account and for whoever comes by the way. An account that owns the tables can drop
them, which `carefund check` says. Installed after each migration, since SQLite loses them when it rebuilds a table.
"""

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model

_LOGS = ("accesslogentry", "auditentry")
_HEAD = "loghead"
_FUNCTION = """
CREATE OR REPLACE FUNCTION carefund_keep_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF TG_ARGV[0] = 'head' THEN
            IF NEW.position > OLD.position AND NEW.log = OLD.log THEN RETURN NEW; END IF;
        ELSIF OLD.position IS NULL AND NEW.position IS NOT NULL
              AND to_jsonb(NEW) - 'position' - 'digest' = to_jsonb(OLD) - 'position' - 'digest' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'this log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""


def install_guards() -> None:
    """Put the triggers in place that are not there yet."""
    with transaction.atomic(), connection.cursor() as cursor:
        if apps.get_model("access", _HEAD)._meta.db_table not in connection.introspection.table_names(cursor):
            return  # tables of an earlier version, while somebody migrates step by step
        missing = [
            (name, model, statement)
            for model in _list_models()
            for name, statement in _triggers(model)
            if not _exists(name, model)
        ]
        if missing and connection.vendor == "postgresql":  # else nothing is touched that needs the tables' owner
            cursor.execute(_FUNCTION)
        for name, model, statement in missing:
            table = f" ON {model._meta.db_table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{table}")  # one that is switched off
            cursor.execute(statement)


def is_guarded(model: type[Model]) -> bool:
    """Whether a log's triggers are in place and switched on."""
    return all(_exists(name, model) for name, _ in _triggers(model))


def _list_models() -> list[type[Model]]:
    return [apps.get_model("access", name) for name in (*_LOGS, _HEAD)]


def _triggers(model: type[Model]) -> list[tuple[str, str]]:
    """Each trigger of a table with the statement that makes it."""
    table = model._meta.db_table
    is_head = model._meta.model_name == _HEAD
    if connection.vendor == "postgresql":
        call = f"EXECUTE FUNCTION carefund_keep_log('{'head' if is_head else 'log'}')"
        return [
            (f"{table}_keep", f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}"),
            (f"{table}_whole", f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}"),
        ]
    refuse = "BEGIN SELECT RAISE(ABORT, 'this log is append-only'); END"
    names = [field.column for field in model._meta.local_concrete_fields]
    key = next(field.column for field in model._meta.local_concrete_fields if field.primary_key)
    # REPLACE takes the row that is in its way without a word to the trigger for deletions.
    replaces = f'EXISTS (SELECT 1 FROM {table} WHERE "{key}" = NEW."{key}")'  # noqa: S608 our own names
    if is_head:
        allowed = "NEW.position > OLD.position AND NEW.log IS OLD.log"
    else:
        same = " AND ".join(f'NEW."{name}" IS OLD."{name}"' for name in names if name not in ("position", "digest"))
        allowed = f"OLD.position IS NULL AND NEW.position IS NOT NULL AND {same}"
        replaces += " OR NEW.position IS NOT NULL"
    return [
        (f"{table}_new", f"CREATE TRIGGER {table}_new BEFORE INSERT ON {table} WHEN {replaces} {refuse}"),
        (f"{table}_keep", f"CREATE TRIGGER {table}_keep BEFORE UPDATE ON {table} WHEN NOT ({allowed}) {refuse}"),
        (f"{table}_whole", f"CREATE TRIGGER {table}_whole BEFORE DELETE ON {table} {refuse}"),
    ]


def _exists(name: str, model: type[Model]) -> bool:
    if connection.vendor == "postgresql":
        query = "SELECT 1 FROM pg_trigger WHERE tgname = %s AND tgrelid = %s::regclass AND tgenabled <> 'D'"
    else:
        query = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = %s AND tbl_name = %s"
    with connection.cursor() as cursor:
        cursor.execute(query, [name, model._meta.db_table])
        return cursor.fetchone() is not None
