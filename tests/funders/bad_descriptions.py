"""Descriptions that cannot be used, as files by name, and words of the one sentence that each ends with."""

import io
import json
import zipfile
from typing import Any

DETAILS = "/service/support-at-home/budget/v1/{budgetId}"


def swagger(schema: Any, **more: Any) -> dict[str, Any]:
    """A description of one operation whose answer has this schema."""
    operation = {
        "operationId": "AgedcareBudgetSahDetails1Get",
        "parameters": [{"name": "budgetId", "in": "path", "required": True, "type": "string"}],
        "responses": {"200": {"schema": schema}},
    }
    return {"swagger": "2.0", "basePath": "/claiming/acws", "paths": {DETAILS: {"get": operation}}, **more}


def _said(schema: Any, **more: Any) -> bytes:
    return json.dumps(swagger(schema, **more)).encode()


def _pack(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.json", content)
    return buffer.getvalue()


def _grow(levels: int, line: str) -> bytes:
    """Each level is ten times the one before."""
    lines = ["swagger: '2.0'", "l0: &l0 {a: 1}"]
    for level in range(1, levels):
        below = ", ".join([f"*l{level - 1}"] * 10)
        lines.append(line.format(level=level, below=below))
    return "\n".join([*lines, "paths: {/x: {get: {responses: {}}}}"]).encode()


def _chain(levels: int) -> dict[str, Any]:
    """Types each of which is a dozen of the next: a few thousand letters that stand for millions of values."""
    return {
        f"L{level}": {"properties": {f"m{number}": {"$ref": f"#/definitions/L{level + 1}"} for number in range(12)}}
        for level in range(levels)
    } | {f"L{levels}": {"type": "string"}}


def _shop(number: int) -> bytes:
    """Many operations of something else, in words that occur here too."""
    words = ("account", "budget", "client", "date", "amount", "total", "start", "code", "item", "provider", "used")
    members = {
        f"{words[place % 11]}{words[place % 7].capitalize()}{chr(97 + place % 26)}{place}": {"type": "number"}
        for place in range(number * 40)
    }
    names = list(members)

    def answer(place: int) -> dict[str, Any]:
        return {"schema": {"properties": {name: members[name] for name in names[place * 40 : place * 40 + 40]}}}

    paths = {
        f"/shop/{place}/{{id}}": {"get": {"operationId": f"Shop{place}", "responses": {"200": answer(place)}}}
        for place in range(number)
    }
    return json.dumps({"swagger": "2.0", "paths": paths}).encode()


_PETS = json.dumps({"openapi": "3.0.0", "paths": {"/pets": {"get": {"responses": {}}}}}).encode()
_TO = "#/definitions/"
BAD: dict[str, tuple[dict[str, bytes], str]] = {
    "another interface": ({"pets.json": _PETS}, "pets.json: no operation that Carefund uses is described here"),
    "many operations of something else": ({"shop.json": _shop(60)}, "no operation that Carefund uses is described"),
    "broken JSON": ({"a.json": b'{"swagger": "2.0",'}, "a.json, line 1 is neither YAML nor JSON."),
    "broken YAML": ({"a.yaml": b"a: [1"}, "a.yaml, line 2 is neither YAML nor JSON."),
    "empty": ({"a.yaml": b""}, "a.yaml is empty."),
    "blank": ({"a.yaml": b"\xef\xbb\xbf \n\n"}, "a.yaml is empty."),
    "an archive": ({"all.zip": _pack(_said({}))}, "all.zip is a ZIP archive. Unpack it"),
    "a picture": ({"a.png": b"\x89PNG\r\n\x1a\n\0\0"}, "a.png is not a text in UTF-8"),
    "words": ({"a.yaml": b"just words"}, "a.yaml is not an OpenAPI description"),
    "a list": ({"a.json": b"[]"}, "a.json is not an OpenAPI description"),
    "another version": ({"a.yaml": b"openapi: 4.0.0"}, "Carefund reads versions 2 and 3"),
    "no operations": ({"a.yaml": b"swagger: '2.0'"}, "a.yaml describes no operations."),
    "a reference to itself": ({"a.json": _said({"$ref": f"{_TO}A"}, definitions={"A": {"$ref": f"{_TO}A"}})}, "a loop"),
    "references to each other": (
        {
            "a.json": _said(
                {"$ref": f"{_TO}A"}, definitions={"A": {"$ref": f"{_TO}B"}, "B": {"$ref": f"{_TO}A"}}
            )
        },
        "a.json has references that form a loop.",
    ),
    "references between files": (
        {
            "a.json": _said({"$ref": "b.json#/definitions/B"}, definitions={"A": {"$ref": "b.json#/definitions/B"}}),
            "b.json": json.dumps({"definitions": {"B": {"$ref": "a.json#/definitions/A"}}}).encode(),
        },
        "has references that form a loop.",
    ),
    "a reference to nothing": ({"a.json": _said({"$ref": f"{_TO}Gone"})}, 'holds nothing at "#/definitions/Gone"'),
    "a file that is not there": ({"a.json": _said({"$ref": "gone.yaml#/x"})}, "gone.yaml cannot be read"),
    "another folder": ({"a.json": _said({"$ref": "../../etc/passwd"})}, "is outside the folders"),
    "a network": ({"a.json": _said({"$ref": "https://example.org/x.yaml"})}, "refers to a web address"),
    "an id twice": (
        {"a.json": _said({}), "b.json": _said({})}, 'a second operation with the id "AgedcareBudgetSahDetails1Get"',
    ),
    "20 MB": ({"a.yaml": b"#" + b"x" * 20_000_000}, "a.yaml is larger than 8 MB."),
    "a list of itself": ({"a.yaml": b"a: &a [*a]"}, "a.yaml is not an OpenAPI description"),
    "commands": ({"a.yaml": b"x: !!python/object/apply:os.system ['true']"}, "is neither YAML nor JSON"),
    "merges of merges": ({"a.yaml": _grow(12, "l{level}: &l{level} {{<<: [{below}]}}")}, "holds more than"),
    "a merge of itself": ({"a.yaml": b"swagger: '2.0'\na: &a {<<: *a}"}, "nested too deeply"),
    "millions of values": ({"a.yaml": b"swagger: '2.0'\npaths: [" + b"1," * 1_500_000 + b"1]"}, "holds more than"),
    "millions of values in JSON": ({"a.json": b'{"paths": [' + b"[]," * 1_500_000 + b"1]}"}, "holds more than"),
    "deep YAML": ({"a.yaml": b"a: " + b"[" * 100_000}, "nested too deeply"),
    "deep JSON": ({"a.json": b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"}, "nested too deeply"),
    "types of types": ({"a.json": _said({"$ref": f"{_TO}L0"}, definitions=_chain(8))}, "describes more than"),
    "codes of codes": (
        {
            "a.yaml": b"swagger: '2.0'\nenum: &e [" + b"a," * 9_000 + b"b]\npaths: {/x: {get: {responses: {200: "
            b"{schema: {properties: {" + b", ".join(b"m%d: {enum: *e}" % number for number in range(99)) + b"}}}}}}}"
        },
        "describes more than",
    ),
}  # fmt: skip
# As text that laughs: each level ten of the one before. It is read, takes next to nothing, and describes nothing.
BAD["aliases of aliases"] = (
    {"a.yaml": _grow(12, "l{level}: &l{level} [{below}]")}, "no operation that Carefund uses is described here",
)  # fmt: skip
