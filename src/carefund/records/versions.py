"""Whether this Carefund and its database are of one version: the migrations applied against those it knows."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder

_OURS = ("records", "runs", "access")
NEWER = (
    "A newer version of Carefund set up this database.",
    "Start the newer version. To go back, restore the backup from before the upgrade.",
)
OLDER = ("The database's tables are missing or out of date.", "Run `carefund setup` first.")


def find_version_problem() -> tuple[str, str] | None:
    """Return what is wrong and what to do, None if database and programme fit. Raises DatabaseError."""
    file = str(settings.DATABASES["default"]["NAME"])
    if not settings.ON_POSTGRESQL and not file.startswith("file:") and not Path(file).exists():  # file: is in memory
        return OLDER  # not looked into, since that would make it
    applied = {key for key in MigrationRecorder(connection).applied_migrations() if key[0] in _OURS}
    known = _list_known()
    if applied - known:
        return NEWER
    return OLDER if known - applied else None


def is_database_newer() -> bool:
    """Whether a newer programme has changed the tables, for a process that stays; its connection does not stay open."""
    try:
        return find_version_problem() is NEWER
    except DatabaseError:  # told elsewhere
        return False
    finally:
        connection.close()


def knows_all(applied: Iterable[str]) -> bool:
    """Whether this Carefund has all of these migrations, named as `runs.0001_initial`; those of others are left out."""
    keys = {(label, name) for label, _, name in (migration.partition(".") for migration in applied)}
    return {key for key in keys if key[0] in _OURS} <= _list_known()


def _list_known() -> set[tuple[str, str]]:
    return {(label, name) for label in _OURS for name in _list_migrations(label)}


def _list_migrations(label: str) -> list[str]:
    """Return the migrations' names by their files: nothing is imported, since every command asks."""
    package = import_module(f"{apps.get_app_config(label).name}.migrations")
    return [module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] not in "_~"]
