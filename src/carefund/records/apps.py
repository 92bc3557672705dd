"""The package of stored records, as Django registers it."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "carefund.records"
    label = "records"
