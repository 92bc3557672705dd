"""The interfaces file: how the real interfaces differ from what is publicly known. Read, judged and written here.

TOML, a table per funder. What it names wrongly is listed, one sentence each, with the nearest right name; a file with a
fault is not used at all. No network.
"""

import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli_w
from msgspec import structs

from carefund.funders.contract import Contract
from carefund.funders.dialect import DATE_FORMATS, Dialect, Interfaces, find_ancestor, list_members
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.interfaces.contracts import CONTRACTS
from carefund.funders.paths import find_nearest, wrong_paths

SETTING = "CAREFUND_INTERFACES_FILE"
LARGEST = 1024 * 1024
FORMAT = 1
_TABLES = ("paths", "parameters", "members", "codes", "dates", "signs", "envelopes")
_WAYS = ("usual", "opposite")


def read_file(path: Path) -> dict[str, Interfaces]:
    """What a file says of each interface. Raises NotConfigured, with a line per fault."""
    try:
        if path.stat().st_size > LARGEST:
            raise NotConfigured(f"{SETTING}: {path.name} is larger than a megabyte, so it is no interfaces file.")
        text = path.read_text("utf-8")
    except OSError:
        raise NotConfigured(f"{SETTING}: {path} cannot be read.") from None
    except UnicodeDecodeError:
        raise NotConfigured(f"{SETTING}: {path.name} is not TOML, which is written in UTF-8.") from None
    return read_text(text, path.name)


def read_text(text: str, name: str) -> dict[str, Interfaces]:
    """What the text of a file says of each interface, by the name of its table.

    Raises NotConfigured, with a line per fault.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as problem:  # also for numbers of thousands of digits
        place = str(problem).rpartition("(at ")[2].rstrip(")") if "(at " in str(problem) else "its beginning"
        raise NotConfigured(f"{SETTING}: {name} is not TOML: look at {place}.") from None
    faults = Faults(name)
    found = _read_document(document, faults)
    if faults.sentences:
        raise NotConfigured("\n".join(faults.sentences))
    return found


class Faults:
    """The sentences about one file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sentences: list[str] = []

    def add(self, sentence: str) -> None:
        """Note a fault."""
        self.sentences.append(f"{self.name}: {sentence}")

    def add_unknown(self, name: str, what: str, known: Collection[str]) -> None:
        """Note that a name is unknown, with the nearest right one."""
        nearest = find_nearest(name, known)
        few = f" There are: {', '.join(sorted(known))}." if len(known) <= len(_TABLES) else ""
        self.add(f'"{name}" is not {what}.' + (f' Did you mean "{nearest}"?' if nearest else few))

    def find_table(self, parent: Mapping[str, Any], name: str, title: str) -> dict[str, Any]:
        """A table within a table, {} when it is not there; note when it is something else."""
        found = parent.get(name, {})
        if isinstance(found, dict):
            return found
        self.add(f"{title} must be a table.")
        return {}

    def find_texts(self, table: Mapping[str, Any], title: str) -> dict[str, str]:
        """The entries of a table that are texts with something in them; note the others."""
        texts = {name: entry.strip() for name, entry in table.items() if isinstance(entry, str) and entry.strip()}
        for name in table.keys() - texts.keys():
            self.add(f'{title}, "{name}": must be a text that is not blank.')
        return texts


def _read_document(document: Mapping[str, Any], faults: Faults) -> dict[str, Interfaces]:
    if document.get("format") != FORMAT:
        faults.add(f'must begin with "format = {FORMAT}"; another format is of another version of Carefund.')
    # What `carefund interfaces share` adds is for people and for the sandbox.
    for name in document.keys() - {"format", "seen", *CONTRACTS}:
        faults.add_unknown(name, "a table of this file", ["format", *CONTRACTS])
    return {
        name: _read_interface(faults.find_table(document, name, f"[{name}]"), contract, faults)
        for name, contract in CONTRACTS.items()
    }


