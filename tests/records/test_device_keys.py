"""The device's keys in the database: encrypted, and changed by one writer at a time, whatever process it lives in."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from cryptography.fernet import Fernet
from django.db import connection

from carefund.funders.devices import AccessToken, DeviceState
from carefund.funders.errors.access import DeviceBusy
from carefund.funders.errors.configuring import NotConfigured
from carefund.records import device_keys
from carefund.records.device_keys import DatabaseDeviceStore
from carefund.records.models.devices import ProdaDevice

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

KEY = Fernet.generate_key().decode()
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


def a_store(keys=(KEY,), name="device-1"):
    return DatabaseDeviceStore("sandbox", "2410000001", name, keys)


def a_state():
    return DeviceState(
        status="ACTIVE",
        private_key="THE-PRIVATE-KEY",
        pending_key="THE-PENDING-KEY",
        activated_at=NOW,
        refreshed_at=NOW,
        key_expires_at=NOW + timedelta(days=180),
        device_expires_at=NOW + timedelta(days=1825),
        tokens={
            "https://a.example": AccessToken("THE-TOKEN", datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1))
        },
    )


async def saved(store, state):
    async with store.exclusive():
        await store.save(state)


async def test_a_state_comes_back_as_it_was_saved():
    store = a_store()
    assert await store.load() is None
    state = a_state()
    await saved(store, state)
    assert await a_store().load() == state


async def test_nothing_secret_is_stored_in_the_clear():
    await saved(a_store(), a_state())
    device = await ProdaDevice.objects.aget()
    assert not any(secret in bytes(device.secrets) for secret in (b"PRIVATE", b"PENDING", b"TOKEN"))
    assert device.key_expires_at == NOW + timedelta(days=180)


async def test_devices_are_kept_apart_by_name():
    await saved(a_store(), a_state())
    assert await a_store(name="device-2").load() is None


async def test_an_expired_token_is_dropped():
    expired = AccessToken("OLD", NOW - timedelta(days=400), NOW - timedelta(days=399))
    await saved(a_store(), replace(a_state(), tokens={"a": expired}))
    assert (await a_store().load()).tokens == {}


async def test_an_older_encryption_key_still_reads_and_the_newest_writes():
    await saved(a_store(), a_state())
    newer = Fernet.generate_key().decode()
    both = a_store((newer, KEY))
    await saved(both, await both.load())
    assert await a_store((newer,)).load() == await both.load()


async def test_a_key_that_does_not_fit_is_one_clear_message():
    await saved(a_store(), a_state())
    with pytest.raises(NotConfigured, match="CAREFUND_ENCRYPTION_KEYS"):
        await a_store((Fernet.generate_key().decode(),)).load()


@pytest.mark.parametrize("keys", [(), ("short",)])
async def test_a_missing_or_malformed_key_is_told_at_once(keys):
    with pytest.raises(NotConfigured, match="CAREFUND_ENCRYPTION_KEYS"):
        a_store(keys)


async def test_one_writer_at_a_time_across_stores():
    inside = most = 0

    async def write(store):
        nonlocal inside, most
        async with store.exclusive():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.02)
            await store.save(a_state())
            inside -= 1

    await asyncio.gather(*(write(a_store()) for _ in range(6)))
    assert most == 1


async def test_whoever_waits_in_vain_is_told_so(monkeypatch):
    monkeypatch.setattr(device_keys, "LONGEST_WAIT_SECONDS", 0.1)
    async with a_store().exclusive():
        with pytest.raises(DeviceBusy):
            async with a_store().exclusive():
                pass


async def test_the_lease_of_a_dead_process_runs_out():
    async with a_store().exclusive():
        pass
    await ProdaDevice.objects.aupdate(lease_holder="dead", lease_until=datetime.now(UTC) - timedelta(seconds=1))
    async with a_store().exclusive():
        pass


async def test_a_lease_is_kept_alive_while_in_use(monkeypatch):
    monkeypatch.setattr(device_keys, "HEARTBEAT_SECONDS", 0.02)
    async with a_store().exclusive():
        before = (await ProdaDevice.objects.aget()).lease_until
        await asyncio.sleep(0.3)
        assert (await ProdaDevice.objects.aget()).lease_until > before


async def test_a_heartbeat_that_the_database_refuses_costs_nothing(monkeypatch):
    monkeypatch.setattr(device_keys, "HEARTBEAT_SECONDS", 0.02)
    store = a_store()
    async with store.exclusive():
        await rename_table("records_prodadevice", "away")
        try:
            await asyncio.sleep(0.1)
        finally:
            await rename_table("away", "records_prodadevice")
        await store.save(a_state())
    assert (await a_store().load()).private_key == "THE-PRIVATE-KEY"


@sync_to_async
def rename_table(table, name):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {name}")


async def test_a_writer_who_lost_the_lease_writes_nothing():
    store = a_store()
    await saved(store, a_state())
    async with store.exclusive():
        await ProdaDevice.objects.aupdate(lease_holder="another")
        with pytest.raises(DeviceBusy):
            await store.save(DeviceState())
    assert (await store.load()).status == "ACTIVE"


async def test_the_lease_is_given_back_after_a_failure():
    with pytest.raises(RuntimeError):
        async with a_store().exclusive():
            raise RuntimeError
    assert (await ProdaDevice.objects.aget()).lease_holder == ""
