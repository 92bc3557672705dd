"""Both logs without what guards them, for tests that empty every table or play somebody who tampers."""

from django.db import connection, transaction

from carefund.access.log_triggers import _list_models, _triggers


def remove_guards() -> None:
    """Drop the triggers, for tests that empty every table after themselves."""
    with transaction.atomic(), connection.cursor() as cursor:
        for model in _list_models():
            for name, _ in _triggers(model):
                on_table = f" ON {model._meta.db_table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")
