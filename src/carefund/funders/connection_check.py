"""What a look at a funder's access finds: what is configured, whether device and token work, and when they expire."""

from dataclasses import dataclass, field
from datetime import datetime

from carefund.funders.configuration import FunderConfiguration, missing_values
from carefund.funders.devices import DeviceState, DeviceStore
from carefund.funders.errors.root import FunderError
from carefund.funders.http import open_session
from carefund.funders.proda import Proda


@dataclass(frozen=True, slots=True)
class AccessCheck:
    """One look at a funder's access; `problem` is what stands in the way, None when PRODA gave a new
    token just now.

    `gateway_url` is set where a partner's gateway is asked, for which there is no token and which was not tried.
    """

    environment: str
    base_url: str
    organisation_id: str
    device_name: str
    missing: tuple[tuple[str, str], ...] = ()
    device_status: str = ""
    activated_at: datetime | None = None
    key_due_at: datetime | None = None
    key_expires_at: datetime | None = None
    device_expires_at: datetime | None = None
    token_expires_at: datetime | None = None
    gateway_url: str = ""
    problem: FunderError | None = field(default=None, compare=False)

    @property
    def works(self) -> bool:
        """Whether calls can be made."""
        return not self.missing and self.problem is None


async def check_access(configuration: FunderConfiguration, store: DeviceStore) -> AccessCheck:
    """Look at the configuration, and ask PRODA for a new token: one that is in hand says nothing about the device.

    Never raises FunderError.
    """
    missing = tuple(missing_values(configuration))
    problem: FunderError | None = None
    if not missing:
        async with open_session(configuration.timing) as session:
            try:
                await Proda(session, configuration, store).fetch_new_token()
            except FunderError as found:
                problem = found
    state = await store.load() or DeviceState()
    token = state.tokens.get(configuration.token_audience)
    return AccessCheck(
        environment=configuration.environment,
        base_url=configuration.base_url,
        organisation_id=configuration.organisation_id,
        device_name=configuration.device_name,
        missing=missing,
        device_status=state.status,
        activated_at=state.activated_at,
        key_due_at=state.key_due_at(configuration.timing.refresh_share),
        key_expires_at=state.key_expires_at,
        device_expires_at=state.device_expires_at,
        token_expires_at=token.expires_at if token else None,
        problem=problem,
    )
