"""The web server: waitress, in one process that nothing outlives, with a deadline and a size for what it receives.

waitress receives whole requests and sends answers in one loop over all connections, so that a thread works only on a
request that has arrived, and no longer than it takes to make the answer. What it lacks is added here: a deadline for a
whole request, room for newcomers when all connections are taken, and refusals in the API's one shape. No pages here.
"""

import contextlib
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from carefund.rest.problems import PREFIX, answer_status
from carefund.unexpected_errors import note

log = logging.getLogger(__name__)
_SLOWEST = 50_000  # bytes per second, of what takes longer than others
_IDLE_SECONDS = 60
_GRACE_SECONDS = 20.0
_POLL_SECONDS = 2
_MOST_CONNECTIONS = 500
_SPARE_CONNECTIONS = 20
_LARGEST_HEADERS = 32 * 2**10
_IN_MEMORY = 64 * 2**10  # of one request's body; the rest waits in a file
_MOST_RECEIVING = 256 * 2**20  # bytes of bodies that are not complete, of all connections
_MOST_ANSWER = 256 * 2**20  # bytes that wait for one slow reader before a thread waits with them
_FILES_PER_CONNECTION = 3

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ServerLog(logging.LoggerAdapter[logging.Logger]):
    """waitress' log, without tracebacks and without addresses, which hold ids."""

    def exception(self, msg: object, *args: object, **options: Any) -> None:
        note("the web server's connection", sys.exc_info()[1] or RuntimeError())

    def info(self, msg: object, *args: object, **options: Any) -> None:
        """Nothing: whoever left in the middle of a download is named by its address there."""

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        """Log, but an exception by its kind alone: the server's own words repeat its text and who was connected."""
        if sys.exc_info()[1] is not None:
            self.exception(msg)
        else:
            super().log(level, msg, *args, **options)


class _Refusal(ErrorTask):  # type: ignore[misc]  # the package has no types
    """The server's own refusal; under /api/ a problem detail like every other there."""

    def execute(self) -> None:
        """Answer, and close the connection."""
        if not getattr(self.request, "path", "").startswith(PREFIX):
            super().execute()
            return
        answer = answer_status(self.request.error.code)
        self.status = f"{answer.status_code} {answer.reason_phrase}"
        self.response_headers.append(("Content-Type", answer.headers["Content-Type"]))
        self.set_close_on_finish()
        self.content_length = len(answer.content)
        self.write(answer.content)


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads a request's header; one that cannot be read is a bad request, whatever is wrong with it."""

    def parse_header(self, header_plus: bytes) -> None:
        """Read it. Raise ParsingError, also for a length of thousands of digits."""
        try:
            super().parse_header(header_plus)
        except ValueError:
            raise ParsingError("Header is invalid") from None


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that knows since when it has been receiving the request in hand."""

    error_task_class = _Refusal
    parser_class = _Parser
    logger = ServerLog(logging.getLogger("waitress"))
    request_begun = 0.0

    def received(self, data: bytes) -> bool:
        """Take in what came."""
        before = self.request
        taken: bool = super().received(data)
        if self.request is not before:
            self.request_begun = time.monotonic()
        return taken

    def send_continue(self) -> None:
        """Invite the body of a client that asks first, unless its header was refused."""
        if self.request.error is None:
            super().send_continue()

    @property
    def waits_for_client(self) -> bool:
        """Whether no thread works for it: it is silent, still sending, or reading slowly."""
        return not self.requests

    @property
    def receiving(self) -> int:
        """How many bytes it has sent of a body that is not complete."""
        return self.request.body_bytes_received if self.request is not None else 0

    def is_late(self) -> bool:
        """Whether it should have sent its whole request by now."""
        return (
            self.waits_for_client
            and self.request is not None
            and time.monotonic() - self.request_begun > settings.REQUEST_SECONDS + self.receiving / _SLOWEST
        )


class _Server(TcpWSGIServer):  # type: ignore[misc]
    """waitress over a socket that listens already. When connections run out, the longest waiting one makes room."""

    channel_class = _Channel
    logger = ServerLog(logging.getLogger("waitress"))
    had_to_wait = False

    def handle_accept(self) -> None:
        """Take a new connection."""
        if len(self._map) >= self.adj.connection_limit - _SPARE_CONNECTIONS:
            self._close_oldest()
        super().handle_accept()

    def maintenance(self, now: float) -> None:
        """Close what is idle or late, keep what is being received within bounds, and watch the threads."""
        super().maintenance(now)
        for channel in self.active_channels.values():
            if channel.is_late():
                channel.will_close = True
        if sum(channel.receiving for channel in self.active_channels.values()) > _MOST_RECEIVING:
            self._close_oldest(lambda channel: channel.receiving > _IN_MEMORY)
        self._watch_threads()

    def _close_oldest(self, which: Callable[[_Channel], bool] = lambda _: True) -> None:
        channels = [
            active_channel
            for active_channel in self.active_channels.values()
            if active_channel.waits_for_client and not active_channel.will_close
        ]
        oldest = min(filter(which, channels), key=lambda channel: channel.creation_time, default=None)
        if oldest is not None:
            oldest.will_close = True

    def _watch_threads(self) -> None:
        """Say so once when requests wait for a thread for more than a moment, and not again before that is over."""
        waiting = len(self.task_dispatcher.queue)
        if waiting and self.had_to_wait is False:
            log.warning("all %d threads of the web server are busy, %d requests wait", self.adj.threads, waiting)
        self.had_to_wait = bool(waiting)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being made or sent."""
        return any(
            active_channel.requests or active_channel.total_outbufs_len
            for active_channel in self.active_channels.values()
        )


