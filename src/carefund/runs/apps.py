"""Background work, as Django registers it."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def _ensure_schedules(**named: object) -> None:
    from carefund.runs.default_schedules import ensure_schedules  # noqa: PLC0415  models exist only once apps are ready

    ensure_schedules()


class RunsConfig(AppConfig):
    name = "carefund.runs"
    label = "runs"

    def ready(self) -> None:
        post_migrate.connect(_ensure_schedules, sender=self)
