"""`carefund serve` and `carefund worker`: the processes that stay."""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

import typer
from django.conf import settings

from carefund.cli.manage import prepare_installation
from carefund.cli.output import FAILED, complain, screen
from carefund.runs.engines.choosing import AlreadyRunning, serves_alone, work

_GRACE_SECONDS = 30
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 2.0, 60.0
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_POLITENESS = 10


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    with_worker: Annotated[
        bool | None,
        typer.Option(
            "--with-worker/--web-only",
            help="Whether to do background work here too. Unless told: yes beside SQLite, no on PostgreSQL.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the console; beside SQLite also do the background work, in a process of its own."""
    if not settings.HAS_SECRET_KEY:
        complain("CAREFUND_SECRET_KEY is not set.", "`carefund setup --environment-file carefund.env` writes one.")
        raise typer.Exit(FAILED)
    prepare_installation()
    screen.print(f"Console on http://{host}:{port}", highlight=False)
    serve_until_stopped(host, port, with_worker=serves_alone() if with_worker is None else with_worker)


def worker() -> None:
    """Do the background work for this database until stopped."""
    try:
        asyncio.run(work())
    except AlreadyRunning:
        complain("Another process already does the background work here.", "Stop it first, or leave it to it.")
        raise typer.Exit(FAILED) from None


def serve_until_stopped(host: str, port: int, *, with_worker: bool, on_ready: Callable[[], None] | None = None) -> None:
    """Run the web server, and the worker if wanted; whichever dies is started again. Stops on SIGTERM or SIGINT."""
    commands = {"web": _web_command(host, port)}
    if with_worker:
        commands["worker"] = [sys.executable, "-m", "carefund.cli.main", "worker"]
    stopping: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: stopping.append(number))
    children = {name: _Child(command, behind=name == "worker") for name, command in commands.items()}
    if on_ready:
        on_ready()
    try:
        while not stopping:
            time.sleep(0.2)
            for child in children.values():
                child.start_again_if_dead()
    finally:
        _stop([child.process for child in children.values()])


def _web_command(host: str, port: int) -> list[str]:
    threads = "4"
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", "1", "--blocking-threads", threads, "--no-ws", "--log-level", "warning",
        "carefund.wsgi:application",
    ]  # fmt: skip


class _Child:
    """A process that is started again when it dies; the longer it keeps dying, the more seldom.

    One that is `behind` leaves the processor to the others whenever they want it.
    """

    def __init__(self, command: list[str], *, behind: bool = False) -> None:
        self._command, self._behind = command, behind
        self._wait = _FIRST_WAIT_SECONDS
        self._start()

    def _start(self) -> None:
        self._started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 our own commands
            self._command,
            env=os.environ.copy(),
            start_new_session=True,
            preexec_fn=_begin_behind if self._behind else _begin,  # noqa: PLW1509 this process has one thread
        )

    def start_again_if_dead(self) -> None:
        """Look, and start it again if it is dead and has been left alone for a while."""
        if self.process.poll() is None:
            if time.monotonic() - self._started > _LONGEST_WAIT_SECONDS:
                self._wait = _FIRST_WAIT_SECONDS
        elif time.monotonic() - self._started > self._wait:
            self._wait = min(self._wait * 2, _LONGEST_WAIT_SECONDS)
            self._start()


def _begin_behind() -> None:
    """As `_begin`, for work that nobody at a page waits for."""
    os.nice(_POLITENESS)
    _begin()


def _begin() -> None:
    """Ask Linux to end a child whose parent was killed, so that nobody is left holding the port or the lock."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    """Ask all to finish what they have in hand, and wait; who does not is ended."""
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
    until = time.monotonic() + _GRACE_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


def public_address() -> tuple[str, int]:
    """Host and port of the address that people use."""
    parts = urlsplit(settings.PUBLIC_URL)
    return parts.hostname or "127.0.0.1", parts.port or 8000
