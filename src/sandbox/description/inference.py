"""From values that were seen to the schema that they all fit, in the words of OpenAPI 2.0. No HTTP, no names of fields.

What a JSON null was seen in is `x-nullable`, since version 2.0 has no other word for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
_DAY_OR_BLANK = r"^(\d{4}-\d{2}-\d{2})?$"
_INSTANT_OR_BLANK = r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z)?$"


@dataclass(slots=True)
class Seen:
    """All values that one place held."""

    kinds: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    members: dict[str, Seen] = field(default_factory=dict)
    objects: int = 0
    often: dict[str, int] = field(default_factory=dict)
    rows: Seen | None = None

    def add(self, value: Any) -> None:
        """Take note of one value and of everything in it."""
        match value:
            case None:
                self.kinds.add("null")
            case bool():
                self.kinds.add("boolean")
            case int():
                self.kinds.add("integer")
            case str():
                self.kinds.add("string")
                self.texts.add(_class_of(value))
            case dict():
                self.kinds.add("object")
                self.objects += 1
                for name, inner in value.items():
                    self.members.setdefault(name, Seen()).add(inner)
                    self.often[name] = self.often.get(name, 0) + 1
            case list():
                self.kinds.add("array")
                self.rows = self.rows or Seen()
                for inner in value:
                    self.rows.add(inner)
            case _:
                self.kinds.add("number")

    def merge(self, other: Seen) -> None:
        """Take note of all that was seen elsewhere."""
        self.kinds |= other.kinds
        self.texts |= other.texts
        self.objects += other.objects
        for name, inner in other.members.items():
            self.members.setdefault(name, Seen()).merge(inner)
            self.often[name] = self.often.get(name, 0) + other.often[name]
        if other.rows is not None:
            self.rows = self.rows or Seen()
            self.rows.merge(other.rows)


class Definitions:
    """The named schemas of one document: all that is seen of one kind of row, in whatever answer, makes one of them."""

    def __init__(self, inner_rows: Mapping[str, str]) -> None:
        self._inner_rows = inner_rows
        self._seen: dict[str, Seen] = {}

    def add(self, seen: Seen, name: str) -> Schema:
        """Take note of one place whose objects are called `name`; gives the schema that refers to them."""
        if seen.rows is not None:
            self.add(seen.rows, name)
        if "object" in seen.kinds:
            self._seen.setdefault(name, Seen()).merge(seen)
            for member, inner in seen.members.items():
                self.add(inner, self._name_of(name, member))
        return self._describe(seen, name)

    def schemas(self) -> dict[str, Schema]:
        """Every definition by its name."""
        return {name: self._object(seen, name) for name, seen in sorted(self._seen.items())}

    def _describe(self, seen: Seen, name: str) -> Schema:
        kinds = seen.kinds - {"null"}
        if kinds == {"integer", "number"}:
            kinds = {"number"}
        schema: Schema = {}
        if kinds == {"object"}:
            # What stands beside a reference is not read, so one that may be null is all of one thing.
            schema = {"$ref": f"#/definitions/{name}"}
            return {"allOf": [schema], "x-nullable": True} if "null" in seen.kinds else schema
        if kinds == {"array"}:
            schema = {"type": "array", "items": self._describe(seen.rows, name) if seen.rows else {}}
        elif kinds == {"string"}:
            schema = {"type": "string", **_format(seen.texts)}
        elif len(kinds) == 1:
            schema = {"type": next(iter(kinds))}
        return {**schema, "x-nullable": True} if "null" in seen.kinds else schema

    def _object(self, seen: Seen, name: str) -> Schema:
        properties = {
            member: self._describe(inner, self._name_of(name, member)) for member, inner in seen.members.items()
        }
        required = sorted(member for member, number in seen.often.items() if number == seen.objects)
        return {"type": "object", "properties": properties, **({"required": required} if required else {})}

    def _name_of(self, owner: str, member: str) -> str:
        own = self._inner_rows.get(f"{owner}.{member}") or self._inner_rows.get(member)
        return own or owner + "".join(word[:1].upper() + word[1:] for word in member.split("_"))


def _class_of(text: str) -> str:
    if not text:
        return "blank"
    if _DAY.fullmatch(text):
        return "date"
    return "date-time" if _INSTANT.fullmatch(text) else "text"


def _format(classes: Iterable[str]) -> Schema:
    match sorted(classes):
        case ["date"]:
            return {"format": "date"}
        case ["date-time"]:
            return {"format": "date-time"}
        case ["blank", "date"]:
            return {"pattern": _DAY_OR_BLANK}
        case ["blank", "date-time"]:
            return {"pattern": _INSTANT_OR_BLANK}
    return {}
