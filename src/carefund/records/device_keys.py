"""The PRODA device's keys and tokens in the database: encrypted at rest, one writer at a time across processes.

Nothing here talks to PRODA, and no transaction is open while somebody does: whoever may write holds a lease, a row that
says who and until when, by the database's clock. A process that dies loses it within seconds.
Source: rule PRODA-02.
"""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from carefund.funders.devices import AccessToken, DeviceState
from carefund.funders.errors.access import DeviceBusy
from carefund.records.durability import durable
from carefund.records.encryption import Cipher
from carefund.records.models.devices import ProdaDevice

LEASE = timedelta(seconds=20)
HEARTBEAT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 60.0
_FIRST_POLL_SECONDS = 0.02
_SELDOM_SECONDS = 0.5


class _Token(msgspec.Struct):
    value: str
    received_at: datetime
    expires_at: datetime


class _Secrets(msgspec.Struct):
    private_key: str = ""
    pending_key: str = ""
    tokens: dict[str, _Token] = {}


class DatabaseDeviceStore:
    """A `DeviceStore` over the table of PRODA devices; one instance per process and event loop is enough."""

    def __init__(
        self, environment: str, organisation_id: str, device_name: str, encryption_keys: Sequence[str]
    ) -> None:
        """`encryption_keys` are Fernet keys, the one to write with first, then older ones that may still be read with.

        Raises NotConfigured when there is none, or one is malformed.
        """
        self._cipher = Cipher(encryption_keys)
        self._identity: dict[str, Any] = {
            "environment": environment,
            "organisation_id": organisation_id,
            "device_name": device_name,
        }
        self._one_at_a_time = asyncio.Lock()
        self._holder = ""

    async def load(self) -> DeviceState | None:
        """The state as last saved. Raises NotConfigured when no encryption key fits it."""
        device = await self._row().afirst()
        if device is None or not device.secrets:
            return None
        secrets = self._decrypt(bytes(device.secrets))
        return DeviceState(
            status=device.status,
            private_key=secrets.private_key,
            pending_key=secrets.pending_key,
            activated_at=device.activated_at,
            refreshed_at=device.refreshed_at,
            key_expires_at=device.key_expires_at,
            device_expires_at=device.device_expires_at,
            tokens={
                audience: AccessToken(token.value, token.received_at, token.expires_at)
                for audience, token in secrets.tokens.items()
            },
        )

    async def save(self, state: DeviceState) -> None:
        """Replace the state, dropping tokens that have expired. Raises DeviceBusy when the lease was lost meanwhile."""
        now = datetime.now(UTC)
        secrets = _Secrets(
            private_key=state.private_key,
            pending_key=state.pending_key,
            tokens={
                audience: _Token(token.value, token.received_at, token.expires_at)
                for audience, token in state.tokens.items()
                if token.expires_at > now
            },
        )
        changed = await sync_to_async(self._write)(
            secrets=self._cipher.encrypt(msgspec.json.encode(secrets)),
            status=state.status,
            activated_at=state.activated_at,
            refreshed_at=state.refreshed_at,
            key_expires_at=state.key_expires_at,
            device_expires_at=state.device_expires_at,
        )
        if not changed:
            raise DeviceBusy("Another process took over the PRODA device while its key was being saved.")

    def _write(self, **values: Any) -> int:
        """Change the row if it is still held. A key that PRODA knows and a power cut took would lock the device out."""
        with durable():
            return self._held(self._holder).update(**values)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """The lease, kept alive while inside. Raises DeviceBusy when others hold it for a minute."""
        async with self._one_at_a_time:
            holder = uuid.uuid4().hex
            await self._take(holder)
            self._holder = holder
            heartbeat = asyncio.create_task(self._keep(holder))
            try:
                yield
            finally:
                heartbeat.cancel()
                with suppress(asyncio.CancelledError):
                    await heartbeat
                self._holder = ""
                await self._held(holder).aupdate(lease_holder="", lease_until=None)

    async def _take(self, holder: str) -> None:
        await ProdaDevice.objects.aget_or_create(**self._identity)
        free = self._row().filter(Q(lease_until__isnull=True) | Q(lease_until__lt=Now()))
        deadline = asyncio.get_running_loop().time() + LONGEST_WAIT_SECONDS
        pause = _FIRST_POLL_SECONDS
        while not await free.aupdate(lease_holder=holder, lease_until=Now() + LEASE):
            if asyncio.get_running_loop().time() > deadline:
                raise DeviceBusy
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, _SELDOM_SECONDS)

    async def _keep(self, holder: str) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            with suppress(DatabaseError):  # the next beat may come through; a lease that ran out refuses what is saved
                await self._held(holder).aupdate(lease_until=Now() + LEASE)

    def _row(self) -> QuerySet[ProdaDevice]:
        return ProdaDevice.objects.filter(**self._identity)

    def _held(self, holder: str) -> QuerySet[ProdaDevice]:
        return self._row().filter(lease_holder=holder, lease_until__gt=Now())

    def _decrypt(self, secrets: bytes) -> _Secrets:
        return msgspec.json.decode(self._cipher.decrypt(secrets), type=_Secrets)
