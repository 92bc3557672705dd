"""How far an installation is on the way to its first night, for whoever sets it up."""

from dataclasses import dataclass

from django.conf import settings

from carefund.funders.configuration import missing_values
from carefund.records.care_recipient.queries import list_devices, list_service_providers
from carefund.records.models import Client
from carefund.runs.models import Schedule
from carefund.runs.queries import find_last_run
from carefund.runs.schedule import find_schedule


@dataclass(frozen=True, slots=True)
class SetUpProgress:
    """What is there already."""

    has_settings: bool
    has_device: bool
    has_branches: bool
    has_clients: bool
    has_run: bool
    runs_nightly: bool
    has_backups: bool


def find_set_up_progress() -> SetUpProgress:
    """Return what is set up and what is missing."""
    return SetUpProgress(
        has_settings=not missing_values(settings.SERVICES_AUSTRALIA),
        has_device=list_devices().exclude(status="").exists(),
        has_branches=list_service_providers().exists(),
        has_clients=Client.objects.exists(),
        has_run=find_last_run() is not None,
        runs_nightly=find_schedule(Schedule.Kind.NIGHTLY).is_enabled,
        has_backups=bool(settings.BACKUP_FOLDER),
    )
