"""The front of the sandbox: one route table, and what happens to each request on its way to a handler and back.

aiohttp's bare server is used instead of its application: a call costs half as much, and the sandbox must not be what
limits a benchmark.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from urllib.parse import parse_qsl, unquote
from wsgiref.handlers import format_date_time

from aiohttp import web
from multidict import CIMultiDict

from sandbox.container import Container
from sandbox.control import Control
from sandbox.description.control import Descriptions
from sandbox.device_control import DeviceControl
from sandbox.dialect_routes import speak
from sandbox.faults import AFTER, Fault, instead, spoilt
from sandbox.journal import Line
from sandbox.ndia.api import NdiaApi
from sandbox.ndia.control import NdiaControl
from sandbox.ndia.partner import PartnerApi
from sandbox.people_control import PeopleControl
from sandbox.routing import RouteTable
from sandbox.services_australia.attachments import Attachments
from sandbox.services_australia.budgets import Budgets
from sandbox.services_australia.care_recipients import CareRecipients
from sandbox.services_australia.claim_control import ClaimControl
from sandbox.services_australia.claim_life import ClaimLife
from sandbox.services_australia.claims import Claims
from sandbox.services_australia.invoices import Invoices
from sandbox.services_australia.pool_control import PoolControl
from sandbox.spoiling import endless
from sandbox.wire import Answer, Call, Route, json_answer

PRODA_DEVICES = "/proda-rsp"
PRODA_TOKEN = "/proda/mga/sps/oauth/oauth20/token"
SERVICES_AUSTRALIA = "/services-australia/claiming/ext-vnd/acws"
SUPPORT_AT_HOME = f"{SERVICES_AUSTRALIA}/service/support-at-home"
NDIA = "/ndia"

Cached = tuple[int, int, Route, Answer]


def all_routes(container: Container) -> list[Route]:
    """Every route of the sandbox; a new API adds its line here."""
    proda = container.proda
    life = ClaimLife(container.world)
    container.on_time.append(life.advance)
    return [
        Route("proda_activate", "PUT", f"{PRODA_DEVICES}/piaweb/api/b2b/v1/devices/{{deviceName}}/jwk", proda.activate),
        Route(
            "proda_refresh",
            "PUT",
            f"{PRODA_DEVICES}/piaweb/api/b2b/v1/orgs/{{orgId}}/devices/{{deviceName}}/jwk",
            proda.refresh,
        ),
        Route("proda_token", "POST", PRODA_TOKEN, proda.token),
        *CareRecipients(container).routes(SUPPORT_AT_HOME),
        *Budgets(container).routes(SUPPORT_AT_HOME),
        *Invoices(container, life).routes(SUPPORT_AT_HOME),
        *Attachments(life).routes(SUPPORT_AT_HOME),
        *Claims(container, life).routes(SUPPORT_AT_HOME),
        *NdiaApi(container).routes(NDIA),
        *NdiaControl(container).routes(),
        *PartnerApi(container).routes("/partner"),
        *ClaimControl(life).routes(),
        *PoolControl(container.world).routes(),
        *PeopleControl(container).routes(),
        *DeviceControl(container).routes(),
        *Control(container).routes(),
        *Descriptions(container, all_routes).routes(),
    ]


class App:
    """Handles requests. `handle` is given to aiohttp's server."""

    def __init__(self, container: Container, *, cached_answers: int = 40_000) -> None:
        self.container = container
        self.table = RouteTable(speak(all_routes(container), container.dialect))
        self._cache: OrderedDict[str, Cached] = OrderedDict()
        self._cache_size = cached_answers
        self._cache_generation = container.switch_generation

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request, from route to response."""
        container = self.container
        raw, method = request.raw_path, request.method
        latency = container.switches.latency_ms
        if latency and not raw.startswith("/sandbox"):
            await asyncio.sleep(latency / 1000)
        cached = self._cached(raw) if method == "GET" and not container.faults.active else None
        if cached is not None:
            answer = self._gate(cached[2], request) or cached[3]
            self._note(request, cached[2].operation, raw, answer.status, b"")
            return _response(answer, container.world.clock.skew)
        return await self._handle_slowly(request, raw, method)

    async def _handle_slowly(self, request: web.BaseRequest, raw: str, method: str) -> web.StreamResponse:
        path, _, query_text = raw.partition("?")
        found = self.table.find(method, path)
        if found is None and path.split("/")[1:2] == ["sandbox"]:
            return _response(json_answer({"error": "nothing was found at this address"}, 404), 0.0)
        if found is None:
            page = (
                b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"
            )
            return _response(Answer(404, page, content_type="text/html"), 0.0)
        route, args = found
        query = dict(parse_qsl(query_text, keep_blank_values=True)) if query_text else {}
        # Not request.read(), which takes one megabyte at most: evidence of an item may be larger.
        body = await request.content.read() if method != "GET" else b""
        call = Call(
            method,
            route.operation,
            {name: unquote(value) for name, value in args.items()},
            query,
            request.headers,
            body,
        )
        faults: list[Fault] = []
        if self.container.faults.active and route.operation != "control":
            faults = self.container.faults.pick(route.operation, [*call.args.values(), *query.values()])
        answer = await self._before(faults, request)
        if answer is None:
            answer = self._gate(route, request) or self._answer(route, call, raw)
        for fault in faults:
            if fault.kind == "endless" and (answer.status < 400 or query.get("page", "1") != "1"):
                answer = endless(answer, int(query.get("page", "1")), int(query.get("limit", "10")))
            elif fault.kind in AFTER and answer.status < 400:
                answer = spoilt(fault, answer)
        if route.operation != "control":
            self._note(request, route.operation, raw, answer.status, body)
        truncating = next((fault for fault in faults if fault.kind == "truncate"), None)
        if truncating is not None:
            return await _send_truncated(request, answer, truncating.share)
        return _response(answer, self.container.world.clock.skew)

    def _gate(self, route: Route, request: web.BaseRequest) -> Answer | None:
        if not route.gate or not self.container.switches.auth:
            return None
        return self.container.gateway.check(request.headers, request.method, route.gate)

    def _answer(self, route: Route, call: Call, raw: str) -> Answer:
        answer = route.handler(call)
        if route.subject and call.method == "GET":
            subject = call.args.get(route.subject) or call.query.get(route.subject, "")
            world = self.container.world
            number = world.budget_holder(subject) if route.subject == "budgetId" else world.number_of(subject)
            if number is not None:
                self._cache[raw] = (number, world.version(number), route, answer)
                if len(self._cache) > self._cache_size:
                    self._cache.popitem(last=False)
        return answer

    def _cached(self, raw: str) -> Cached | None:
        if self._cache_generation != self.container.switch_generation:
            self._cache.clear()
            self._cache_generation = self.container.switch_generation
        found = self._cache.get(raw)
        return found if found is not None and found[1] == self.container.world.version(found[0]) else None

    async def _before(self, faults: list[Fault], request: web.BaseRequest) -> Answer | None:
        for fault in faults:
            if fault.kind in ("delay", "hang"):
                await asyncio.sleep(fault.seconds if fault.kind == "delay" else max(fault.seconds, 3600))
            elif fault.kind == "drop":
                _abort(request)
                return Answer(500)
            elif fault.kind in ("status", "html"):
                return instead(fault)
        return None

    def _note(self, request: web.BaseRequest, operation: str, raw: str, status: int, body: bytes) -> None:
        path, _, query = raw.partition("?")
        self.container.journal.add(
            Line(time.time(), operation, request.method, path, query, request.headers, status, body)
        )


def _response(answer: Answer, skew: float) -> web.Response:
    headers: CIMultiDict[str] = CIMultiDict(answer.headers)
    headers["Content-Type"] = answer.content_type
    if skew:
        headers["Date"] = format_date_time(time.time() + skew)
    return web.Response(body=answer.body, status=answer.status, headers=headers)


def _abort(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _send_truncated(request: web.BaseRequest, answer: Answer, share: float) -> web.StreamResponse:
    """Promise the whole body, send a part of it, and hang up."""
    response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    response.content_length = len(answer.body)
    response.force_close()
    await response.prepare(request)
    await response.write(answer.body[: int(len(answer.body) * share)])
    return response
