"""A world of its own to rehearse in, and witnesses of what every operation is sent there and answers. No acts here."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

from sandbox.container import Container
from sandbox.description.inference import Seen
from sandbox.routing import RouteTable
from sandbox.switches import Switches
from sandbox.wire import JSON, Answer, Call, Route
from sandbox.world import World

AllRoutes = Callable[[Container], list[Route]]
BASE = "/services-australia/claiming/ext-vnd/acws/service/support-at-home"
TODAY = date(2026, 5, 20)


class Witness:
    """What was sent to one operation and what came back: JSON by status, other kinds of content, names of headers."""

    def __init__(self) -> None:
        self.body = Seen()
        self.answers: dict[int, Seen] = {}
        self.content_types: dict[int, set[str]] = {}
        self.etags: set[int] = set()

    def add(self, call: Call, answer: Answer) -> None:
        """Take note of a call and its answer."""
        if call.body[:1] == b"{" and answer.status < 300:
            self.body.add(json.loads(call.body))
        seen = self.answers.setdefault(answer.status, Seen())
        self.content_types.setdefault(answer.status, set()).add(answer.content_type if answer.body else "")
        if answer.body and answer.content_type == JSON:
            seen.add(json.loads(answer.body))
        if "ETag" in answer.headers:
            self.etags.add(answer.status)


class Stage:
    """A world of its own under the given switches, and a witness per operation."""

    def __init__(self, all_routes: AllRoutes, switches: Switches) -> None:
        self.container = Container(World(60, "carefund", TODAY), switches)
        self.world = self.container.world
        self.table = RouteTable(all_routes(self.container))
        self.witnesses: dict[str, Witness] = {}

    def ask(
        self, path: str, body: Any = None, *, method: str = "", headers: dict[str, str] | None = None, form: bytes = b""
    ) -> tuple[Any, str]:
        """Call one operation; gives the JSON of the answer, None without, and its etag."""
        path, _, query = path.partition("?")
        found = self.table.find(method or ("GET" if body is None and not form else "POST"), path)
        if found is None:
            raise LookupError(f"nothing is at {path}")
        route, args = found
        content = form or (b"" if body is None else json.dumps(body).encode())
        call = Call(route.method, route.operation, args, dict(parse_qsl(query)), headers or {}, content)
        answer = route.handler(call)
        self.witnesses.setdefault(route.operation, Witness()).add(call, answer)
        is_json = answer.body and answer.content_type == JSON and answer.status < 400
        return json.loads(answer.body) if is_json else None, answer.headers.get("ETag", "")

    def at_home(self, path: str, body: Any = None, *, method: str = "", etag: str = "") -> tuple[Any, str]:
        """The same for a path of Support at Home."""
        return self.ask(BASE + path, body, method=method, headers={"if-match": etag} if etag else {})
