"""The package of stored records, as Django registers it."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from carefund.records import postgresql_connections


class RecordsConfig(AppConfig):
    name = "carefund.records"
    label = "records"

    def ready(self) -> None:
        """Let every connection to PostgreSQL that this process opens begin as ours do."""
        connection_created.connect(postgresql_connections.begin)
