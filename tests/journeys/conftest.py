"""The demo as a newcomer starts it, and browsers in which its people are signed in."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PASSWORD = "wattle-grove-demo"
DESKTOP, PHONE = (1360, 900), (360, 780)
PATIENCE = 15_000


@dataclass(frozen=True)
class Demo:
    """Where the console and the sandbox of a running demo are."""

    url: str
    sandbox_url: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a command in another terminal needs to work on this demo."""
        return os.environ | {"CAREFUND_ENVIRONMENT_FILE": str(self.folder / "var" / "demo" / "demo.env")}

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the sandbox's control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.sandbox_url}/sandbox{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def scenario(self, name: str) -> str:
        """The Care Recipient ID of the first person of the demo who lives a scenario."""
        rows = self.control("GET", "/scenarios")
        ids = next(row["careRecipientIds"] for row in rows if row["name"] == name)
        return str(ids[0])


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for the whole session, in a folder of its own."""
    command = [sys.executable, "-m", "carefund.cli.main", "demo"]
    folder = tmp_path_factory.mktemp("demo")
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    addresses: list[str] = []
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        addresses += re.findall(r"http://127\.0\.0\.1:\d+", line)
        if "console is on" in line:
            break
    else:
        pytest.fail("The demo did not start:\n" + "".join(said[-20:]))
    wait_for(addresses[-1])
    yield Demo(addresses[-1], addresses[0], folder)
    process.terminate()
    process.wait(40)


def wait_for(address: str) -> None:
    for _ in range(600):  # a server that has just begun takes 15 s on a busy machine
        try:
            urllib.request.urlopen(f"{address}/sign-in", timeout=5)
        except OSError:
            time.sleep(0.1)
            continue
        return
    pytest.fail("The console did not answer.")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("needs Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


OpenPage = Callable[..., Page]


def add_client(page: Page, branch: str, first_name: str, last_name: str, care_recipient_id: str) -> None:
    """Add a client of the funder's and synchronise them, which ends on the client's page."""
    page.goto("/clients/new")
    page.get_by_label("First name").fill(first_name)
    page.get_by_label("Last name").fill(last_name)
    page.get_by_label("Branch").select_option(branch)
    page.get_by_label("Care Recipient ID").fill(care_recipient_id)
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="Synchronise Budget Information").first.click()
    page.get_by_role("button", name="Sync", exact=True).click()
    expect(page.get_by_text("The sync is finished.")).to_be_visible()
    page.get_by_role("link", name="Close").click()


@pytest.fixture
def open_page(demo: Demo, chromium: Browser) -> Iterator[OpenPage]:
    """A browser window in which somebody signed in; complaints of the browser's console fail the test."""
    contexts = []
    complaints: list[str] = []
    expect.set_options(timeout=PATIENCE)

    def open_as(name: str, size: tuple[int, int] = DESKTOP, *, dark: bool = False, script: bool = True) -> Page:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            base_url=demo.url,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/sign-in")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        return page

    yield open_as
    for context in contexts:
        context.close()
    unexpected = [text for text in complaints if "status of 40" not in text]
    assert not unexpected, unexpected
