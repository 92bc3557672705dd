"""Routes that speak a dialect: what is asked is made plain, and what is answered is said in the dialect. Handlers know
nothing of it."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from sandbox.description.products import OPERATIONS, PRODUCTS
from sandbox.dialect import PACE_ROWS, Dialect, read_date
from sandbox.gateway import AGED_CARE_AUDIENCE
from sandbox.wire import JSON, Answer, Call, Handler, Route, encode

# Within which member of an answer the rows are where it always has some others beside them.
_ENVELOPES = {"ndia-pace": "result", "ndia-partner-gateway": "data"}


def _heard(dialect: Dialect, row: str, body: bytes) -> bytes:
    try:
        return encode(dialect.hear(row, json.loads(body, parse_float=Decimal)))
    except ValueError:
        return body  # for the handler to refuse


def speak(routes: list[Route], dialect: Dialect) -> list[Route]:
    """The routes in a dialect; those that no interfaces file speaks of as they are."""
    if dialect.is_plain:
        return routes
    return [_speaking(route, dialect) if _is_spoken(route) else route for route in routes]


def _is_spoken(route: Route) -> bool:
    described = OPERATIONS.get(route.operation)
    return route.gate == AGED_CARE_AUDIENCE or (
        described is not None and (described.row in PACE_ROWS or described.row == "PartnerBudget")
    )


def _speaking(route: Route, dialect: Dialect) -> Route:
    path = dialect.paths.get(route.operation)
    base = PRODUCTS[OPERATIONS[route.operation].product].base
    template = f"{base}{path}" if path else route.template
    return route._replace(template=template, handler=_translated(route, dialect))


def _translated(route: Route, dialect: Dialect) -> Handler:
    described = OPERATIONS[route.operation]
    known = _ENVELOPES.get(described.product, "")
    place = dialect.envelopes.get(route.operation, "") or known
    members = {theirs: name.partition(".")[2] for name, theirs in dialect.members.items()}

    def handler(call: Call) -> Answer:
        _hear_call(dialect, call)
        if fields := call.query.get("sortFields"):
            call.query["sortFields"] = ",".join(members.get(field_name, field_name) for field_name in fields.split(","))
        if described.body and call.body[:1] == b"{":
            call.body = _heard(dialect, described.body, call.body)
        answer = route.handler(call)
        if answer.status >= 400 or answer.content_type != JSON or not answer.body:
            return answer
        document = json.loads(answer.body, parse_float=Decimal)
        if known and document.get("success") is False:
            return answer
        beside = {name: inner for name, inner in document.items() if name != known} if known else {}
        told = dialect.say(described.row, document[known] if known else document)
        for name in reversed(place.split(".") if place else ()):
            told = {name: told}
        return replace(answer, body=encode({**beside, **told} if known else told))

    return handler


def _hear_call(dialect: Dialect, call: Call) -> None:
    """Make the parameters of a call, and the headers that stand for some, the plain ones."""
    names = dialect.queries.get(call.operation, {})
    call.query = {names.get(name, name): value for name, value in call.query.items()}
    if heard := {ours: call.headers[theirs] for theirs, ours in names.items() if theirs in call.headers}:
        kept = {name: value for name, value in call.headers.items() if name.lower() not in names.values()}
        call.headers = {**kept, **heard}
    born, written = call.query.get("date_of_birth"), dialect.sent_dates.get("ndia", "")
    if born and written:
        call.query["date_of_birth"] = read_date(born, written)
