"""Which way of backing up belongs to the database of the settings. The other one is not even imported."""

from django.conf import settings

from carefund.records.backups.manifest import BackupEngine

if settings.ON_POSTGRESQL:
    from carefund.records.backups import postgresql_dump

    _ENGINE: BackupEngine = postgresql_dump
else:
    from carefund.records.backups import sqlite_file

    _ENGINE = sqlite_file


def find_engine() -> BackupEngine:
    """Return the module for the database in use."""
    return _ENGINE
