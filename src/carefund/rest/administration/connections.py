"""Connections to the funders by API: device, keys, what is missing, the last backup, and a test. Never a secret."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from ninja import Router, Schema, Status

from carefund.access.roles import may_administer
from carefund.funders.configuration import missing_values
from carefund.records.care_recipient.queries import list_devices
from carefund.records.models import ProdaDevice
from carefund.rest.problems import NOT_CHANGED, refusals
from carefund.rest.runs import RunItemOut, RunOut, describe_item, describe_run
from carefund.rest.tokens import AuthenticatedRequest, BearerToken, of_every_branch
from carefund.runs.backups import describe_backups
from carefund.runs.connections import find_shown_test, request_connection_test
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA
from carefund.sync.interface_proposals import summarise_interfaces

router = Router(tags=["administration"])
_MAY = BearerToken(of_every_branch(may_administer))


class DeviceOut(Schema):
    """A PRODA device."""

    environment: str
    organisation_id: str
    device_name: str
    status: str
    activated_at: datetime | None
    refreshed_at: datetime | None
    key_expires_at: datetime | None
    device_expires_at: datetime | None


class BackupOut(Schema):
    """The last backup, and what is wrong with that."""

    made_at: datetime | None
    problem: str
    is_urgent: bool


class ConnectionsOut(Schema):
    """How this installation reaches the funders. `missing` are sentences; `test` is the newest test."""

    environment: str
    missing: list[str]
    interfaces: str
    calls_per_second: float
    devices: list[DeviceOut]
    backup: BackupOut
    test: RunItemOut | None


@router.get("", auth=_MAY, response={200: ConnectionsOut, **NOT_CHANGED, **refusals()}, operation_id="find_connections")
def show(request: AuthenticatedRequest) -> dict[str, Any]:
    """How this installation reaches the funders: device, keys and limits."""
    test, backups = find_shown_test(SERVICES_AUSTRALIA), describe_backups(timezone.now())
    return {
        "environment": settings.FUNDER_ENVIRONMENT,
        "missing": [sentence for _, sentence in missing_values(settings.SERVICES_AUSTRALIA)],
        "interfaces": summarise_interfaces() if settings.INTERFACES_FILE else "",
        "calls_per_second": settings.SERVICES_AUSTRALIA.timing.calls_per_second,
        "devices": [_describe_device(device) for device in list_devices()],
        "backup": {
            "made_at": backups.last.made_at if backups.last else None,
            "problem": backups.problem,
            "is_urgent": backups.is_urgent,
        },
        "test": describe_item(test) if test else None,
    }


@router.post("/test", auth=_MAY, response={202: RunOut, **refusals()}, operation_id="test_connection")
def test_services_australia(request: AuthenticatedRequest) -> Status[dict[str, Any]]:
    """Have PRODA asked for a new token. Follow it at `/runs/{run_id}`."""
    return Status(202, describe_run(request_connection_test(SERVICES_AUSTRALIA, request.auth)))


def _describe_device(device: ProdaDevice) -> dict[str, Any]:
    return {name: getattr(device, name) for name in DeviceOut.model_fields}
