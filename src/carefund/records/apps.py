"""The package of stored records, as Django registers it."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from carefund.records.postgresql_planning import plan_short_questions


class RecordsConfig(AppConfig):
    name = "carefund.records"
    label = "records"

    def ready(self) -> None:
        """Let every connection that this process opens plan for questions such as ours."""
        connection_created.connect(plan_short_questions)
