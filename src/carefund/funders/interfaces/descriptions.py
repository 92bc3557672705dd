"""Interface descriptions read into plain values: OpenAPI 2.0 and 3.x, YAML or JSON, with the references in them.

References are followed to files beside the ones given, never over the network. Schemas are resolved when asked for; one
that refers to itself, directly or by others, ends where it would begin anew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from carefund.funders.interfaces.documents import MOST_TOGETHER, WrongDescription, load_document

DEEPEST = 12  # levels of members and rows in one answer; a PACE budget has eight
_MOST_SCHEMAS = 50_000  # read for all operations; real descriptions come to some thousands
_METHODS = ("get", "put", "post", "delete", "patch")
_LONGEST_CHAIN = 32  # references to references
_LONGEST_NAME = 120
_LONGEST_TEXT = 1_000
_TEXT_FIELDS = ("type", "format", "pattern", "description", "example")


@dataclass(frozen=True, slots=True)
class Schema:
    """What is said of one value: its type and format, its codes and bounds, and the members or rows in it."""

    type: str = ""
    format: str = ""
    pattern: str = ""
    description: str = ""
    example: str = ""
    codes: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    members: Mapping[str, "Schema"] = field(default_factory=dict)
    rows: "Schema | None" = None


@dataclass(frozen=True, slots=True)
class TheirOperation:
    """One operation of a description. `path` includes the base path; `answer` is that of the first success, `refusal`
    the body of the first refusal that has one, `body` what is to be sent, `required` the parameters that have to be."""

    file: str
    operation_id: str
    method: str
    path: str
    parameters: Mapping[str, tuple[str, Schema]]
    answer: Schema | None
    refusals: tuple[int, ...] = ()
    refusal: Schema | None = None
    body: Schema | None = None
    required: tuple[str, ...] = ()

    def names_in(self, place: str) -> dict[str, Schema]:
        """The parameters in path, query or header."""
        return {name: schema for name, (where, schema) in self.parameters.items() if where == place}


class Descriptions:
    """The documents of one reading, by path."""

    def __init__(self) -> None:
        self._documents: dict[Path, Any] = {}
        self._folders: set[Path] = set()
        self._schemas = 0
        self._bytes = 0

    def read(self, paths: list[Path]) -> list[TheirOperation]:
        """Every operation of the files given. Raises WrongDescription."""
        found: list[TheirOperation] = []
        self._folders = {path.resolve().parent for path in paths}
        for path in paths:
            document = self._load(path.resolve())
            if not isinstance(document, dict) or not (document.keys() & {"swagger", "openapi"}):
                raise WrongDescription(
                    f"{path.name} is not an OpenAPI description: it does not name a version of OpenAPI."
                )
            version = _text(document.get("swagger") or document.get("openapi"))
            if not version.startswith(("2.", "3.")):
                raise WrongDescription(f"{path.name} uses OpenAPI {version[:12]}. Carefund reads versions 2 and 3.")
            if not isinstance(document.get("paths"), dict) or not document["paths"]:
                raise WrongDescription(f"{path.name} describes no operations.")
            found += self._operations(path.resolve(), document)
        self._require_different(found)
        return found

    def _require_different(self, found: list[TheirOperation]) -> None:
        by_id: dict[str, TheirOperation] = {}
        for operation in found:
            other = by_id.setdefault(operation.operation_id, operation)
            if operation.operation_id and other is not operation:
                raise WrongDescription(
                    f'{operation.file} describes a second operation with the id "{operation.operation_id}"; '
                    f"the first is in {other.file}."
                )

    def _load(self, path: Path) -> Any:
        if path in self._documents:
            return self._documents[path]
        if path.parent not in self._folders and not any(folder in path.parents for folder in self._folders):
            raise WrongDescription(f"{path.name} is outside the folders of these files, so it is not read.")
        document, size = load_document(path)
        self._bytes += size
        if self._bytes > MOST_TOGETHER:
            raise WrongDescription(f"These files are larger than {MOST_TOGETHER // 1024 // 1024} MB together.")
        self._documents[path] = document
        return document

    def _operations(self, path: Path, document: Mapping[str, Any]) -> Iterator[TheirOperation]:
        base = _base_path(document)
        for template, raw_item in document["paths"].items():
            place, item = self._resolve(path, raw_item)
            if not isinstance(item, dict) or not isinstance(template, str):
                continue
            for method in _METHODS:
                operation = item.get(method)
                if isinstance(operation, dict):
                    given = [*_list(item.get("parameters")), *_list(operation.get("parameters"))]
                    yield TheirOperation(
                        path.name,
                        " ".join(_text(operation.get("operationId")).split())[:_LONGEST_NAME],
                        method.upper(),
                        base + template,
                        dict(self._parameters(place, given)),
                        self._answer(place, operation, 200, 299),
                        tuple(_statuses(operation, lowest=400)),
                        self._answer(place, operation, 400, 499),
                        self._body(place, operation, given),
                        tuple(name for _, name, said in self._named(place, given) if said.get("required") is True),
                    )

    def _parameters(self, path: Path, given: list[Any]) -> Iterator[tuple[str, tuple[str, Schema]]]:
        for place, name, parameter in self._named(path, given):
            raw = parameter.get("schema", parameter)
            yield name, (_text(parameter.get("in")), self._schema(place, raw, DEEPEST))

    def _named(self, path: Path, given: list[Any]) -> Iterator[tuple[Path, str, dict[str, Any]]]:
        """Each parameter that has a name, but for bodies, with the file that it is in."""
        for reference in given:
            place, parameter = self._resolve(path, reference)
            is_named = isinstance(parameter, dict) and isinstance(parameter.get("name"), str)
            if is_named and parameter.get("in") != "body" and len(parameter["name"]) <= _LONGEST_NAME:
                yield place, parameter["name"], parameter

    def _body(self, path: Path, operation: Mapping[str, Any], given: list[Any]) -> Schema | None:
        """The schema of what is to be sent: a parameter in version 2, apart in version 3."""
        for reference in given:
            place, parameter = self._resolve(path, reference)
            if isinstance(parameter, dict) and parameter.get("in") == "body" and parameter.get("schema") is not None:
                return self._schema(place, parameter["schema"], 0)
        place, body = self._resolve(path, operation.get("requestBody"))
        schema = _json_schema(body) if isinstance(body, dict) else None
        return None if schema is None else self._schema(place, schema, 0)

    def _answer(self, path: Path, operation: Mapping[str, Any], lowest: int, highest: int) -> Schema | None:
        """The schema of the first answer with a status between two that has one."""
        for status in _statuses(operation, lowest=lowest, highest=highest):
            responses = operation["responses"]
            place, response = self._resolve(path, responses.get(str(status), responses.get(status)))
            if not isinstance(response, dict):
                continue
            if (schema := _json_schema(response)) is not None:
                return self._schema(place, schema, 0)
        return None

    def _resolve(self, path: Path, thing: Any) -> tuple[Path, Any]:
        """What a reference leads to, and the file that it is in; the thing itself if it is none."""
        for _ in range(_LONGEST_CHAIN):
            if not isinstance(thing, dict) or not isinstance(thing.get("$ref"), str):
                return path, thing
            address, _, pointer = thing["$ref"].partition("#")
            try:
                is_elsewhere = bool(urlsplit(address).scheme)
                path = (path.parent / unquote(address)).resolve() if address else path
            except ValueError:
                raise WrongDescription(f"{path.name} has a reference that is not a valid address.") from None
            if is_elsewhere:
                raise WrongDescription(f"{path.name} refers to a web address. Carefund does not follow it.")
            thing = self._load(path)
            for part in filter(None, unquote(pointer).split("/")):
                key = part.replace("~1", "/").replace("~0", "~")
                if not isinstance(thing, dict) or key not in thing:
                    shown = " ".join(pointer.split())[:_LONGEST_NAME]
                    raise WrongDescription(f'{path.name} holds nothing at "#{shown}", although it refers to that.')
                thing = thing[key]
        raise WrongDescription(f"{path.name} has references that form a loop.")

    def _schema(self, path: Path, raw: Any, depth: int, around: tuple[int, ...] = ()) -> Schema:
        """A schema; `around` are those in which it stands, of which none begins anew within itself."""
        path, raw = self._resolve(path, raw)
        if not isinstance(raw, dict) or depth > DEEPEST or id(raw) in around:
            return Schema()
        codes = _list(raw.get("enum"))
        self._schemas += 1 + len(codes)
        if self._schemas > _MOST_SCHEMAS:
            raise WrongDescription(f"{path.name} describes more than {_MOST_SCHEMAS:,} values.")

        def within(inner: Any) -> Schema:
            return self._schema(path, inner, depth + 1, (*around, id(raw)))

        parts = [within(inner) for inner in _list(raw.get("allOf"))]
        choices = [inner for inner in _list(raw.get("oneOf")) + _list(raw.get("anyOf")) if inner != {"type": "null"}]
        parts += [within(choices[0])] if len(choices) == 1 else []
        properties = raw.get("properties")
        members = {name: inner for part in parts for name, inner in part.members.items()}
        if isinstance(properties, dict):
            members |= {
                str(name): within(inner) for name, inner in properties.items() if len(str(name)) <= _LONGEST_NAME
            }
        texts = {name: _text(raw.get(name))[:_LONGEST_TEXT] for name in _TEXT_FIELDS}
        for part in parts:
            texts = {name: inner or getattr(part, name) for name, inner in texts.items()}
        rows = within(raw["items"]) if isinstance(raw.get("items"), dict) else None
        return Schema(
            **{**texts, "type": texts["type"] or ("object" if members else "array" if rows else "")},
            codes=tuple(_text(code) for code in codes if code is not None),
            minimum=_number(raw.get("minimum")),
            maximum=_number(raw.get("maximum")),
            members=members,
            rows=rows or next((part.rows for part in parts if part.rows), None),
        )


def _json_schema(thing: Mapping[str, Any]) -> Any:
    """The schema of a body or an answer; of several kinds of content, that of JSON."""
    contents = thing.get("content")
    if not isinstance(contents, dict):
        return thing.get("schema")
    media = [media for kind, media in contents.items() if "json" in str(kind) and isinstance(media, dict)]
    return media[0].get("schema") if media else None


def _base_path(document: Mapping[str, Any]) -> str:
    servers = _list(document.get("servers"))
    first = servers[0].get("url", "") if servers and isinstance(servers[0], dict) else ""
    try:
        path = urlsplit(_text(first)).path
    except ValueError:
        path = ""
    return (path or _text(document.get("basePath"))).rstrip("/")


def _statuses(operation: Mapping[str, Any], *, lowest: int, highest: int = 599) -> list[int]:
    responses = operation.get("responses")
    texts = [_text(status) for status in responses] if isinstance(responses, dict) else []
    found = [int(text) for text in texts if len(text) == 3 and text.isdecimal()]
    return sorted(status for status in found if lowest <= status <= highest)


def _list(thing: Any) -> list[Any]:
    return thing if isinstance(thing, list) else []


def _text(thing: Any) -> str:
    if isinstance(thing, list):  # types of OpenAPI 3.1, of which one may be null
        thing = next((kind for kind in thing if kind != "null"), None)
    try:
        return str(thing) if isinstance(thing, str | int | float) else ""
    except ValueError:  # a number of thousands of digits
        return ""


def _number(thing: Any) -> float | None:
    if isinstance(thing, bool) or not isinstance(thing, int | float):
        return None
    try:
        return float(thing)
    except OverflowError:
        return None
