"""When the last backup was made, as the database remembers it."""

from datetime import datetime

import msgspec
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from carefund.records.backups.making import MadeBackup
from carefund.records.models import OrganisationSetting

_KEY = "last-backup"


class LastBackup(msgspec.Struct, frozen=True):
    """The last backup: when, how large, whether it was restored to compare, and whether the keys are in it."""

    made_at: datetime
    size: int
    is_restored: bool
    has_keys: bool


def store_last_backup(made: MadeBackup) -> None:
    """Remember a backup. Raise DatabaseError."""
    last = LastBackup(made.manifest.made_at, made.size, made.is_restored, made.manifest.keys is not None)
    OrganisationSetting.objects.update_or_create(key=_KEY, defaults={"value": msgspec.to_builtins(last)})


def find_last_backup() -> LastBackup | None:
    """Return the last one that was made here; None before the first."""
    row = OrganisationSetting.objects.filter(key=_KEY).first()
    return msgspec.convert(row.value, LastBackup) if row else None


def find_set_up_at() -> datetime | None:
    """Return when this installation was first set up."""
    first = MigrationRecorder(connection).migration_qs.order_by("applied").first()
    return first.applied if first else None