def _read_interface(table: Mapping[str, Any], contract: Contract, faults: Faults) -> Interfaces:
    for name in table.keys() - set(_TABLES):
        faults.add_unknown(name, f"a table of [{contract.name}]", _TABLES)

    def find(name: str) -> dict[str, Any]:
        return faults.find_table(table, name, name)

    paths = faults.find_texts(find("paths"), "paths")
    faults.sentences += wrong_paths(faults.name, paths, contract.paths)
    written, sent = _read_date_formats(find("dates"), faults)
    dialect = Dialect(
        members=tuple(_read_members(find("members"), contract, faults)),
        date_format=written,
        turned=tuple(_read_signs(find("signs"), contract, faults)),
        codes=tuple(_read_codes(find("codes"), contract, faults)),
        envelopes=tuple(_read_envelopes(find("envelopes"), contract, faults)),
        sent_date_format=sent,
    )
    return Interfaces(paths, _read_parameters(find("parameters"), contract, faults), dialect)


def _read_parameters(table: Mapping[str, Any], contract: Contract, faults: Faults) -> dict[str, dict[str, str]]:
    """Names for every operation, and within a table of its own for one."""
    general = {name: entry for name, entry in table.items() if not isinstance(entry, dict)}
    found = {"": faults.find_texts(general, "parameters")}
    for operation, entry in table.items():
        if isinstance(entry, dict):
            if operation not in contract.operations:
                faults.add_unknown(operation, "an operation", contract.operations)
            found[operation] = faults.find_texts(entry, f"parameters, {operation}")
    known = contract.parameters
    for names in found.values():
        for name in names.keys() - known:
            faults.add_unknown(name, "a query parameter that Carefund sends", known)
    twice = set()
    for operation, asked in contract.operations.items():
        theirs = {**found[""], **found.get(operation, {})}
        called: dict[str, list[str]] = {}
        for name in asked.query:
            called.setdefault(theirs.get(name, name), []).append(name)
        twice |= {(" and ".join(ours), theirs_twice) for theirs_twice, ours in called.items() if len(ours) > 1}
    for ours, theirs_twice in sorted(twice):
        faults.add(f'parameters: {ours} would both be called "{theirs_twice}".')
    return {operation: names for operation, names in found.items() if names}


def _list_names(contract: Contract) -> dict[str, str]:
    """Every member under every type that has it, and the name that it is known by."""
    return {
        f"{kind.__name__}.{info.name}": find_ancestor(kind, info.name)
        for kind in contract.payloads
        for info in structs.fields(kind)
    }


def _read_each_member(
    table: Mapping[str, Any],
    title: str,
    contract: Contract,
    faults: Faults,
    is_right: Callable[[Any], bool],
    wanted: str,
) -> Iterator[tuple[str, Any]]:
    """Each member of each payload type in a table of tables, if there is such a member and its entry is right."""
    known = _list_names(contract)
    types = {name.partition(".")[0] for name in known}
    said: dict[str, Any] = {}
    for kind, members in table.items():
        if kind not in types or not isinstance(members, dict):
            faults.add_unknown(kind, "a type of answer", types)
            continue
        for member, entry in members.items():
            name = f"{kind}.{member}"
            if name not in known:
                faults.add_unknown(name, "a member of an answer", known)
            elif not is_right(entry):
                faults.add(f"{title}, {name}: {wanted}")
            elif said.setdefault(known[name], entry) != entry:
                faults.add(f"{title}, {name}: is the same as {known[name]}, of which the file says otherwise.")
            else:
                yield known[name], entry


def _is_text(entry: Any) -> bool:
    return isinstance(entry, str) and bool(entry.strip())


def _read_members(table: Mapping[str, Any], contract: Contract, faults: Faults) -> Iterator[tuple[str, str]]:
    found = dict(_read_each_member(table, "members", contract, faults, _is_text, "must be a text that is not blank."))
    said: set[str] = set()
    for kind in contract.payloads:
        ours_of: dict[str, list[str]] = {}
        for name, known in list_members(kind):
            ours_of.setdefault(found.get(name, known), []).append(name)
        for theirs, ours in ours_of.items():
            if len(ours) > 1 and (sentence := f'members: {" and ".join(ours)} would both be "{theirs}".') not in said:
                said.add(sentence)
                faults.add(sentence)
    yield from sorted((name, theirs.strip()) for name, theirs in found.items())


