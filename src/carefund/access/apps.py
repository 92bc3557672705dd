"""The gate, as Django registers it."""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.signals import user_login_failed
from django.db.models.signals import post_migrate

from carefund.access.failed_attempts import note_sign_in_failure


def create_roles(**_: Any) -> None:
    """Create the groups that stand for roles wherever tables were just made."""
    group = apps.get_model("auth", "Group")
    for name in ("Administrator", "Finance", "Coordinator", "Read-only"):
        group.objects.get_or_create(name=name)


def guard_logs(**_: Any) -> None:
    """Keep both logs append-only, by triggers that a rebuilt table loses."""
    from carefund.access.log_triggers import install_guards  # noqa: PLC0415  models exist only once apps are ready

    install_guards()


class AccessConfig(AppConfig):
    name = "carefund.access"
    label = "access"

    def ready(self) -> None:
        post_migrate.connect(create_roles, sender=self)
        user_login_failed.connect(note_sign_in_failure)
        post_migrate.connect(guard_logs, sender=self)
