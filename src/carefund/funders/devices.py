"""What this installation knows of its PRODA device, and what a place to keep that must offer. No network, no storage.

Source: rules PRODA-01 and PRODA-02.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token for one audience, with when it was received and when it stops working."""

    value: str = field(repr=False)
    received_at: datetime
    expires_at: datetime

    def due_at(self, share: float) -> datetime:
        """When so large a share of its life is over."""
        return self.received_at + (self.expires_at - self.received_at) * share


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A device's keys (PEM, unencrypted), tokens by audience, and dates as PRODA gave them.

    `pending_key` is a key that may or may not have reached PRODA: kept until that is known, so that a crash between
    PRODA's yes and our saving does not lock the device out.
    """

    status: str = ""
    private_key: str = field(default="", repr=False)
    pending_key: str = field(default="", repr=False)
    activated_at: datetime | None = None
    refreshed_at: datetime | None = None
    key_expires_at: datetime | None = None
    device_expires_at: datetime | None = None
    tokens: Mapping[str, AccessToken] = field(default_factory=dict, repr=False)

    @property
    def key_life(self) -> timedelta | None:
        """How long the current key lives in all, or None when PRODA did not say."""
        if self.refreshed_at is None or self.key_expires_at is None:
            return None
        return self.key_expires_at - self.refreshed_at

    def key_due_at(self, share: float) -> datetime | None:
        """When so large a share of the key's life is over, or None when that is unknown."""
        if self.refreshed_at is None or self.key_life is None:
            return None
        return self.refreshed_at + self.key_life * share


class DeviceStore(Protocol):
    """Keeps one device's state, encrypted, for all processes of this installation."""

    async def load(self) -> DeviceState | None:
        """The state as last saved, or None when there is none."""

    def exclusive(self) -> AbstractAsyncContextManager[None]:
        """One writer at a time across processes; raises DeviceBusy after a while. Load again inside: it may be done."""

    async def save(self, state: DeviceState) -> None:
        """Replace the state; only inside `exclusive`."""


class InMemoryDeviceStore:
    """A store that forgets: for trying things out and for tests of one process."""

    def __init__(self, state: DeviceState | None = None) -> None:
        self.state = state
        self._lock = asyncio.Lock()

    async def load(self) -> DeviceState | None:
        """The state as last saved."""
        return self.state

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """One task at a time."""
        async with self._lock:
            yield

    async def save(self, state: DeviceState) -> None:
        """Replace the state."""
        self.state = state
