"""The world that tests live in: the sandbox as a process of its own, and a provider who knows some of its people.

None of our own code is mocked. A test that wants a funder to behave oddly says so to the sandbox.
"""

import asyncio
import functools
import itertools
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import TransactionTestCase
from django.test.utils import override_settings

from carefund.funders.configuration import configure
from carefund.funders.devices import DeviceState
from carefund.funders.sessions import open_proda
from carefund.records.device_keys import DatabaseDeviceStore
from carefund.records.models import Client
from carefund.runs.foreground import synchronise_now
from carefund.runs.models import RunItem
from tests.emptying import empty_tables
from tests.set_up import find_template, share

ENCRYPTION_KEY = Fernet.generate_key().decode()
DEVICE = "carefund-sandbox-device"
SYDNEY = ZoneInfo("Australia/Sydney")
IS_ONE_OF_MANY = "PYTEST_XDIST_WORKER" in os.environ


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow ones first, so that nobody waits for the last of them; browsers last: theirs is an event loop that stays in
    the process, and other tests run loops of their own."""
    for item in items:
        if item.get_closest_marker("postgresql") and not django_settings.ON_POSTGRESQL:
            item.add_marker(pytest.mark.skip("needs PostgreSQL: python tools/postgresql.py .venv/bin/pytest …"))
    items.sort(key=lambda item: (item.get_closest_marker("browser") is not None, not item.get_closest_marker("slow")))


TransactionTestCase._fixture_teardown = empty_tables  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def one_place(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where the processes of a session keep what one of them makes for all."""
    own = tmp_path_factory.getbasetemp()
    share(own.parent if IS_ONE_OF_MANY else own)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest, one_place: None) -> None:
    """Each process's own database: on SQLite in memory, which pytest-django sees to for Django's own backend alone; on
    PostgreSQL, where there are many processes, a copy of one that was set up."""
    database = django_settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite"):
        database["TEST"]["NAME"] = ":memory:"
    elif IS_ONE_OF_MANY:
        database["TEST"]["TEMPLATE"] = find_template()
    request.getfixturevalue("django_db_modify_db_settings_parallel_suffix")


@pytest.fixture(scope="session", autouse=True)
def few_keys() -> Iterator[None]:
    """Hand out the same few RSA keys in turn: to find a new one costs as much as a test, and proves nothing of ours."""
    make = functools.cache(lambda _, exponent, bits: find_new(public_exponent=exponent, key_size=bits))
    find_new, numbers = rsa.generate_private_key, itertools.cycle(range(8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            rsa,
            "generate_private_key",
            lambda public_exponent, key_size, backend=None: make(next(numbers), public_exponent, key_size),
        )
        yield


@pytest.fixture(autouse=True)
def nobody_called_yet() -> None:
    """Forget the calls of other tests, whose tokens have the same numbers."""
    cache.clear()


@dataclass(frozen=True)
class Sandbox:
    """The sandbox and its control."""

    url: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the control API; gives the JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/sandbox{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def begin_anew(self, **values: Any) -> None:
        """Put the world back to its beginning, nine in the morning there: no test may depend on the hour."""
        self.ask("POST", "/reset", {"today": datetime.now(SYDNEY).date().isoformat(), **values})

    def change(self, care_recipient_id: str, change: str, **body: Any) -> Any:
        """Change one person's world."""
        return self.ask("POST", f"/care-recipients/{care_recipient_id}/{change}", body)

    def fault(self, **fault: Any) -> Any:
        """Make the next matching calls go wrong."""
        return self.ask("POST", "/faults", fault)

    def scenario(self, name: str) -> list[str]:
        """The Care Recipient IDs that live a scenario."""
        for row in self.ask("GET", "/scenarios"):
            if row["name"] == name:
                return [str(care_recipient_id) for care_recipient_id in row["careRecipientIds"]]
        raise LookupError(name)


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[Sandbox]:
    """One sandbox for the whole session."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    yield Sandbox(line.split()[-1])
    process.terminate()
    process.wait(10)


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox as it was at its beginning."""
    sandbox_process.begin_anew()
    return sandbox_process


@pytest.fixture
def world(sandbox: Sandbox, transactional_db: None) -> Iterator[Sandbox]:
    """The sandbox with our device activated, and settings that point to it."""
    configuration = configure("services-australia", "sandbox", sandbox_url=sandbox.url)
    with override_settings(SERVICES_AUSTRALIA=configuration, ENCRYPTION_KEYS=[ENCRYPTION_KEY], SANDBOX_URL=sandbox.url):
        activate_device(sandbox)
        yield sandbox


def activate_device(sandbox: Sandbox) -> DeviceState:
    """Register the device the way a person would in PRODA, and activate it."""
    sandbox.begin_anew(devices=True)
    code = sandbox.ask("POST", "/proda/devices", {"deviceName": DEVICE})["activationCode"]
    configuration = django_settings.SERVICES_AUSTRALIA
    store = DatabaseDeviceStore("sandbox", configuration.organisation_id, DEVICE, [ENCRYPTION_KEY])

    async def activate() -> DeviceState:
        async with open_proda(configuration, store) as proda:
            return await proda.activate(code)

    return asyncio.run(activate())


@pytest.fixture
def add_client(db: None) -> Callable[..., Client]:
    """Add a client by Care Recipient ID; the name is fictitious."""

    def add(care_recipient_id: str | None, **fields: Any) -> Client:
        values = {"first_name": "Wilma", "last_name": "Example", "birth_date": date(1940, 5, 3)} | fields
        return Client.objects.create(care_recipient_id=care_recipient_id, **values)

    return add


@pytest.fixture
def synchronise() -> Callable[..., RunItem]:
    """Synchronise a client as background work and give the ledger's entry."""

    def run(client: Client) -> RunItem:
        return asyncio.run(synchronise_now(client))

    return run


def table_rows(*models: Any) -> dict[str, Sequence[Any]]:
    """All rows of tables, to prove that nothing was saved."""
    return {model._meta.label: list(model.objects.order_by("pk").values()) for model in models}
