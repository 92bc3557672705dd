"""The hall, as Django registers it."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "carefund.runs"
    label = "runs"
