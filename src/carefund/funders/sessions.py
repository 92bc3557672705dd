"""Where clients are put together: configuration, device store and limiter in; a client ready to be asked out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from carefund.funders.configuration import FunderConfiguration, missing_values
from carefund.funders.devices import DeviceStore
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.http import Caller, open_session
from carefund.funders.limiter import CallLimiter, InMemoryLimiter
from carefund.funders.paths import require_right_paths
from carefund.funders.proda import Proda
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.funders.services_australia.operations import PATHS, SETTING


@asynccontextmanager
async def open_services_australia(
    configuration: FunderConfiguration, device_store: DeviceStore, limiter: CallLimiter | None = None
) -> AsyncIterator[ServicesAustralia]:
    """A ready client of Services Australia; without `limiter` its own limits hold for this process alone.

    Raises NotConfigured, with one sentence per missing value or wrong path, before anything is sent.
    """
    require_right_paths(SETTING, configuration.paths, PATHS)
    async with open_caller(configuration, device_store, limiter) as caller:
        yield ServicesAustralia(caller, configuration)


@asynccontextmanager
async def open_caller(
    configuration: FunderConfiguration, device_store: DeviceStore, limiter: CallLimiter | None = None
) -> AsyncIterator[Caller]:
    """The calls beneath any funder's client. Raises NotConfigured."""
    require_configured(configuration)
    async with open_session(configuration.timing) as session:
        tokens = Proda(session, configuration, device_store)
        yield Caller(session, configuration, tokens, limiter or InMemoryLimiter(configuration.timing.calls_per_second))


@asynccontextmanager
async def open_proda(configuration: FunderConfiguration, device_store: DeviceStore) -> AsyncIterator[Proda]:
    """PRODA alone, for activating the device and renewing its key. Raises NotConfigured."""
    require_configured(configuration)
    async with open_session(configuration.timing) as session:
        yield Proda(session, configuration, device_store)


def require_configured(configuration: FunderConfiguration) -> None:
    """Raise NotConfigured, with one line per missing value, unless all is set."""
    missing = missing_values(configuration)
    if missing:
        raise NotConfigured("\n".join(sentence for _, sentence in missing))
