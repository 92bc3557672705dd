"""The description of each product in OpenAPI 2.0, from the route table and from what a rehearsal saw.

A route without a line in `products`, and one that was never rehearsed, is an error: nothing is described by heart.
"""

from __future__ import annotations

from typing import Any

from sandbox.description.inference import Definitions, Schema, Seen
from sandbox.description.products import (
    CODES,
    INNER_ROWS,
    NEVER_ABOVE_ZERO,
    NEVER_BELOW_ZERO,
    OPERATIONS,
    PARAMETER_TYPES,
    PRODUCTS,
    Operation,
)
from sandbox.description.stage import Witness
from sandbox.gateway import AGED_CARE_AUDIENCE, MANDATORY_HEADERS
from sandbox.services_australia.rows import OPTIONAL
from sandbox.wire import JSON, Route

Document = dict[str, Any]
_REASONS = {
    200: "What was asked for", 201: "Created", 204: "Done", 400: "Refused by schema or rules", 401: "Not signed in",
    403: "Not permitted", 404: "Nothing found", 406: "Not acceptable", 409: "Changed since it was read",
    415: "Another media type", 429: "Too many", 500: "The service failed",
}  # fmt: skip
_GATEWAY_ERROR = {"httpCode": "", "httpMessage": "", "moreInformation": ""}
_GATEWAY_STATUSES = (400, 401, 406, 415)
_WRAPPERS = ({"success", "result", "errors"}, {"version", "data"}, {"items"})
_WRAPPED = ("result", "data", "items")


def write_documents(routes: list[Route], witnesses: dict[str, Witness]) -> dict[str, Document]:
    """A document per product, by its short name. Raises LookupError for an operation that is not described."""
    described = [route for route in routes if route.operation != "control"]
    missing = sorted({route.operation for route in described} - (OPERATIONS.keys() & witnesses.keys()))
    if missing:
        raise LookupError(f"not described, or never rehearsed: {', '.join(missing)}")
    return {
        name: _document(name, [route for route in described if OPERATIONS[route.operation].product == name], witnesses)
        for name in PRODUCTS
    }


def _document(name: str, routes: list[Route], witnesses: dict[str, Witness]) -> Document:
    product = PRODUCTS[name]
    rows = {OPERATIONS[route.operation].row for route in routes}
    wrapped = {f"{row}Answer.{member}": row for row in rows for member in _WRAPPED}
    definitions = Definitions({**INNER_ROWS, **wrapped})
    paths: dict[str, Any] = {}
    for route in routes:
        path = route.template.removeprefix(product.base.rstrip("/"))
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, witnesses[route.operation], definitions)
    headers = {header for route in routes for header in _headers_of(route)}
    return {
        "swagger": "2.0",
        "info": {"title": product.title, "version": "1.0.0"},
        "basePath": product.base,
        "schemes": ["http"],
        "consumes": [JSON],
        "produces": [JSON],
        "parameters": {header: _parameter(header, "header", mandatory=True) for header in sorted(headers)},
        "paths": paths,
        "definitions": {name: _finished(name, schema) for name, schema in definitions.schemas().items()},
    }


def _operation(route: Route, witness: Witness, definitions: Definitions) -> dict[str, Any]:
    operation = OPERATIONS[route.operation]
    words = "".join(word.capitalize() for word in route.operation.split("_"))
    described: dict[str, Any] = {
        "operationId": f"{words}1{route.method.capitalize()}",
        "summary": operation.summary,
        "parameters": _parameters(route, operation, witness, definitions),
        "responses": _responses(route, operation, witness, definitions),
    }
    if route.operation == "proda_token":
        described["consumes"] = ["application/x-www-form-urlencoded"]
    kinds = sorted({kind for found in witness.content_types.values() for kind in found if kind})
    if kinds != [JSON]:
        described["produces"] = kinds or [JSON]
    return described


def _parameters(route: Route, operation: Operation, witness: Witness, definitions: Definitions) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in route.template.split("/") if part.startswith("{")]
    found = [_parameter(name, "path", mandatory=True) for name in names]
    found += [_parameter(name.removeprefix("!"), "query", mandatory=name[0] == "!") for name in operation.query]
    found += [{"$ref": f"#/parameters/{header}"} for header in _headers_of(route)]
    if operation.body:
        schema = definitions.add(witness.body, operation.body)
        found.append({"name": "body", "in": "body", "required": True, "schema": schema})
    if route.operation == "proda_token":
        form = ("client_id", "grant_type", "assertion")
        found += [_parameter(name, "formData", mandatory=True) for name in form]
    return found


def _parameter(name: str, place: str, *, mandatory: bool) -> dict[str, Any]:
    kind = PARAMETER_TYPES.get(name, {"type": "string"})
    return {"name": name, "in": place, **kind, **({"required": True} if mandatory else {})}


def _headers_of(route: Route) -> list[str]:
    """The headers without which a call is refused; those that `consumes` and `produces` stand for are left out."""
    if route.operation == "ndia_partner_budget":
        return ["org-id", "x-api-key"]
    headers = ["X-IBM-Client-Id", "Authorization"] if route.gate else []
    if route.operation == "proda_refresh":
        headers.append("Authorization")
    if route.gate == AGED_CARE_AUDIENCE or route.operation in ("proda_activate", "proda_refresh"):
        headers += MANDATORY_HEADERS
    if route.gate == AGED_CARE_AUDIENCE and route.method != "GET":
        headers.append("x-requested-with")
    return [*headers, "if-match"] if OPERATIONS[route.operation].matched else headers


def _responses(route: Route, operation: Operation, witness: Witness, definitions: Definitions) -> dict[str, Any]:
    statuses = sorted({*witness.answers, *(_GATEWAY_STATUSES if route.gate else ())})
    return {str(status): _response(route, operation, witness, status, definitions) for status in statuses}


def _response(
    route: Route, operation: Operation, witness: Witness, status: int, definitions: Definitions
) -> dict[str, Any]:
    described: dict[str, Any] = {"description": _REASONS[status]}
    seen = Seen()
    seen.merge(witness.answers.get(status, Seen()))
    if status >= 400 and route.gate:
        seen.add(_GATEWAY_ERROR)
    if status >= 400 and seen.kinds:
        described["schema"] = definitions.add(seen, "Refusal")
    elif seen.kinds:
        is_wrapped = any(seen.members and seen.members.keys() <= wrapper for wrapper in _WRAPPERS)
        described["schema"] = definitions.add(seen, f"{operation.row}Answer" if is_wrapped else operation.row)
    elif "application/pdf" in witness.content_types.get(status, ()):
        described["schema"] = {"type": "file"}
    if status in witness.etags:
        described["headers"] = {"ETag": {"type": "string"}}
    return described


def _finished(name: str, schema: Schema) -> Schema:
    """A definition with what cannot be seen in a few values: the codes there are, amounts that only ever lower, and
    members that some people's answers leave out."""
    if required := [member for member in schema.pop("required", ()) if member not in OPTIONAL]:
        schema["required"] = required
    for member, described in schema["properties"].items():
        place = f"{name}.{member}"
        if place in CODES:
            described["enum"] = list(CODES[place])
        if place in NEVER_ABOVE_ZERO and described.get("type") == "number":
            described["maximum"] = 0
        if place in NEVER_BELOW_ZERO and described.get("type") == "number":
            described["minimum"] = 0
    return schema