def _read_codes(table: Mapping[str, Any], contract: Contract, faults: Faults) -> Iterator[tuple[str, str, str]]:
    def is_right(entry: Any) -> bool:
        return isinstance(entry, dict) and all(_is_text(code) for code in entry.values())

    wanted = "must be a table of codes, ours = theirs."
    for member, codes in _read_each_member(table, "codes", contract, faults, is_right, wanted):
        theirs = list(codes.values())
        for twice in sorted({code for code in theirs if theirs.count(code) > 1}):
            faults.add(f'codes, {member}: "{twice}" would stand for two codes.')
        yield from ((member, code, ours) for ours, code in sorted(codes.items()))


def _read_signs(table: Mapping[str, Any], contract: Contract, faults: Faults) -> Iterator[str]:
    wanted = 'must be "usual" or "opposite".'
    for member, way in _read_each_member(table, "signs", contract, faults, lambda entry: entry in _WAYS, wanted):
        if member not in list_amounts(contract):
            faults.add_unknown(member, "an amount", list_amounts(contract))
        elif way == "opposite":
            yield member


def list_amounts(contract: Contract) -> set[str]:
    """The members of answers that are amounts of money, by the names that they are known by."""
    return {
        find_ancestor(kind, name)
        for kind in contract.payloads
        for name, annotation in kind.__annotations__.items()
        if ("Money" in repr(annotation) or "Decimal" in repr(annotation)) and kind not in contract.sent
    }


def _read_date_formats(table: Mapping[str, Any], faults: Faults) -> tuple[str, str]:
    """How dates of answers are written, and those that are sent; "" for both is as usual."""
    for name in table.keys() - {"format", "sent"}:
        faults.add_unknown(name, "a setting of dates", ["format", "sent"])
    found = []
    for name, words in (("format", "the format"), ("sent", "the format of what is sent")):
        given = table.get(name, "")
        is_known = isinstance(given, str) and given in ("", "yyyy-MM-dd", *DATE_FORMATS)
        if not is_known:
            faults.add(f"dates: {words} must be one of {', '.join(('yyyy-MM-dd', *DATE_FORMATS))}.")
        found.append(given if is_known and given in DATE_FORMATS else "")
    return found[0], found[1]


def _read_envelopes(table: Mapping[str, Any], contract: Contract, faults: Faults) -> Iterator[tuple[str, str]]:
    for operation, place in sorted(faults.find_texts(table, "envelopes").items()):
        if operation not in contract.operations:
            faults.add_unknown(operation, "an operation", contract.operations)
        elif not all(place.split(".")):
            faults.add(f'envelopes, {operation}: must name members with points between them, such as "data.rows".')
        else:
            yield operation, place


def as_text(interfaces: Mapping[str, Interfaces]) -> str:
    """The file as text, without empty tables."""
    tables = {name: _as_tables(interface) for name, interface in interfaces.items()}
    return tomli_w.dumps({"format": FORMAT, **{name: table for name, table in tables.items() if table}})


def _as_tables(interfaces: Interfaces) -> dict[str, Any]:
    dialect = interfaces.dialect
    members: dict[str, Any] = {}
    for name, theirs in dialect.members:
        _put(members, name, theirs)
    codes: dict[str, Any] = {}
    for name, theirs, ours in dialect.codes:
        kind, _, member = name.partition(".")
        codes.setdefault(kind, {}).setdefault(member, {})[ours] = theirs
    signs: dict[str, Any] = {}
    for name in dialect.turned:
        _put(signs, name, "opposite")
    own = {operation: dict(names) for operation, names in interfaces.parameters.items() if operation}
    dates = {"format": dialect.date_format, "sent": dialect.sent_date_format}
    tables = {
        "paths": dict(interfaces.paths),
        "parameters": {**interfaces.parameters.get("", {}), **own},
        "members": members,
        "codes": codes,
        "dates": {name: written for name, written in dates.items() if written},
        "signs": signs,
        "envelopes": dict(dialect.envelopes),
    }
    return {name: content for name, content in tables.items() if content}


def _put(table: dict[str, Any], name: str, entry: str) -> None:
    kind, _, member = name.partition(".")
    table.setdefault(kind, {})[member] = entry
