"""How long the console's pages take with many clients and three years of history, over HTTP, idle and beside a run.

`python -m benchmarks.pages` fills a database (SQLite, or CAREFUND_DATABASE_URL), starts `carefund serve` beside it,
logs in as the people who use it, asks for each page again and again, and prints its figures as JSON. On SQLite it
then lets the server's own engine synchronise the people who have no funding yet, and asks for pages meanwhile.
"""

import argparse
import http.client
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography.fernet import Fernet

from benchmarks.pages_list import BESIDE_A_RUN, PEOPLE
from benchmarks.upstream import running_upstream

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "a long enough sentence"
_PATIENCE_SECONDS = 120
_RUN_SECONDS = 300
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--new", type=int, default=3000, help="people without funding, for the bulk run")
    parser.add_argument("--requests", type=int, default=40, help="requests per page")
    parser.add_argument("--folder", type=Path, help="keep the world here; one that is there already is used again")
    parser.add_argument("--only", default="", help="only pages with this in their address")
    parser.add_argument("--without-run", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("pages: stopped"))
    with tempfile.TemporaryDirectory(prefix="carefund-pages-") as temporary:
        json.dump(measure(options, options.folder or Path(temporary)), sys.stdout)


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Figures of each page for each person, of the first requests, and of pages beside a run (SQLite only)."""
    environment = os.environ | {
        "CAREFUND_DATA_FOLDER": str(folder),
        "CAREFUND_ENVIRONMENT_FILE": str(folder / "none.env"),
        "CAREFUND_SECRET_KEY": secrets.token_urlsafe(48),
        "CAREFUND_ENCRYPTION_KEYS": _key_of(folder),
        "CAREFUND_FUNDER_ENVIRONMENT": "sandbox",
        "CAREFUND_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "carefund.settings",
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src"))),
    }
    on_sqlite = not environment.get("CAREFUND_DATABASE_URL")
    if not (folder / "ready").exists():
        say(f"a world of {options.clients:,} clients")
        sizes = [f"--clients={options.clients}", f"--new={options.new}"]
        run([sys.executable, "-m", "benchmarks.pages_world", *sizes], environment)
        (folder / "ready").touch()
    found: dict[str, Any] = {"clients": options.clients}
    with running_upstream() as upstream, running_sandbox() as sandbox:
        environment |= {"CAREFUND_SANDBOX_URL": sandbox, "CAREFUND_SERVICES_AUSTRALIA_URL": upstream}
        with_run = on_sqlite and not options.without_run
        if with_run:
            activate_device(sandbox, environment)
        with running_console(environment, "--web-only") as console:
            found["first"] = console.first
            found["pages"] = {
                name: _measure_pages(console, name, [page for page in pages if options.only in page], options.requests)
                for name, pages in PEOPLE.items()
            }
        if with_run:
            with running_console(environment, "--with-worker") as console:
                found["beside"] = _measure_beside_a_run(console, options)
    return found


def _key_of(folder: Path) -> str:
    """The key that the device's secrets are kept with; the same each time in one folder."""
    kept = folder / "key"
    if not kept.exists():
        kept.write_text(Fernet.generate_key().decode())
    return kept.read_text()


def _measure_pages(console: "Console", name: str, pages: list[str], requests: int) -> dict[str, Any]:
    say(f"pages as {name}")
    browser = console.sign_in(name)
    figures = {}
    for page in pages:
        browser.get(page)
        spent = console.cpu_seconds()
        times = [browser.get(page) for _ in range(requests)]
        figures[page] = _told(times) | {"cpu": 1000 * (console.cpu_seconds() - spent) / requests}
    return figures


def _measure_beside_a_run(console: "Console", options: argparse.Namespace) -> dict[str, Any]:
    """The same pages in turn, idle and while the engine beside the server synchronises thousands."""
    browser = console.sign_in("ada")
    for page in BESIDE_A_RUN:
        browser.get(page)
    idle = _in_turn(browser, lambda lap: lap < options.requests)
    say("pages beside a bulk run")
    address = browser.post("/runs/new", {"scope": "older", "hours": "24", "parts": "everything"})
    begun = time.monotonic()

    def goes_on(_: int) -> bool:
        return time.monotonic() - begun < _RUN_SECONDS and b'http-equiv="refresh"' in browser.read(address)

    during = _in_turn(browser, goes_on)
    return {"idle": idle, "during": during, "people": options.new, "seconds": time.monotonic() - begun}