def serve(
    application: Application, listening: socket.socket, *, threads: int, largest_body: int, parent: int = 0
) -> None:
    """Serve until SIGTERM, SIGINT or the end of the parent; then finish what is in hand for 20 seconds at most."""
    stopping: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: stopping.append(number))
    server = _open(application, listening, threads, largest_body)
    options = {"timeout": 0.5, "use_poll": True, "map": server._map, "count": 1}
    while not stopping and (not parent or os.getppid() == parent):
        wasyncore.loop(**options)
    wasyncore.dispatcher.close(server)  # the socket alone: its trigger still wakes the loop for answers
    until = time.monotonic() + _GRACE_SECONDS
    while server.is_busy and time.monotonic() < until:
        wasyncore.loop(**options)
    server.task_dispatcher.shutdown(timeout=1)


def _open(application: Application, listening: socket.socket, threads: int, largest_body: int) -> _Server:
    adjustments = Adjustments(
        threads=threads,
        ident=None,
        asyncore_use_poll=True,
        cleanup_interval=_POLL_SECONDS,
        channel_timeout=_IDLE_SECONDS,
        connection_limit=min(_MOST_CONNECTIONS, _open_files() // _FILES_PER_CONNECTION),
        max_request_header_size=_LARGEST_HEADERS,
        max_request_body_size=largest_body + 1,
        inbuf_overflow=_IN_MEMORY,
        outbuf_high_watermark=_MOST_ANSWER,
        log_socket_errors=False,
        clear_untrusted_proxy_headers=False,  # access/middleware.py reads them, from those who are trusted
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.queue_logger = logging.getLogger("waitress.queue")
    dispatcher.set_thread_count(threads)
    where = (listening.family, listening.type, listening.proto, listening.getsockname())
    return _Server(
        application, adj=adjustments, dispatcher=dispatcher, _sock=listening, bind_socket=False, sockinfo=where
    )


def _open_files() -> int:
    """How many files this process may open, after it has asked for as many as it can have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_CONNECTIONS * _FILES_PER_CONNECTION + 100
    if 0 <= soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft < 0 else soft


def main() -> None:
    """Serve Carefund on the socket whose number is the first argument, for the process whose number is the second."""
    serve(
        import_string(settings.WSGI_APPLICATION),
        socket.socket(fileno=int(sys.argv[1])),
        threads=settings.WEB_THREADS,
        largest_body=settings.LARGEST_BODY,
        parent=int(sys.argv[2]),
    )


if __name__ == "__main__":
    main()
