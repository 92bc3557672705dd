"""The memory room, as Django registers it."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "carefund.records"
    label = "records"