def _in_turn(browser: "Browser", goes_on: Callable[[int], bool]) -> dict[str, Any]:
    times: dict[str, list[float]] = {page: [] for page in BESIDE_A_RUN}
    lap = 0
    while goes_on(lap):
        for page in BESIDE_A_RUN:
            times[page].append(browser.get(page))
        lap += 1
    return {page: _told(page_times) for page, page_times in times.items() if page_times}


def _told(times: list[float]) -> dict[str, float]:
    """Milliseconds: the median, the 95th percentile and the longest."""
    ordered = sorted(1000 * seconds for seconds in times)
    last = len(ordered) - 1
    return {"p50": ordered[last // 2], "p95": ordered[round(last * 0.95)], "max": ordered[-1], "requests": len(ordered)}


@contextmanager
def running_sandbox() -> Iterator[str]:
    """The sandbox, for PRODA's part; yields its address."""
    command = [sys.executable, "-m", "sandbox", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.kill()


def activate_device(sandbox: str, environment: dict[str, str]) -> None:
    """Register a PRODA device in the sandbox and activate it, as a person would."""
    body = json.dumps({"deviceName": "carefund-sandbox-device"}).encode()
    request = urllib.request.Request(f"{sandbox}/sandbox/proda/devices", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:
        code = json.load(answer)["activationCode"]
    run([sys.executable, "-m", "carefund.cli.main", "device", "activate", code], environment)


@contextmanager
def running_console(environment: dict[str, str], *options: str) -> Iterator["Console"]:
    """`carefund serve` on a free port, stopped politely afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "carefund.cli.main", "serve", "--port", str(port), *options]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield Console(port, process.pid)
    finally:
        process.terminate()
        process.wait(_PATIENCE_SECONDS)


def run(command: list[str], environment: dict[str, str]) -> None:
    """Run a command to its end, with nothing of it on our output. Ends the measurement if it fails."""
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"pages: {' '.join(command[2:4])} failed")


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)


class Console:
    """A served console; `first` tells how long its very first pages took, in milliseconds."""

    def __init__(self, port: int, process_id: int) -> None:
        self._port, self._process_id = port, process_id
        self._wait()
        browser = Browser(port)
        self.first = {"/sign-in": 1000 * browser.get("/sign-in")}

    def _wait(self) -> None:
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until:
            with socket.socket() as knock:
                if not knock.connect_ex(("127.0.0.1", self._port)):
                    return
            time.sleep(0.05)
        raise SystemExit("pages: the console did not start")

    def sign_in(self, name: str) -> "Browser":
        """A browser in which somebody is signed in."""
        browser = Browser(self._port)
        browser.get("/sign-in")
        browser.post("/sign-in", {"username": name, "password": PASSWORD})
        self.first.setdefault("/", 1000 * browser.get("/"))
        return browser

    def cpu_seconds(self) -> float:
        """CPU time of the web server so far, all its processes together."""
        return sum(_cpu_of(pid) for pid in _family(self._process_id))


def _family(process_id: int) -> list[int]:
    found = [process_id]
    for tasks in Path(f"/proc/{process_id}/task").glob("*/children"):
        for child in tasks.read_text().split():
            found += _family(int(child))
    return found


def _cpu_of(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Browser:
    """A person's connection with its cookies. Any answer but the one hoped for ends the measurement."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
        self._cookies: dict[str, str] = {}

    def get(self, address: str) -> float:
        """Ask for a page; gives the seconds until all of it was here."""
        begun = time.perf_counter()
        self.read(address)
        return time.perf_counter() - begun

    def read(self, address: str) -> bytes:
        """A page's body."""
        status, body, _ = self._ask("GET", address)
        if status != 200:
            raise SystemExit(f"pages: {address} answered {status}")
        return body

    def post(self, address: str, values: dict[str, str]) -> str:
        """Send a form; gives the address that it leads to."""
        found = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', self.read(address))
        assert found
        body = urlencode(values | {"csrfmiddlewaretoken": found[1].decode()})
        status, _, location = self._ask("POST", address, body)
        if status != 302:
            raise SystemExit(f"pages: {address} answered {status} to a form")
        return location

    def _ask(self, method: str, address: str, body: str | None = None) -> tuple[int, bytes, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, address, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, content, answer.headers.get("Location", "")


if __name__ == "__main__":
    main()
