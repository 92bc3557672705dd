"""`carefund` many times over without a start of Python for each: one process imports what it needs, and forks.

A start costs more than what most commands do. The forked processes are as others are, with a group, an output and an
end of their own.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FORKING = str(Path(__file__).with_name("forking.py"))
_LONGEST_SECONDS = 180.0
_OURS = ("CAREFUND_", "DJANGO_")


class Launcher:
    """The process that forks. With an environment it has imported the product, in that environment; without, only what
    the product is made with."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self.environment = environment
        self.lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, _FORKING, *(["carefund"] if environment else [])],
            env=environment or {name: os.environ[name] for name in os.environ if not name.startswith(_OURS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, arguments: Sequence[str], output: Path, *, seconds: float = _LONGEST_SECONDS, **more: Any) -> int:
        """Carry a command out, its output at the end of a file; give its exit status."""
        pid = self._ask(arguments=arguments, output=str(output), is_awaited=True, **more)
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            os.killpg(pid, signal.SIGKILL)
            self._read()
            raise subprocess.TimeoutExpired(list(arguments), seconds)
        return self._read()

    def start(self, arguments: Sequence[str], output: Path) -> "Forked":
        """Start a command and leave it running."""
        return Forked(self._ask(arguments=arguments, output=str(output)), self)

    def wait(self, pid: int) -> int:
        """Wait for the end of a process that was started; give its exit status."""
        return self._ask(pid=pid)

    def close(self) -> None:
        """Start nothing more; what runs goes on."""
        self._process.communicate(timeout=60)

    def _ask(self, **request: Any) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> int:
        """Read a line of the answer, and nothing behind it: what is there is still seen to be there."""
        assert self._process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            more = os.read(self._process.stdout.fileno(), 1)
            assert more, "the process that forks has ended"
            line += more
        return int(line)


@dataclass(frozen=True)
class Forked:
    """A process that was left running."""

    pid: int
    launcher: Launcher

    def wait(self, timeout: float | None = None) -> int:
        """Give its exit status once it has ended."""
        return self.launcher.wait(self.pid)


_launchers: list[Launcher] = []


def run_command(
    command: Sequence[str], environment: dict[str, str], folder: Path | None = None, seconds: float = _LONGEST_SECONDS
) -> "subprocess.CompletedProcess[str]":
    """Carry a command out in an environment: `carefund` and its arguments. It starts as any process does where forking
    is no good, for other sources than ours, and beside another command."""
    if sys.platform == "linux" and "PYTHONPATH" not in environment:
        if not _launchers:
            _launchers.append(Launcher())
        launcher = _launchers[0]
        if launcher.lock.acquire(blocking=False):
            try:
                return _fork(launcher, command, environment, folder, seconds)
            finally:
                launcher.lock.release()
    return subprocess.run(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def _fork(
    launcher: Launcher, command: Sequence[str], environment: dict[str, str], folder: Path | None, seconds: float
) -> "subprocess.CompletedProcess[str]":
    with tempfile.TemporaryDirectory() as place:
        output, errors = Path(place, "output"), Path(place, "errors")
        status = launcher.run(
            command,
            output,
            seconds=seconds,
            errors=str(errors),
            environment=environment,
            folder=str(folder or Path.cwd()),
        )
        return subprocess.CompletedProcess(list(command), status, output.read_text(), errors.read_text())
