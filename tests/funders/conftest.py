"""The funder tests' world: the sandbox as a process of its own, and small servers for what no sandbox would say."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiohttp import web

from carefund.funders.configuration import FunderConfiguration, configure
from carefund.funders.devices import InMemoryDeviceStore
from carefund.funders.sessions import open_proda


@dataclass
class Sandbox:
    """A running sandbox and its control address."""

    url: str

    def control(self, method: str, path: str, body: object = None):
        """One call of the control API; gives the decoded answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/sandbox{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def fault(self, **values: object) -> None:
        """Put a fault in force."""
        self.control("POST", "/faults", values)

    def asked(self, operation: str) -> list[dict]:
        """The journal's lines for one operation."""
        return self.control("GET", f"/journal?operation={operation}")["requests"]

    def activation_code(self, device_name: str) -> str:
        """Register a device as a person would on PRODA's screen."""
        return self.control("POST", "/proda/devices", {"deviceName": device_name})["activationCode"]


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[Sandbox]:
    process = subprocess.Popen([sys.executable, "-m", "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().split()[-1]
        yield Sandbox(url)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox as at its beginning: no faults, no journal, no devices."""
    sandbox_process.control("POST", "/reset", {"devices": True})
    sandbox_process.control("POST", "/clock", {"prodaSkewSeconds": 0})
    return sandbox_process


@pytest.fixture
def configuration(sandbox: Sandbox) -> FunderConfiguration:
    return configure("services-australia", sandbox_url=sandbox.url, timing={"back_off_seconds": 0.01})


@pytest.fixture
async def store(sandbox: Sandbox, configuration: FunderConfiguration) -> InMemoryDeviceStore:
    """A store that holds an activated device."""
    store = InMemoryDeviceStore()
    async with open_proda(configuration, store) as proda:
        await proda.activate(sandbox.activation_code(configuration.device_name))
    return store


@asynccontextmanager
async def serving(handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A server of one function; gives its address."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
