"""Which way of backing up belongs to the database of the settings."""

from django.conf import settings

from carefund.records.backups import postgresql_dump, sqlite_file
from carefund.records.backups.manifest import BackupEngine


def find_engine() -> BackupEngine:
    """Return the module for the database in use."""
    return postgresql_dump if settings.ON_POSTGRESQL else sqlite_file
