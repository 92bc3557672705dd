"""An interfaces file read as the dialect to speak. A file of `carefund interfaces share` also says which members are
there, what they were seen to be called, and whether numbers come as texts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.description.products import OPERATIONS
from sandbox.dialect import PACE_ROWS, Dialect, interface_of

_INTERFACES = ("services-australia", "ndia", "ndia-partner")
_PLACEHOLDER = re.compile(r"([^?&=]+)=\{(\w+)\}")
# One route here, two operations for a client: about a person, and about a whole provider.
_SAME_ROUTE = {"individual_contribution": ("individual_contribution", "individual_contributions")}


def read_dialect(path: Path) -> Dialect:
    """The dialect of a file. Raises ValueError for one that is not of this format."""
    document = tomllib.loads(path.read_text("utf-8"))
    if document.get("format") != 1:
        raise ValueError("the file is no interfaces file of format 1")
    try:
        return _read_document(document)
    except (AttributeError, TypeError):  # a text where a table should be, or the other way round
        raise ValueError("the file is no interfaces file of format 1") from None


def _read_document(document: Mapping[str, Any]) -> Dialect:
    tables = {name: document.get(name, {}) for name in _INTERFACES}

    def join(name: str) -> dict[str, Any]:
        return {key: entry for table in tables.values() for key, entry in table.get(name, {}).items()}

    unknown = sorted(join("paths").keys() - OPERATIONS.keys() - {"individual_contributions"})
    if unknown:
        raise ValueError(f"there is no such operation: {', '.join(unknown)}")
    queries = {operation: _read_queries(tables, operation) for operation in OPERATIONS}
    signs = _by_member(join("signs"))
    return Dialect(
        paths={name: path.partition("?")[0] for name, path in join("paths").items()},
        queries={operation: names for operation, names in queries.items() if names},
        members=_read_seen_names(document.get("seen", {})) | _by_member(join("members")),
        codes=_by_member(join("codes")),
        turned=frozenset(name for name, way in signs.items() if way == "opposite"),
        dates={name: table.get("dates", {}).get("format", "") for name, table in tables.items()},
        sent_dates={name: table.get("dates", {}).get("sent", "") for name, table in tables.items()},
        envelopes=join("envelopes"),
        **_read_seen(document.get("seen", {})),
    )


def _read_queries(tables: Mapping[str, Any], operation: str) -> dict[str, str]:
    """What the query parameters of an operation are called, theirs and ours."""
    table = tables[interface_of(OPERATIONS[operation].row)]
    given = table.get("parameters", {})
    names = {theirs: ours for ours, theirs in given.items() if isinstance(theirs, str)}
    for same in _SAME_ROUTE.get(operation, (operation,)):
        names |= {theirs: ours for ours, theirs in given.get(same, {}).items()}
        names |= dict(_PLACEHOLDER.findall(table.get("paths", {}).get(same, "").partition("?")[2]))
    return names


def _read_seen_names(seen: Mapping[str, Any]) -> dict[str, str]:
    """What members were seen to be called, also where the file says no more of them; of several names the first."""
    names: dict[str, str] = {}
    for row, described in seen.items():
        for theirs, said in described.get("members", {}).items():
            if said.get("is"):
                names.setdefault(f"{row}.{_spell(row, said['is'])}", theirs)
    return names


def _read_seen(seen: Mapping[str, Any]) -> dict[str, Any]:
    """Which members are there, and which come as texts or numbers, by row and camel-case name."""
    present: dict[str, frozenset[str]] = {}
    kinds: dict[str, set[str]] = {}
    for row, described in seen.items():
        members = described.get("members", {})
        names = {theirs: _spell(row, said["is"]) if said.get("is") else theirs for theirs, said in members.items()}
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
    return {f"{row}.{_spell(row, name)}": entry for row, members in table.items() for name, entry in members.items()}


def _spell(row: str, name: str) -> str:
    """A member as this server calls it: as the client does in PACE, elsewhere in camel case."""
    if row in PACE_ROWS:
        return name
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
