"""The funders' clients as this installation is configured, ready to be asked."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from django.conf import settings

from carefund.funders.configuration import FunderConfiguration
from carefund.funders.connection_check import AccessCheck
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.limiter import CallLimiter
from carefund.funders.registry import Funder, Opening, find_funder
from carefund.records.device_keys import DatabaseDeviceStore
from carefund.runs.shared_limit import open_call_limiter

SERVICES_AUSTRALIA = "services-australia"


def configuration_of(funder: Funder) -> FunderConfiguration:
    """How this installation is to ask a funder."""
    configuration: FunderConfiguration = getattr(settings, funder.setting)
    return configuration


def device_store(configuration: FunderConfiguration | None = None) -> DatabaseDeviceStore:
    """Where this installation's PRODA device is kept. Raises NotConfigured without an encryption key."""
    chosen = configuration or settings.SERVICES_AUSTRALIA
    return DatabaseDeviceStore(chosen.environment, chosen.organisation_id, chosen.device_name, settings.ENCRYPTION_KEYS)


@asynccontextmanager
async def open_source(name: str = SERVICES_AUSTRALIA) -> AsyncIterator[Any]:
    """A funder's client with this installation's device and limits. Raises NotConfigured."""
    funder = find_funder(name)
    async with (
        open_call_limiter(configuration_of(funder)) as limiter,
        funder.open_session(_opening_for(funder, limiter)) as source,
    ):
        yield source


def _opening_for(funder: Funder, limiter: CallLimiter | None = None) -> Opening:
    configuration = configuration_of(funder)
    return Opening(configuration, find_setting, partial(device_store, configuration), limiter)


def find_setting(name: str) -> Any:
    """What this installation has set, by the name of a setting."""
    return getattr(settings, name)


def is_used(funder: Funder) -> bool:
    """Whether this installation means to ask a funder at all."""
    return funder.is_used(configuration_of(funder), find_setting)


async def check_funder(funder: Funder) -> AccessCheck:
    """Whether this installation can ask a funder, and when its key and token expire. Never raises FunderError."""
    return await funder.check(_opening_for(funder))


def require_configured(name: str) -> None:
    """Raise NotConfigured, with one line per missing value, unless a funder can be asked as far as settings go."""
    funder = find_funder(name)
    configuration = configuration_of(funder)
    if missing := funder.list_missing(configuration, find_setting):
        raise NotConfigured("\n".join(sentence for _, sentence in missing))
    device_store(configuration)


class Sources:
    """The clients of one process, each opened when it is first needed and kept until the end."""

    def __init__(self, stack: AsyncExitStack, opened: Mapping[str, Any] | None = None) -> None:
        """`opened` are clients, by funder, that somebody else has opened and will close."""
        self._stack = stack
        self._opened: dict[str, Any] = dict(opened or {})
        self._opening = asyncio.Lock()

    async def find(self, name: str) -> Any:
        """The client of a funder. Raises NotConfigured, each time anew."""
        async with self._opening:
            if name not in self._opened:
                self._opened[name] = await self._stack.enter_async_context(open_source(name))
        return self._opened[name]


@asynccontextmanager
async def open_sources() -> AsyncIterator[Sources]:
    """No client yet, and the end of all that will be opened."""
    async with AsyncExitStack() as stack:
        yield Sources(stack)
