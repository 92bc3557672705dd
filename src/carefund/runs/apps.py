"""Background work, as Django registers it."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate

from carefund.runs.tracing import start_tracing


def _ensure_schedules(**named: object) -> None:
    from carefund.runs.default_schedules import ensure_schedules  # noqa: PLC0415  models exist only once apps are ready

    ensure_schedules()


def _drop_views(*, plan: Any = (), **_: object) -> None:
    """Out of the way of the migrations that come, if any do."""
    from carefund.sync.report_views import drop_views  # noqa: PLC0415  models exist only once apps are ready

    if plan:
        drop_views()


def _store_views(**_: object) -> None:
    from carefund.sync.report_views import store_views  # noqa: PLC0415  models exist only once apps are ready

    store_views()


class RunsConfig(AppConfig):
    name = "carefund.runs"
    label = "runs"

    def ready(self) -> None:
        start_tracing()
        pre_migrate.connect(_drop_views, sender=self)
        post_migrate.connect(_ensure_schedules, sender=self)
        post_migrate.connect(_store_views, sender=self)
