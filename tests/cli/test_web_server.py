"""The web server as a process of its own: what strangers' sockets can do to it, and what is left when it is killed."""

import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from carefund import web_server
from tests.installation import COMMAND
from tests.set_up import copy_tables

pytestmark = [pytest.mark.slow, pytest.mark.one_database]
MEGABYTE = 2**20
PATIENCE = 30.0


@dataclass
class Server:
    """`carefund serve` in a folder of its own."""

    process: "subprocess.Popen[str]"
    port: int
    folder: Path

    def connect(self, data: bytes = b"") -> socket.socket:
        """A connection that has sent this."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        connection.sendall(data)
        return connection

    def ask(self, path: str = "/sign-in") -> float:
        """Ask for a page; gives the seconds that it took."""
        begun = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE) as answer:
            answer.read()
        return time.monotonic() - begun

    def is_listening(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def child(self, what: str) -> int | None:
        """The process that serves pages, or does the work, for this installation."""
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                ours = f"CAREFUND_DATA_FOLDER={self.folder}".encode() in (path / "environ").read_bytes()
                if ours and what.encode() in (path / "cmdline").read_bytes():
                    return int(path.name)
        return None


def start(folder: Path, *words: str, port: int = 0, **settings: str) -> "subprocess.Popen[str]":
    outside = {name: value for name, value in os.environ.items() if not name.startswith("CAREFUND_")}
    own = {"DATA_FOLDER": str(folder), "SECRET_KEY": "only-for-this-test", "ENVIRONMENT_FILE": os.devnull} | settings
    return subprocess.Popen(
        [*COMMAND, "serve", "--port", str(port), *words],
        env=outside | {f"CAREFUND_{name}": value for name, value in own.items()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def serving(folder: Path, *words: str, is_first: bool = False, **settings: str) -> Iterator[Server]:
    """Serve from a folder that was set up, or that is empty."""
    if not is_first:
        copy_tables(folder)
    process = start(folder, *words, **settings)
    assert process.stdout is not None
    said = re.search(r"Console on http://127\.0\.0\.1:([0-9]+)", process.stdout.readline())
    assert said, process.stderr.read() if process.stderr else ""
    server = Server(process, int(said[1]), folder)
    try:
        server.ask()
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served"), "--web-only", REQUEST_SECONDS="3") as running:
        yield running


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that waits for requests as long as it does unless told otherwise."""
    with serving(tmp_path_factory.mktemp("patient"), "--web-only", is_first=True) as running:
        yield running


def until(condition: object, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.1)


HALVES = {
    "headers": b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "a form": b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nusername=",
    "a chunk": b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc",
    "nothing": b"",
}


@pytest.mark.parametrize("half", HALVES)
def test_half_requests_of_strangers_keep_nobody_waiting(half: str, patient: Server) -> None:
    stalled = [patient.connect(HALVES[half]) for _ in range(60)]
    for _ in range(3):
        for connection in stalled[:10]:
            connection.sendall(b"a" if half != "nothing" else b"")
        assert patient.ask() < 5
    for connection in stalled:
        connection.close()


def test_readers_who_read_nothing_keep_nobody_waiting(patient: Server) -> None:
    asked = b"GET /static/console/carefund.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 40
    readers = [patient.connect(asked) for _ in range(30)]
    assert patient.ask() < 5
    for reader in readers:
        reader.close()


def test_more_half_requests_than_connections_leave_room_for_people(patient: Server) -> None:
    stalled = [patient.connect(HALVES["a form"]) for _ in range(600)]
    assert patient.ask() < 10
    for connection in stalled:
        connection.close()


@pytest.mark.parametrize("half", ["headers", "a form", "a chunk"])
def test_a_request_that_drips_is_ended_at_its_deadline(half: str, server: Server) -> None:
    dripping = server.connect(HALVES[half])
    begun = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while time.monotonic() - begun < PATIENCE:
            dripping.sendall(b"0")
            dripping.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                if dripping.recv(100) == b"":
                    break
    assert 2.5 < time.monotonic() - begun < 15


@pytest.mark.parametrize("path", ["/sign-in", "/claims/invoices", "/static/console/carefund.css", "/no-such-page"])
def test_an_upload_that_is_too_large_is_refused_at_its_header(path: str, server: Server) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {200 * MEGABYTE}\r\n"
    for asking_first in ("", "Expect: 100-continue\r\n"):
        answer = server.connect(f"{head}{asking_first}\r\n".encode()).recv(100)
        assert answer.startswith(b"HTTP/1.1 413 "), answer


