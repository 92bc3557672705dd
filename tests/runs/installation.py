"""A Carefund of one's own, in real processes: a folder, a database, settings, the `carefund` command, workers to kill.

Nothing here reads or writes through the product's own code: what is in the ledger is asked of the database itself.
"""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.runs.launching import Forked, Launcher, run_command
from tests.set_up import CAREFUND, copy_tables

Process = subprocess.Popen[bytes] | Forked
_LONGEST_SECONDS = 180.0
# Where no run is named, the first that somebody asked for is meant. Its id is not known: what the housekeeping asks for
# takes numbers as well, and PostgreSQL gives a number out once, even if nothing came of it.
_FIRST_RUN = """(SELECT min(id) FROM runs_run WHERE "trigger" NOT IN ('scheduled', 'routine'))"""


@dataclass
class Installation:
    """One installation; `settings` are added to its environment. Where it `forks`, its commands come from one process
    that has imported them, for a test with many of them."""

    folder: Path
    sandbox_url: str
    database_url: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    forks: bool = False
    _launcher: Launcher | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Of its processes; nothing of the surrounding Carefund gets in."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CAREFUND_")}
        own = {
            "CAREFUND_DATA_FOLDER": str(self.folder),
            "CAREFUND_ENVIRONMENT_FILE": str(self.folder / "carefund.env"),
            "CAREFUND_SANDBOX_URL": self.sandbox_url,
            "COLUMNS": "200",
        }
        if self.database_url:
            own["CAREFUND_DATABASE_URL"] = self.database_url
        return kept | own | self.settings

    @property
    def log(self) -> str:
        """What its background processes have said."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def carefund(self, *arguments: str, status: int | None = 0) -> str:
        """Run the command; gives its standard output, and its complaints if it is expected to fail."""
        if self.forks:
            return self._fork(arguments, status)
        done = run_command([CAREFUND, *arguments], self.environment, seconds=_LONGEST_SECONDS)
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def _fork(self, arguments: tuple[str, ...], status: int | None) -> str:
        output = self.folder / "output"
        output.write_text("")
        ended = self._launch().run((CAREFUND, *arguments), output)
        assert status is None or ended == status, output.read_text()
        return output.read_text()

    def _launch(self) -> Launcher:
        """What forks, in the environment as it is by now."""
        if self._launcher is None or self._launcher.environment != self.environment:
            if self._launcher is not None:
                self._launcher.close()
            self._launcher = Launcher(self.environment)
        return self._launcher

    def start(self, *arguments: str) -> Process:
        """Start the command and leave it running; `stop` ends whatever is left."""
        if self.forks:
            self.processes.append(self._launch().start((CAREFUND, *arguments), self.folder / "log"))
            return self.processes[-1]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [CAREFUND, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """Kill everything that was started."""
        for process in self.processes:
            kill(process)
        self.processes.clear()
        if self._launcher is not None:
            self._launcher.close()
            self._launcher = None

    def prepare(self, care_recipients: int) -> None:
        """Tables, a device that is activated, and clients with the sandbox's first Care Recipient IDs."""
        if not self.database_url:
            copy_tables(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.carefund("setup", "--environment-file", str(self.folder / "carefund.env"))
        device = {"deviceName": "carefund-sandbox-device"}
        self.carefund("device", "activate", self.ask("POST", "/proda/devices", device)["activationCode"])
        clients = self.ask("GET", f"/provider-file?limit={care_recipients}&invoices=false")
        (self.folder / "clients.json").write_text(json.dumps(clients))
        self.carefund("clients", "import", str(self.folder / "clients.json"))

    def copy(self, folder: Path, database_url: str = "") -> "Installation":
        """Another installation with the same device and clients; on PostgreSQL the caller copies the database."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("log", "static", "*-worker.lock"))
        return Installation(folder, self.sandbox_url, database_url)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the sandbox's control; gives the JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.sandbox_url}/sandbox{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def text(self, path: str) -> str:
        """One file of the sandbox's control."""
        with urllib.request.urlopen(f"{self.sandbox_url}/sandbox{path}", timeout=60) as answer:
            return str(answer.read().decode())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer of its database to a query."""
        if self.database_url:
            with psycopg.connect(self.database_url, autocommit=True) as database:
                return database.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]
        with contextlib.closing(sqlite3.connect(self.folder / "carefund.sqlite3", timeout=20)) as database:
            return database.execute(query).fetchall()

    def write(self, statement: str) -> None:
        """Change something in its database, to let time pass for one row or to take something away."""
        if self.database_url:
            with psycopg.connect(self.database_url, autocommit=True) as database:
                database.execute(statement)  # type: ignore[call-overload]
            return
        with contextlib.closing(sqlite3.connect(self.folder / "carefund.sqlite3", timeout=20)) as database, database:
            database.execute(statement)

    def count(self, status: str, run_id: int | None = None) -> int:
        """How many people of a run have this status."""
        query = f"SELECT count(*) FROM runs_runitem WHERE run_id = {run_id or _FIRST_RUN} AND status = '{status}'"
        return int(self.rows(query)[0][0])

    def run_status(self, run_id: int | None = None) -> str:
        """The status of a run."""
        return str(self.rows(f"SELECT status FROM runs_run WHERE id = {run_id or _FIRST_RUN}")[0][0])

    def wait_for_done(self, number: int, run_id: int | None = None) -> None:
        """Wait until so many people of a run are done."""
        wait_until(lambda: self.count("done", run_id) >= number, lambda: self.log)

    def wait_for_status(self, status: str, run_id: int | None = None) -> None:
        """Wait until a run has this status."""
        wait_until(lambda: self.run_status(run_id) == status, lambda: self.log)

    def assert_each_once(self, total: int, run_id: int | None = None) -> None:
        """The ledger is true: everybody done once, nothing left, and each one's records were written."""
        query = (
            "SELECT count(*), count(DISTINCT client_id), count(finished_at), count(CASE WHEN outcome <> '' THEN 1 END)"
            f" FROM runs_runitem WHERE run_id = {run_id or _FIRST_RUN} AND status = 'done' AND holder = ''"
        )
        assert self.rows(query) == [(total, total, total, total)]
        failed = self.rows(
            f"SELECT count(*) FROM runs_runitem WHERE run_id = {run_id or _FIRST_RUN} AND outcome = 'failed'"
        )[0][0]
        plans = self.rows("SELECT count(*), count(DISTINCT client_id) FROM records_plan WHERE is_latest")[0]
        assert plans == (total - failed, total - failed)


def kill(process: Process) -> None:
    """End a process and what it started, at once, as a power cut would."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def wait_until(holds: Any, explain: Any = lambda: "", seconds: float = _LONGEST_SECONDS) -> None:
    """Wait until a condition holds; fails with an explanation if it never does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(psycopg.OperationalError, sqlite3.OperationalError):
            if holds():
                return
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:.0f} seconds in vain\n{explain()}")


@contextlib.contextmanager
def running_sandbox(care_recipients: int) -> Iterator[str]:
    """A sandbox of one's own; yields its address."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--care-recipients", str(care_recipients)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.wait(10)
