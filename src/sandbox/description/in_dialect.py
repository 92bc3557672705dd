"""A product's description in a dialect: what is called, written and wrapped otherwise is described as it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.description.documents import Document
from sandbox.description.inference import Schema
from sandbox.description.products import OPERATIONS
from sandbox.dialect import Dialect

_OTHER_BOUND = {"maximum": "minimum", "minimum": "maximum"}
_ANY_DAY = "2026-12-31"


def describe_in(dialect: Dialect, document: Document) -> Document:
    """The document of a product in the dialect; operations keep their ids."""
    operations = {_operation_id(name): name for name in OPERATIONS}
    paths: dict[str, Any] = {}
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            name = operations.get(re.sub(r"1[A-Z][a-z]+$", "", described["operationId"]), "")
            placed = dialect.paths.get(name, path)
            paths.setdefault(placed, {})[method] = _operation(dialect, name, described, document["definitions"])
    definitions = {name: _definition(dialect, name, schema) for name, schema in document["definitions"].items()}
    return {**document, "paths": paths, "definitions": definitions}


def _operation_id(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _operation(
    dialect: Dialect, name: str, described: dict[str, Any], definitions: Mapping[str, Schema]
) -> dict[str, Any]:
    theirs = {ours: their_name for their_name, ours in dialect.queries.get(name, {}).items()}
    parameters = [
        _query(dialect, theirs, parameter) if parameter.get("in") == "query" else _header(theirs, parameter)
        for parameter in described["parameters"]
    ]
    responses = {
        status: {**response, "schema": _wrapped(dialect.envelopes.get(name, ""), response["schema"], definitions)}
        if status.startswith("2") and "schema" in response
        else response
        for status, response in described["responses"].items()
    }
    return {**described, "parameters": parameters, "responses": responses}


def _query(dialect: Dialect, theirs: Mapping[str, str], parameter: dict[str, Any]) -> dict[str, Any]:
    name, written = parameter["name"], dialect.sent_dates.get("ndia", "")
    if name == "date_of_birth" and written:
        parameter = {**{key: said for key, said in parameter.items() if key != "format"}, "description": written}
    return {**parameter, "name": theirs.get(name, name)}


def _header(theirs: Mapping[str, str], parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is no query: a header that is called otherwise is described in its place."""
    name = parameter.get("$ref", "").rpartition("/")[2]
    return {"name": theirs[name], "in": "header", "type": "string", "required": True} if name in theirs else parameter


def _wrapped(place: str, schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """The schema of an answer whose rows are at a place; of one that always has an envelope, with the rest of that."""
    answer = definitions.get(schema.get("$ref", "").rpartition("/")[2], {})
    known = next((name for name in ("result", "data") if name in answer.get("properties", {})), "")
    if place and known and "$ref" in schema:
        beside = {name: inner for name, inner in answer["properties"].items() if name != known}
        moved = _wrapped(place, answer["properties"][known], {})
        return {"type": "object", "properties": {**beside, **moved["properties"]}}
    for name in reversed(place.split(".") if place else ()):
        schema = {"type": "object", "properties": {name: schema}, "required": [name]}
    return schema


def _definition(dialect: Dialect, row: str, schema: Schema) -> Schema:
    members = {
        dialect.name(row, member): _member(dialect, row, member, inner)
        for member, inner in schema["properties"].items()
        if dialect.is_there(row, member)
    }
    required = [dialect.name(row, member) for member in schema.get("required", ()) if dialect.is_there(row, member)]
    kept = {name: said for name, said in schema.items() if name != "required"}
    return {**kept, "properties": members, **({"required": required} if required else {})}


def _member(dialect: Dialect, row: str, member: str, schema: Schema) -> Schema:
    if f"{row}.{member}" in dialect.as_text and schema.get("type") in ("number", "integer"):
        return {name: said for name, said in schema.items() if name == "x-nullable"} | {"type": "string"}
    if f"{row}.{member}" in dialect.as_number and schema.get("type") == "string" and "format" not in schema:
        return {}  # numbers where they are digits alone, else texts: no type of version 2.0 says that
    is_day = schema.get("format") == "date" or str(schema.get("pattern", "")).endswith(r"\d{2})?$")
    if is_day and dialect.format_of(row):
        kept = {name: said for name, said in schema.items() if name not in ("format", "pattern")}
        return {**kept, "description": dialect.format_of(row), "example": dialect.write_date(row, _ANY_DAY)}
    codes = dialect.find(dialect.codes, row, member)
    if codes and "enum" in schema:
        return {**schema, "enum": [codes.get(code, code) for code in schema["enum"]]}
    if dialect.is_turned(row, member):
        return {_OTHER_BOUND.get(name, name): said for name, said in schema.items()}
    return schema
