"""What is said of an error that nobody expected: where, of what kind, at which lines, and a reference to find it by.

Never an address, a value or the exception's own words: they may hold names and ids. Every interface and every engine
says it through here, and so does every library, since the log's one formatter is here too (settings.py names it).
"""

import json
import logging
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from traceback import walk_tb

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.template.loader import get_template

from carefund.funders.correlation import current_correlation_id

log = logging.getLogger(__name__)
_MOST_FRAMES, _LAST_FRAMES = 20, 4
_OWN_NAME = "_carefund_reference"
_FORMAT = "%(asctime)s %(levelname)s %(name)s%(correlation)s: %(message)s"


def note(where: str, error: BaseException, reference: str = "") -> str:
    """Write one entry about an unexpected error into the log. Return the reference that finds it there."""
    reference = reference or _new_reference()
    log.error("%s failed: %s, reference %s\n    %s", where, name_kind(error), reference, list_frames(error))
    return reference


def name_kind(error: BaseException) -> str:
    """Return the kind of an error, and of the one that it came from; of a group its first one's."""
    error = _first(error)
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    name = type(error).__name__
    return f"{name} after {type(before).__name__}" if before is not None else name


def list_frames(error: BaseException) -> str:
    """Return the lines of code that an error went through as file:line: our own, and the last few of others."""
    frames = [f"{_shorten(frame.f_code.co_filename)}:{line}" for frame, line in walk_tb(_first(error).__traceback__)]
    last = len(frames) - _LAST_FRAMES
    kept = [frame for place, frame in enumerate(frames) if frame.startswith("carefund/") or place >= last]
    return " > ".join(kept[-_MOST_FRAMES:]) or "no lines known"


def reference_of(request: HttpRequest) -> str:
    """Return what a failed request is found by: one reference for its page and its entry in the log."""
    reference: str = request.__dict__.setdefault(_OWN_NAME, _new_reference())
    return reference


def name_route(request: HttpRequest) -> str:
    """Return method and route name of a request, which say what was asked for and not about whom."""
    match = getattr(request, "resolver_match", None)
    return f"{request.method} {match.view_name or 'without a name' if match else 'no known address'}"


def show_failure(request: HttpRequest) -> HttpResponse:
    """The page of a request that failed. No database and no session is touched: either may be what failed."""
    context = {"reference": reference_of(request), "provider_name": settings.PROVIDER_NAME}
    return HttpResponse(get_template("500.html").render(context), status=500)


def note_the_rest() -> None:
    """Say what ends a process or a thread in the same way as everything else."""
    sys.excepthook = lambda kind, error, trace: _note_end("a process", error)
    threading.excepthook = lambda args: _note_end("a thread", args.exc_value)
    sys.unraisablehook = lambda args: _note_end("a clean-up", args.exc_value)


def _note_end(where: str, error: BaseException | None) -> None:
    if error is not None and not isinstance(error, KeyboardInterrupt | SystemExit):
        note(where, error)


class NoteStreams:
    """Outermost: a download that fails while it is being sent says so in its last line, and the log has the entry.

    Raising would not do: the server ends such an answer as if all had been sent.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self._get_response(request)
        if isinstance(answer, StreamingHttpResponse) and not answer.is_async:
            answer.streaming_content = _noted(answer.streaming_content, request)  # type: ignore[arg-type]
        return answer


def _noted(parts: Iterable[bytes], request: HttpRequest) -> Iterator[bytes]:
    try:
        yield from parts
    except Exception as error:  # noqa: BLE001 noted, and told in the file
        reference = note(f"{name_route(request)} while sending", error, reference_of(request))
        yield f"\r\nThis file is incomplete: Carefund failed while writing it (reference {reference}).\r\n".encode()


class LineFormatter(logging.Formatter):
    """One entry of the log, whoever writes it. A request is its route, an exception its kind and lines of code."""

    def __init__(self, fmt: str = _FORMAT) -> None:
        super().__init__(fmt)

    def format(self, record: logging.LogRecord) -> str:
        """Return the entry as text, with the correlation id of what is under way."""
        told = self._reduce(record)
        correlation_id = current_correlation_id()
        told.correlation = f" [{correlation_id}]" if correlation_id else ""
        return super().format(told)

    def _reduce(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return a copy that holds no more than may be said."""
        told = logging.makeLogRecord(record.__dict__)
        error = record.exc_info[1] if record.exc_info else None
        request = record.__dict__.get("request")
        told.exc_info = told.exc_text = told.stack_info = None
        if isinstance(request, HttpRequest):
            self._describe_request(told, request, error)
        elif record.name.startswith("django.security"):
            told.msg, told.args = f"a request was refused: {record.name.rpartition('.')[2]}", ()
        elif error is not None:  # what a library says after its first line may repeat the exception
            told.msg, told.args = f"{_first_line(record)}: {name_kind(error)}\n    {list_frames(error)}", ()
        return told

    @staticmethod
    def _describe_request(told: logging.LogRecord, request: HttpRequest, error: BaseException | None) -> None:
        told.args = ()
        if error is None:
            told.msg = f"{name_route(request)} was answered with {told.__dict__.get('status_code', 'a refusal')}"
            return
        told.msg = f"{name_route(request)} failed: {name_kind(error)}, reference {reference_of(request)}\n    "
        told.msg += list_frames(error)


class JsonFormatter(LineFormatter):
    """The same entry as one line of JSON, for programs that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the entry as an object."""
        told = self._reduce(record)
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": told.levelname,
            "logger": told.name,
            "message": told.getMessage(),
            "correlation_id": current_correlation_id(),
        }
        return json.dumps(entry, ensure_ascii=False)


def _first_line(record: logging.LogRecord) -> str:
    return str(record.msg if not record.args else record.getMessage()).partition("\n")[0]


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _shorten(path: str) -> str:
    for beginning in ("site-packages/", "/src/"):
        if beginning in path:
            return path.rpartition(beginning)[2]
    return path.rpartition("/")[2]


def _new_reference() -> str:
    return uuid.uuid4().hex[:12]
