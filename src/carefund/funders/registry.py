"""The table of funders: one entry says all that the rest of the house has to know of a funder before it asks it.

A new funder is a client of its own, an entry here (or `register`), and the kinds of work that ask it. What an entry
needs from the installation (configuration, device, limit) comes in when a session is opened.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from carefund.funders.configuration import FunderConfiguration, missing_values
from carefund.funders.devices import DeviceStore
from carefund.funders.errors import FunderError, NotAllowedIn, NotPermitted, Unavailable
from carefund.funders.limiter import CallLimiter
from carefund.funders.ndia.client import open_ndia
from carefund.funders.ndia.partner import Partner, open_partner
from carefund.funders.ndia.source import PaceSource
from carefund.funders.opening import open_services_australia
from carefund.funders.services_australia.client import ServicesAustralia


@dataclass(frozen=True, slots=True)
class Opening:
    """What a session is opened with. `find_setting` gives what an installation has set by a name of its own;
    `find_device_store` raises NotConfigured where no device can be kept; `limiter` is None where the client's own
    limits suffice."""

    configuration: FunderConfiguration
    find_setting: Callable[[str], Any]
    find_device_store: Callable[[], DeviceStore]
    limiter: CallLimiter | None


def looks_like_outage(error: FunderError) -> bool:
    """Whether an error may be the funder's, or this installation's, rather than that of the one thing asked about."""
    return isinstance(error, Unavailable) or (isinstance(error, NotAllowedIn) and not isinstance(error, NotPermitted))


@dataclass(frozen=True, slots=True)
class Funder:
    """A funder. `setting` names the setting with its configuration, whose timing holds its limits; `list_missing` says
    which values are still to be set (variable, one sentence)."""

    name: str
    label: str
    setting: str
    open_session: Callable[[Opening], AbstractAsyncContextManager[Any]]
    is_outage: Callable[[FunderError], bool] = looks_like_outage
    list_missing: Callable[[FunderConfiguration], list[tuple[str, str]]] = missing_values


@asynccontextmanager
async def _open_services_australia(opening: Opening) -> AsyncIterator[ServicesAustralia]:
    device_store = opening.find_device_store()
    async with open_services_australia(opening.configuration, device_store, opening.limiter) as client:
        yield client


@asynccontextmanager
async def _open_ndia(opening: Opening) -> AsyncIterator[PaceSource]:
    """The NDIA's client, or a partner's gateway where one is set."""
    configuration, setting = opening.configuration, opening.find_setting
    if url := setting("NDIA_PARTNER_URL"):
        partner = Partner(url, setting("NDIA_PARTNER_ORGANISATION"), setting("NDIA_PARTNER_KEY"))
        async with open_partner(partner, configuration.timing) as gateway:
            yield gateway
        return
    channel, device_store = setting("NDIA_IDENTITY_CHANNEL"), opening.find_device_store()
    async with open_ndia(configuration, device_store, identity_channel=channel, limiter=opening.limiter) as client:
        yield client


_FUNDERS: dict[str, Funder] = {}


def register(funder: Funder) -> None:
    """Add a funder to the table, in place of one of the same name."""
    _FUNDERS[funder.name] = funder


def unregister(name: str) -> None:
    """Take a funder out of the table."""
    del _FUNDERS[name]


def find_funder(name: str) -> Funder:
    """The entry of a funder. Raises KeyError for a name that no entry has."""
    return _FUNDERS[name]


def list_funders() -> list[Funder]:
    """Every funder, in the order of the table."""
    return list(_FUNDERS.values())


register(Funder("services-australia", "Services Australia", "SERVICES_AUSTRALIA", _open_services_australia))
register(Funder("ndia", "The NDIA", "NDIA", _open_ndia))
