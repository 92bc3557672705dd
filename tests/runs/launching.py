"""`carefund` many times over without a start of Python for each: one process imports it and forks.

A start costs more than what most commands do. The forked processes are as others are, with a group, an output and an
end of their own.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FORKING = str(Path(__file__).with_name("forking.py"))


class Launcher:
    """The process that forks; its environment is that of all that it starts."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self._process = subprocess.Popen(
            [sys.executable, _FORKING], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, arguments: tuple[str, ...], output: Path) -> int:
        """Carry a command out, its output at the end of a file; give its exit status."""
        return self._ask(arguments=arguments, output=str(output), is_awaited=True)

    def start(self, arguments: tuple[str, ...], output: Path) -> "Forked":
        """Start a command and leave it running."""
        return Forked(self._ask(arguments=arguments, output=str(output)), self)

    def wait(self, pid: int) -> int:
        """Wait for the end of a process that was started; give its exit status."""
        return self._ask(pid=pid)

    def close(self) -> None:
        """Start nothing more; what runs goes on."""
        self._process.communicate(timeout=10)

    def _ask(self, **request: Any) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@dataclass(frozen=True)
class Forked:
    """A process that was left running."""

    pid: int
    launcher: Launcher

    def wait(self, timeout: float | None = None) -> int:
        """Give its exit status once it has ended."""
        return self.launcher.wait(self.pid)
