"""Photographs the main pages of the demo world into docs/pictures: in light and dark, and on a phone.

Starts a demo of its own in a temporary folder, logs in as its administrator, and looks at it with Chromium.
Everybody in the pictures is invented.

    python tools/pictures.py                          its own demo
    python tools/pictures.py http://127.0.0.1:8000 NAME PASSWORD     a console that already runs
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
ADMINISTRATOR = "ada"
PATIENCE_SECONDS = 180
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
CLIENT = "the first client in the list"
PAGES = {
    "home": "/",
    "clients": "/clients",
    "client": CLIENT,
    "plan": f"{CLIENT}/plan",
    "changes": f"{CLIENT}/changes",
    "runs": "/runs",
    "connections": "/administration/connections",
}
ON_A_PHONE = ("home", "client")


class Console(NamedTuple):
    """A running console and who may log in there."""

    address: str
    name: str
    password: str


def main() -> int:
    """Take all pictures; the exit status is 0 if every page answered."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    if sys.argv[1:]:
        take_pictures(Console(*sys.argv[1:]))
    else:
        with running_demo() as console:
            take_pictures(console)
    return 0


@contextmanager
def running_demo() -> Iterator[Console]:
    """A demo with data of its own, up until the block ends; address and log-in are read from what it prints."""
    with tempfile.TemporaryDirectory(prefix="carefund-pictures-") as folder:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
        command = [str(Path(sys.executable).parent / "carefund"), "demo"]
        demo = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True)
        alarm = threading.Timer(PATIENCE_SECONDS, demo.kill)
        alarm.start()
        try:
            yield read_console(demo)
        finally:
            alarm.cancel()
            demo.terminate()
            demo.wait(30)


def read_console(demo: subprocess.Popen[str]) -> Console:
    """What the demo prints about itself, as soon as both address and log-in are known."""
    address = password = None
    for line in demo.stdout or ():
        address = found(r"(http://[\w.]+:\d+)", line) or address
        password = found(rf"^\s*{ADMINISTRATOR}\b.*\s(\S+)\s*$", line) or password
        if address and password:
            return Console(address, ADMINISTRATOR, password)
    raise SystemExit("pictures: the demo ended, or printed no address and log-in")


def found(pattern: str, line: str) -> str | None:
    """The pattern's group in a line, if it is there."""
    match = re.search(pattern, line)
    return match.group(1) if match else None


def take_pictures(console: Console) -> None:
    """Every page in light and dark, some on a phone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        on_a_phone = {f"{name}-phone": PAGES[name] for name in ON_A_PHONE}
        photograph(browser, console, "light", DESKTOP, PAGES)
        photograph(browser, console, "dark", DESKTOP, {f"{name}-dark": address for name, address in PAGES.items()})
        photograph(browser, console, "light", PHONE, on_a_phone)
        browser.close()


def photograph(
    browser: Browser, console: Console, theme: Literal["light", "dark"], size: ViewportSize, pages: dict[str, str]
) -> None:
    """Log in once and save one picture per page."""
    page = browser.new_context(color_scheme=theme, viewport=size, locale="en-AU").new_page()
    page.goto(f"{console.address}/log-in")
    page.fill("input[name=username]", console.name)
    page.fill("input[name=password]", console.password)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")
    client = first_client(page, console)
    for name, address in pages.items():
        answer = page.goto(console.address + address.replace(CLIENT, client))
        if answer is None or not answer.ok:
            raise SystemExit(f"pictures: {name} did not answer")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=PICTURES / f"{name}.png", full_page=size is PHONE)
        print(f"docs/pictures/{name}.png", flush=True)


def first_client(page: Page, console: Console) -> str:
    """The path of the page of the first client in the list."""
    page.goto(f"{console.address}/clients")
    link = page.locator("a[href^='/clients/']").filter(has_text=re.compile(r"\w")).first.get_attribute("href")
    path = found(r"^(/clients/\d+)", link or "")
    if path is None:
        raise SystemExit("pictures: the list of clients is empty")
    return path


if __name__ == "__main__":
    sys.exit(main())
