"""Support at Home in other words: paths, parameters and members renamed, other dates, signs, codes, and envelopes.

What an interfaces file of Carefund says (docs/first-contact.md), the other way round: that client's file makes this
server. Handlers know nothing of it; each route is wrapped. Only the format of the file is shared, no code. A file of
`carefund interfaces share` also says which members are there and whether numbers come as texts.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.description.products import INNER_ROWS, OPERATIONS
from sandbox.gateway import AGED_CARE_AUDIENCE
from sandbox.wire import JSON, Answer, Call, Handler, Route, encode

_BASE = "/services-australia/claiming/ext-vnd/acws"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PLACEHOLDER = re.compile(r"([^?&=]+)=\{(\w+)\}")
_ANCESTORS = {
    "BudgetDetails": ("Budget", "BudgetPeriod"),
    "Budget": ("BudgetPeriod",),
    "InvoiceWritten": ("InvoicePayload",),
    "ClaimWritten": ("ClaimPayload",),
}
# One route here, two operations for a client: about a person, and about a whole provider.
_SAME_ROUTE = {"individual_contribution": ("individual_contribution", "individual_contributions")}
_WRITTEN = {"dd": "%d", "MM": "%m", "yyyy": "%Y"}


@dataclass(frozen=True)
class Dialect:
    """The words of one dialect. Members by row and camel-case name, such as "Budget.writeOff"; codes by member."""

    paths: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    turned: frozenset[str] = frozenset()
    date_format: str = ""
    envelopes: Mapping[str, str] = field(default_factory=dict)
    present: Mapping[str, frozenset[str]] = field(default_factory=dict)
    as_text: frozenset[str] = frozenset()
    as_number: frozenset[str] = frozenset()

    @property
    def is_plain(self) -> bool:
        """Whether nothing is said otherwise."""
        return self == PLAIN

    def find(self, words: Mapping[str, Any], row: str, member: str) -> Any:
        """What is said of a member of a row, or of a row that it descends from; None if nothing is."""
        rows = (row, *_ANCESTORS.get(row, ()))
        return next((words[f"{ancestor}.{member}"] for ancestor in rows if f"{ancestor}.{member}" in words), None)

    def name(self, row: str, member: str) -> str:
        """What a member is called."""
        return self.find(self.members, row, member) or member

    def is_turned(self, row: str, member: str) -> bool:
        """Whether an amount has the other sign."""
        return bool(self.find(dict.fromkeys(self.turned, True), row, member))

    def write_date(self, text: str) -> str:
        """A date as the dialect writes it."""
        return date.fromisoformat(text).strftime(self._date_pattern) if self.date_format else text

    @property
    def _date_pattern(self) -> str:
        pattern = self.date_format
        for part, code in _WRITTEN.items():
            pattern = pattern.replace(part, code)
        return pattern

    def say(self, row: str, value: Any) -> Any:
        """A row, or a list of them, in the dialect."""
        if isinstance(value, list):
            return [self.say(row, inner) for inner in value]
        if not isinstance(value, dict):
            return value
        return {
            self.name(row, member): self._write(row, member, self._say_member(row, member, inner))
            for member, inner in value.items()
            if self.is_there(row, member)
        }

    def is_there(self, row: str, member: str) -> bool:
        """Whether a row has a member at all: of rows that the file describes, those that it has seen."""
        return row not in self.present or member in self.present[row]

    def _write(self, row: str, member: str, value: Any) -> Any:
        """A number as a text, or a text of digits as a number, where they come so."""
        if f"{row}.{member}" in self.as_text and isinstance(value, int | Decimal) and not isinstance(value, bool):
            return str(value)
        if f"{row}.{member}" in self.as_number and isinstance(value, str) and value == str(_whole(value)):
            return _whole(value)
        return value

    def _say_member(self, row: str, member: str, value: Any) -> Any:
        if isinstance(value, list | dict):
            inner = INNER_ROWS.get(f"{row}.{member}") or INNER_ROWS.get(member)
            return self.say(inner, value) if inner else value
        if isinstance(value, str) and _DAY.fullmatch(value):
            return self.write_date(value)
        codes = self.find(self.codes, row, member)
        if codes and isinstance(value, str):
            return codes.get(value, value)
        if self.is_turned(row, member):
            return _turned(value)
        return value


PLAIN = Dialect()


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _turned(value: Any) -> Any:
    if isinstance(value, str):
        return str(0 - Decimal(value)) if value else value
    return 0 - value if isinstance(value, int | Decimal) else value


def read_dialect(path: Path) -> Dialect:
    """The dialect of a file. Raises ValueError for one that is not of this format."""
    document = tomllib.loads(path.read_text("utf-8"))
    if document.get("format") != 1 or not isinstance(document.get("services-australia", {}), dict):
        raise ValueError("the file is no interfaces file of format 1")
    table = document.get("services-australia", {})
    unknown = sorted(table.get("paths", {}).keys() - OPERATIONS.keys() - {"individual_contributions"})
    if unknown:
        raise ValueError(f"there is no such operation: {', '.join(unknown)}")
    paths = {name: path.partition("?")[0] for name, path in table.get("paths", {}).items()}
    queries: dict[str, dict[str, str]] = {}
    given = table.get("parameters", {})
    for operation in OPERATIONS:
        names = {theirs: ours for ours, theirs in given.items() if isinstance(theirs, str)}
        for same in _SAME_ROUTE.get(operation, (operation,)):
            names |= {theirs: ours for ours, theirs in given.get(same, {}).items()}
            names |= dict(_PLACEHOLDER.findall(table.get("paths", {}).get(same, "").partition("?")[2]))
        queries[operation] = names
    return Dialect(
        paths=paths,
        queries={operation: names for operation, names in queries.items() if names},
        members=_by_member(table.get("members", {})),
        codes=_by_member(table.get("codes", {})),
        turned=frozenset(name for name, way in _by_member(table.get("signs", {})).items() if way == "opposite"),
        date_format=table.get("dates", {}).get("format", ""),
        envelopes=table.get("envelopes", {}),
        **_read_seen(document.get("seen", {})),
    )


def _read_seen(seen: Mapping[str, Any]) -> dict[str, Any]:
    """Which members are there, and which come as texts or numbers, by row and camel-case name."""
    present: dict[str, frozenset[str]] = {}
    kinds: dict[str, set[str]] = {}
    for row, described in seen.items():
        members = described.get("members", {})
        names = {theirs: _camel(said["is"]) if said.get("is") else theirs for theirs, said in members.items()}
        present[row] = frozenset(names.values())
        kinds |= {f"{row}.{names[theirs]}": set(said.get("kinds", ())) for theirs, said in members.items()}
    texts = {"text of a number", "text of digits"}
    numbers = {"number", "whole number"}
    return {
        "present": present,
        "as_text": frozenset(name for name, seen_as in kinds.items() if seen_as & texts and not seen_as & numbers),
        "as_number": frozenset(name for name, seen_as in kinds.items() if seen_as & numbers and not seen_as & texts),
    }


def _by_member(table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {f"{row}.{_camel(name)}": entry for row, members in table.items() for name, entry in members.items()}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def speak(routes: list[Route], dialect: Dialect) -> list[Route]:
    """The routes in a dialect; those of other funders as they are."""
    if dialect.is_plain:
        return routes
    return [_speaking(route, dialect) if route.gate == AGED_CARE_AUDIENCE else route for route in routes]


def _speaking(route: Route, dialect: Dialect) -> Route:
    path = dialect.paths.get(route.operation)
    template = f"{_BASE}{path}" if path else route.template
    return route._replace(template=template, handler=_translated(route, dialect))


def _translated(route: Route, dialect: Dialect) -> Handler:
    operation, row = route.operation, OPERATIONS[route.operation].row
    ours = dialect.queries.get(operation, {})
    place = dialect.envelopes.get(operation, "")
    members = {theirs: name.partition(".")[2] for name, theirs in dialect.members.items()}

    def handler(call: Call) -> Answer:
        call.query = {ours.get(name, name): value for name, value in call.query.items()}
        if fields := call.query.get("sortFields"):
            call.query["sortFields"] = ",".join(members.get(field_name, field_name) for field_name in fields.split(","))
        answer = route.handler(call)
        if answer.status >= 400 or answer.content_type != JSON or not answer.body:
            return answer
        told = dialect.say(row, json.loads(answer.body, parse_float=Decimal))
        for name in reversed(place.split(".") if place else ()):
            told = {name: told}
        return replace(answer, body=encode(told))

    return handler
