"""`carefund serve` and `carefund worker`: the processes that stay."""

import asyncio
import contextlib
import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

import typer
from django.conf import settings
from django.urls import reverse

from carefund.access import first_visit
from carefund.cli.file_permissions import mend_own_files
from carefund.cli.manage import prepare_installation
from carefund.cli.output import FAILED, complain, screen
from carefund.records.versions import NEWER, is_database_newer
from carefund.runs.engines.choosing import AlreadyRunning, serves_alone, work

_GRACE_SECONDS = 30
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 2.0, 60.0
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_POLITENESS = 10
_KNOCK_SECONDS = 1.0
_BACKLOG = 1024
_VERSION_SECONDS = 5.0
_NOT_PUBLIC = "http://127.0.0.1:8000"  # what CAREFUND_PUBLIC_URL is if nobody sets it


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    with_worker: Annotated[
        bool | None,
        typer.Option(
            "--with-worker/--web-only",
            help="Also do background work in this process. Default: yes with SQLite, no with PostgreSQL.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the console. With SQLite, also do the background work, in a process of its own."""
    if not settings.HAS_SECRET_KEY:
        complain(
            "CAREFUND_SECRET_KEY is not set.", "Run `carefund setup --environment-file carefund.env` to create one."
        )
        raise typer.Exit(FAILED)
    listening = listen_or_exit(host, port)
    prepare_installation()
    shown = f"[{host}]" if ":" in host else host
    screen.print(f"Console on http://{shown}:{listening.getsockname()[1]}", highlight=False, markup=False)
    if first_visit.is_awaited():
        _show_first_visit(f"http://{shown}:{listening.getsockname()[1]}")
    serve_until_stopped(listening, with_worker=serves_alone() if with_worker is None else with_worker)


def _show_first_visit(here: str) -> None:
    """Print the link by which the first administrator comes in; at the public address if one is set."""
    base = here if settings.PUBLIC_URL == _NOT_PUBLIC else settings.PUBLIC_URL.rstrip("/")
    screen.print(
        f"Nobody has an account yet. Open this link within {first_visit.HOURS} hours to add the first administrator:\n"
        f"{base}{reverse('console:first-visit')}?key={first_visit.make_key()}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def worker(
    parent: Annotated[int, typer.Option(help="Also stop when this parent process ends.")] = 0,
) -> None:
    """Do the background work for this database until stopped."""
    if parent:
        threading.Thread(target=_stop_without, args=(parent,), name="parent", daemon=True).start()
    newer = threading.Event()
    if not parent:  # which looks itself
        threading.Thread(target=_stop_beside_newer, args=(newer,), name="version", daemon=True).start()
    mend_own_files()
    try:
        asyncio.run(work())
    except AlreadyRunning:
        complain("Another process already does the background work.", "Stop it first, or let it continue.")
        raise typer.Exit(FAILED) from None
    if newer.is_set():
        complain(*NEWER)
        raise typer.Exit(FAILED)


def listen_or_exit(host: str, port: int) -> socket.socket:
    """Listen on the port that was asked for, or say in one sentence why that cannot be, and end."""
    try:
        return listen(host, port)
    except PortTaken:
        complain(
            f"Port {port} is taken: another program is using it.",
            "Stop that program, or choose another port with --port.",
        )
    except OSError as error:
        complain(f"Cannot listen on {host}, port {port}: {error.strerror}.", "Choose another with --host and --port.")
    raise typer.Exit(FAILED)


class PortTaken(Exception):
    """Somebody answers on the port."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raise PortTaken; OSError for an address that this machine does not have.

    Asking first is needed: a socket may share its port with others, so that two servers would answer in turn.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    someone = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 what people typed
    if port:
        with contextlib.suppress(OSError), socket.create_connection((someone, port), timeout=_KNOCK_SECONDS):
            raise PortTaken
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken from None
        raise


def serve_until_stopped(
    listening: socket.socket, *, with_worker: bool, on_ready: Callable[[], None] | None = None
) -> None:
    """Run the web server, and the worker if wanted; whichever dies is started again. Stops on SIGTERM or SIGINT, and
    when a newer Carefund has changed the database's tables.

    The socket stays open here, so that who comes while the web server starts again waits a moment and is served.
    """
    own = str(os.getpid())
    web = [sys.executable, "-m", "carefund.web_server", str(listening.fileno()), own]
    children = [_Child(web, listening=listening)]
    if with_worker:
        work_here = [sys.executable, "-m", "carefund.cli.main", "worker", "--parent", own]
        children.append(_Child(work_here, behind=True))
    stopping: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: stopping.append(number))
    if on_ready:
        on_ready()
    try:
        looked_at = time.monotonic()
        while not stopping:
            time.sleep(0.2)
            for child in children:
                child.start_again_if_dead()
            if time.monotonic() - looked_at > _VERSION_SECONDS:
                if is_database_newer():
                    complain(*NEWER)
                    raise typer.Exit(FAILED)
                looked_at = time.monotonic()
    finally:
        listening.close()
        _stop([child.process for child in children])


def _stop_beside_newer(newer: threading.Event) -> None:
    """Stop this process politely when a newer Carefund has changed the tables that it writes to."""
    while not is_database_newer():
        time.sleep(_VERSION_SECONDS)
    newer.set()
    os.kill(os.getpid(), signal.SIGTERM)


def _stop_without(parent: int) -> None:
    """Stop this process politely when its parent has ended, on systems that do not see to that."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


class _Child:
    """A process that is started again when it dies; the longer it keeps dying, the more seldom.

    One that is `behind` leaves the processor to the others whenever they want it.
    """

    def __init__(self, command: list[str], *, behind: bool = False, listening: socket.socket | None = None) -> None:
        self._command, self._behind = command, behind
        self._files = [listening.fileno()] if listening else []
        self._wait = _FIRST_WAIT_SECONDS
        self._start()

    def _start(self) -> None:
        self._started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 our own commands
            self._command,
            env=os.environ.copy(),
            start_new_session=True,
            pass_fds=self._files,
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
