"""The gate, as Django registers it."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


def create_roles(**_: Any) -> None:
    """Create the groups that stand for roles wherever tables were just made."""
    group = apps.get_model("auth", "Group")
    for name in ("Administrator", "Finance", "Coordinator", "Read-only"):
        group.objects.get_or_create(name=name)


class AccessConfig(AppConfig):
    name = "carefund.access"
    label = "access"

    def ready(self) -> None:
        post_migrate.connect(create_roles, sender=self)
