"""The table of funders: one entry says all that the rest of the house has to know of a funder before it asks it.

A new funder is a client of its own, an entry here (or `register`), and the kinds of work that ask it. What an entry
needs from the installation (configuration, device, limit) comes in when a session is opened.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from carefund.funders.configuration import FunderConfiguration, missing_values, unusable_limits
from carefund.funders.connection_check import AccessCheck, check_access
from carefund.funders.devices import DeviceStore
from carefund.funders.errors.access import NotAllowedIn, NotPermitted
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.errors.outages import Unavailable
from carefund.funders.errors.root import FunderError
from carefund.funders.limiter import CallLimiter
from carefund.funders.ndia.client import open_ndia
from carefund.funders.ndia.partner import Partner, missing_partner_values, open_partner
from carefund.funders.ndia.source import PaceSource
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.funders.sessions import open_services_australia

FindSetting = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a session is opened with. `find_setting` gives what an installation has set by a name of its own;
    `find_device_store` raises NotConfigured where no device can be kept; `limiter` is None where the client's own
    limits suffice."""

    configuration: FunderConfiguration
    find_setting: FindSetting
    find_device_store: Callable[[], DeviceStore]
    limiter: CallLimiter | None


def looks_like_outage(error: FunderError) -> bool:
    """Whether an error may be the funder's, or this installation's, rather than that of the one thing asked about."""
    return isinstance(error, Unavailable) or (isinstance(error, NotAllowedIn) and not isinstance(error, NotPermitted))


def _missing_values(configuration: FunderConfiguration, find_setting: FindSetting) -> list[tuple[str, str]]:
    return missing_values(configuration)


def _is_always_used(configuration: FunderConfiguration, find_setting: FindSetting) -> bool:
    return True


async def _check_device(opening: Opening) -> AccessCheck:
    """Whether the device gets a token. Never raises FunderError."""
    configuration = opening.configuration
    try:
        store = opening.find_device_store()
    except NotConfigured as problem:
        return AccessCheck(
            configuration.environment,
            configuration.base_url,
            configuration.organisation_id,
            configuration.device_name,
            missing=tuple(missing_values(configuration)),
            problem=problem,
        )
    return await check_access(configuration, store)


@dataclass(frozen=True, slots=True)
class Funder:
    """A funder. `setting` names the setting with its configuration, whose timing holds its limits; `list_missing` says
    which values are still to be set (variable, one sentence); `is_used` whether this installation means to ask it at
    all; `check` whether it can be asked."""

    name: str
    label: str
    setting: str
    open_session: Callable[[Opening], AbstractAsyncContextManager[Any]]
    is_outage: Callable[[FunderError], bool] = looks_like_outage
    list_missing: Callable[[FunderConfiguration, FindSetting], list[tuple[str, str]]] = _missing_values
    is_used: Callable[[FunderConfiguration, FindSetting], bool] = _is_always_used
    check: Callable[[Opening], Awaitable[AccessCheck]] = _check_device


@asynccontextmanager
async def _open_services_australia(opening: Opening) -> AsyncIterator[ServicesAustralia]:
    device_store = opening.find_device_store()
    async with open_services_australia(opening.configuration, device_store, opening.limiter) as client:
        yield client


@asynccontextmanager
async def _open_ndia(opening: Opening) -> AsyncIterator[PaceSource]:
    """The NDIA's client, or a partner's gateway where one is set."""
    configuration = opening.configuration
    if partner := _find_partner(opening.find_setting):
        async with open_partner(partner, configuration.timing) as gateway:
            yield gateway
        return
    channel, device_store = opening.find_setting("NDIA_IDENTITY_CHANNEL"), opening.find_device_store()
    async with open_ndia(configuration, device_store, identity_channel=channel, limiter=opening.limiter) as client:
        yield client


def _find_partner(find_setting: FindSetting) -> Partner | None:
    url = find_setting("NDIA_PARTNER_URL")
    if not url:
        return None
    organisation, key = find_setting("NDIA_PARTNER_ORGANISATION"), find_setting("NDIA_PARTNER_KEY")
    return Partner(url, organisation, key, find_setting("NDIA_PARTNER_INTERFACES"))


def _missing_ndia_values(configuration: FunderConfiguration, find_setting: FindSetting) -> list[tuple[str, str]]:
    """A partner's gateway needs no device, and nothing that the NDIA issues."""
    if partner := _find_partner(find_setting):
        return missing_partner_values(partner) + unusable_limits(configuration)
    return missing_values(configuration)


def _is_ndia_used(configuration: FunderConfiguration, find_setting: FindSetting) -> bool:
    """An address or a token audience of its own: the values that are not shared with Services Australia."""
    return bool(configuration.token_audience or configuration.base_url or _find_partner(find_setting))


async def _check_ndia(opening: Opening) -> AccessCheck:
    partner = _find_partner(opening.find_setting)
    if partner is None:
        return await _check_device(opening)
    missing = tuple(_missing_ndia_values(opening.configuration, opening.find_setting))
    return AccessCheck(
        opening.configuration.environment, partner.base_url, "", "", missing, gateway_url=partner.base_url
    )


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
register(
    Funder(
        "ndia",
        "The NDIA",
        "NDIA",
        _open_ndia,
        list_missing=_missing_ndia_values,
        is_used=_is_ndia_used,
        check=_check_ndia,
    )
)