def test_a_length_of_thousands_of_digits_is_a_bad_request(server: Server) -> None:
    head = f"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {'9' * 5000}\r\n\r\n"
    answer = server.connect(head.encode()).recv(100)
    assert answer.startswith(b"HTTP/1.1 400 "), answer


def test_the_api_refuses_it_as_a_problem_detail(server: Server) -> None:
    head = f"POST /api/v1/invoices HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {200 * MEGABYTE}\r\n\r\n"
    with server.connect(head.encode()).makefile("rb") as whole:
        answer = whole.read()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Content-Type: application/problem+json" in answer
    assert b'"code": "too-large"' in answer


def test_a_body_without_a_length_is_ended_at_the_same_size(patient: Server) -> None:
    connection = patient.connect(HALVES["a chunk"].replace(b"10\r\nabc", b""))
    sent, chunk = 0, b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with contextlib.suppress(ConnectionError):
        while sent < 100 * MEGABYTE:
            connection.sendall(chunk)
            sent += len(chunk)
    assert 60 * MEGABYTE < sent < 90 * MEGABYTE
    assert patient.ask() < 5


def test_what_the_largest_call_may_have_is_received(server: Server) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/api/v1/invoices", b"x" * 16 * MEGABYTE)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=PATIENCE)
    assert refused.value.code == 401


def test_nothing_outlives_a_killed_serve(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        until(lambda: running.child("\0worker\0"))
        web, work = running.child("carefund.web_server"), running.child("\0worker\0")
        running.process.kill()
        until(lambda: not running.is_listening(), 5)
        until(lambda: not Path(f"/proc/{web}").exists() and not Path(f"/proc/{work}").exists())


def test_a_killed_web_server_comes_back_on_its_port(tmp_path: Path) -> None:
    with serving(tmp_path, "--web-only") as running:
        first = running.child("carefund.web_server")
        assert first
        os.kill(first, signal.SIGKILL)
        assert running.ask() < PATIENCE
        assert running.child("carefund.web_server") not in (None, first)


def test_a_start_refuses_a_port_on_which_somebody_answers(server: Server, tmp_path: Path) -> None:
    second = start(tmp_path, "--web-only", port=server.port)
    _, said = second.communicate(timeout=PATIENCE)
    assert second.returncode == 1
    assert said.splitlines()[0] == (f"Error: Port {server.port} is taken: another program is using it.")


def test_a_start_refuses_a_port_that_another_shares(tmp_path: Path) -> None:
    with socket.socket() as sharing:
        sharing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sharing.bind(("127.0.0.1", 0))
        sharing.listen()
        second = start(tmp_path, "--web-only", port=sharing.getsockname()[1])
        assert second.wait(PATIENCE) == 1


def test_a_stop_finishes_what_is_in_hand_and_takes_nothing_new(tmp_path: Path) -> None:
    with serving(tmp_path, "--web-only") as running:
        slow = running.connect(b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        running.process.terminate()
        assert b"HTTP/1.1 200" in slow.recv(100)
        assert running.process.wait(PATIENCE) == 0
        assert not running.is_listening()


def test_a_worker_ends_with_the_process_that_it_works_for(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "pass"])
    stranger.wait()
    outside = {name: value for name, value in os.environ.items() if not name.startswith("CAREFUND_")}
    own = {"CAREFUND_DATA_FOLDER": str(tmp_path), "CAREFUND_ENVIRONMENT_FILE": os.devnull}
    environment = outside | own | {"CAREFUND_SECRET_KEY": "only-for-this-test"}
    copy_tables(tmp_path)
    worker = subprocess.Popen([*COMMAND, "worker", "--parent", str(stranger.pid)], env=environment)
    assert worker.wait(PATIENCE) in (0, -signal.SIGTERM)


def test_the_servers_own_sentences_name_no_address_and_no_exception(caplog: pytest.LogCaptureFixture) -> None:
    log = web_server.ServerLog(logging.getLogger("waitress"))
    with caplog.at_level(logging.DEBUG):
        log.info("Client disconnected while serving %s", "/clients/7/changes.csv")
        try:
            raise ValueError("400000007")
        except ValueError:
            log.log(logging.ERROR, "uncaptured python exception, closing 203.0.113.7")
    assert "ValueError" in caplog.text
    assert not re.search("clients/7|400000007|203.0.113.7", caplog.text)
