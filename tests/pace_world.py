"""The NDIA as the tests meet it: a sandbox process, an activated device, the switches on, clients to ask about.

Import the fixtures into a folder's conftest. Nothing of our own is replaced.
"""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from cryptography.fernet import Fernet

from carefund.funders.configuration import configure
from carefund.funders.devices import DeviceState, InMemoryDeviceStore
from carefund.funders.sessions import open_proda
from carefund.records.models import Client, NdisParticipant, ServiceContract
from carefund.records.ndis import store as pace_store
from carefund.records.ndis.queries import PACE_API
from carefund.runs.foreground import retrieve_plan
from carefund.runs.funder_sessions import device_store
from carefund.runs.ndis.plans import NotRetrieved, ShownPlan
from carefund.sync.ndis.contracts import ContractComparison, compare_contract

KEY = Fernet.generate_key().decode()
BRANCH = "2200000011"


@dataclass
class NdiaSandbox:
    """A running sandbox, seen from its control API."""

    url: str
    device: DeviceState

    def control(self, method: str, path: str, **body: object) -> Any:
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(f"{self.url}/sandbox{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def find(self, scenario: str) -> dict[str, Any]:
        """The participant who stands for a scenario."""
        return next(row for row in self.control("GET", "/ndia/participants") if row["scenario"] == scenario)

    def change(self, who: "Client", change: str, **values: object) -> None:
        """Change something on the NDIA's side about a client."""
        self.control("POST", f"/ndia/participants/{who.ndis.ndis_number}/{change}", **values)

    def switch(self, **values: object) -> None:
        self.control("POST", "/ndia/switches", **values)

    def facts(self, who: "Client") -> dict[str, Any]:
        """All that the NDIA holds about a client, the budget of today included."""
        return self.control("GET", f"/ndia/participants/{who.ndis.ndis_number}")

    def asked(self, operation: str) -> list[dict[str, Any]]:
        return self.control("GET", f"/journal?operation={operation}")["requests"]

    def client(self, scenario: str, **values: object) -> "Client":
        """A client of ours who is that participant, with every tick set."""
        person = self.find(scenario)
        row = Client.objects.create(
            first_name=person["firstName"],
            last_name=person["surname"],
            birth_date=date.fromisoformat(person["birthDate"]),
            service_provider_id=BRANCH,
        )
        given = {"is_pace_participant": True, "api_access": True, "ndis_number": person["ndisNumber"]} | values
        NdisParticipant.objects.create(client=row, **given)
        return row


@pytest.fixture(scope="session")
def pace_sandbox_process() -> Iterator[NdiaSandbox]:
    process = subprocess.Popen([sys.executable, "-m", "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        sandbox = NdiaSandbox(process.stdout.readline().split()[-1], DeviceState())
        sandbox.device = asyncio.run(_activate(sandbox))
        yield sandbox
    finally:
        process.terminate()
        process.wait(10)


async def _activate(sandbox: NdiaSandbox) -> DeviceState:
    configuration = configure("ndia", sandbox_url=sandbox.url)
    store = InMemoryDeviceStore()
    code = sandbox.control("POST", "/proda/devices", deviceName=configuration.device_name)["activationCode"]
    async with open_proda(configuration, store) as proda:
        return await proda.activate(code)


@pytest.fixture
def ndia(pace_sandbox_process: NdiaSandbox, settings: Any, db: None) -> NdiaSandbox:
    """The NDIA as at its beginning, and an organisation that may ask it."""
    sandbox = pace_sandbox_process
    sandbox.control("POST", "/reset")
    settings.ENCRYPTION_KEYS = [KEY]
    settings.SERVICES_AUSTRALIA = configure("services-australia", sandbox_url=sandbox.url)
    settings.NDIA = configure("ndia", sandbox_url=sandbox.url, timing={"back_off_seconds": 0.01, "attempts": 2})
    settings.NDIA_IDENTITY_CHANNEL = "query"
    settings.NDIA_BUDGETS_PER_HOUR = 0
    store_device(sandbox)
    pace_store.store_setting(PACE_API, True)
    return sandbox


def store_device(sandbox: NdiaSandbox) -> None:
    """Give this database the device that the sandbox knows."""

    async def save() -> None:
        store = device_store()
        async with store.exclusive():
            await store.save(sandbox.device)

    async_to_sync(save)()


def retrieve_for(contract: ServiceContract) -> tuple[ShownPlan, ContractComparison]:
    """Have the NDIA asked about a contract's client, and compare the contract with what came back."""
    shown = retrieve_plan(contract.client, contract)
    return shown, compare_contract(contract, shown.plan)


@contextmanager
def not_retrieved(error: type[Exception]) -> Iterator[pytest.ExceptionInfo[NotRetrieved]]:
    """What stands here brings no plan, for the reason of this error."""
    with pytest.raises(NotRetrieved) as refused:
        yield refused
    assert refused.value.code == error.code  # type: ignore[attr-defined]
