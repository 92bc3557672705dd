"""The gate, as Django registers it."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "carefund.access"
    label = "access"
