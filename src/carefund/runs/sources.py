"""The funders' clients as this installation is configured, ready to be asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from django.conf import settings

from carefund.funders.opening import open_services_australia
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.records.device_keys import DatabaseDeviceStore
from carefund.runs.shared_pace import open_pace


def device_store() -> DatabaseDeviceStore:
    """Where this installation's PRODA device is kept. Raises NotConfigured without an encryption key."""
    configuration = settings.SERVICES_AUSTRALIA
    return DatabaseDeviceStore(
        configuration.environment,
        configuration.organisation_id,
        configuration.device_name,
        settings.ENCRYPTION_KEYS,
    )


@asynccontextmanager
async def open_source() -> AsyncIterator[ServicesAustralia]:
    """Services Australia's client with this installation's device and pace. Raises NotConfigured."""
    configuration = settings.SERVICES_AUSTRALIA
    async with (
        open_pace(configuration) as pace,
        open_services_australia(configuration, device_store(), pace) as source,
    ):
        yield source
