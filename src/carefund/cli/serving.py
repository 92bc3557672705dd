"""`carefund serve` and `carefund worker`: the processes that stay."""

import asyncio
import contextlib
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
from carefund.runs.engines import embedded

_GRACE_SECONDS = 30
_SOON = 5.0


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    web_only: Annotated[bool, typer.Option(help="No background work here: workers run elsewhere.")] = False,
) -> None:
    """Serve the console; beside SQLite also do the background work, in a process of its own."""
    prepare_installation()
    screen.print(f"Console on http://{host}:{port}", highlight=False)
    serve_until_stopped(host, port, with_worker=not web_only and not settings.ON_POSTGRESQL)


def worker() -> None:
    """Do the background work for this database until stopped."""
    try:
        asyncio.run(embedded.work())
    except embedded.AlreadyRunning:
        complain("Another process already does the background work here.", "Stop it first, or leave it to it.")
        raise typer.Exit(FAILED) from None


def serve_until_stopped(host: str, port: int, *, with_worker: bool, on_ready: Callable[[], None] | None = None) -> None:
    """Run the web server, and the worker if wanted; whichever dies is started again. Ends politely on SIGTERM or SIGINT."""
    commands = {"web": _web_command(host, port)}
    if with_worker:
        commands["worker"] = [sys.executable, "-m", "carefund.cli.main", "worker"]
    stopping: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: stopping.append(number))
    children = {name: _start(command) for name, command in commands.items()}
    started = dict.fromkeys(commands, time.monotonic())
    if on_ready:
        on_ready()
    try:
        while not stopping:
            time.sleep(0.2)
            for name, child in children.items():
                if child.poll() is not None and not stopping:
                    if time.monotonic() - started[name] < _SOON:
                        time.sleep(_SOON)
                    children[name] = _start(commands[name])
                    started[name] = time.monotonic()
    finally:
        _stop(list(children.values()))


def _web_command(host: str, port: int) -> list[str]:
    threads = "4"
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", "1", "--blocking-threads", threads, "--no-ws", "--log-level", "warning",
        "carefund.wsgi:application",
    ]  # fmt: skip


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=os.environ.copy(), start_new_session=True)  # noqa: S603 our own commands


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
