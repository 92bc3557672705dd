"""How a funder spells its answers and calls where it differs from what is publicly known, as plain values.

Source: rule SA-01.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, get_args, get_origin

import msgspec

# What a date is written like, and what reads it. ISO 8601 is the wire's own and needs no entry.
DATE_FORMATS = {
    "dd/MM/yyyy": "%d/%m/%Y",
    "MM/dd/yyyy": "%m/%d/%Y",
    "dd-MM-yyyy": "%d-%m-%Y",
    "dd.MM.yyyy": "%d.%m.%Y",
    "yyyy/MM/dd": "%Y/%m/%d",
    "yyyyMMdd": "%Y%m%d",
    "ddMMyyyy": "%d%m%Y",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is spelt otherwise. `members`: our member ("Budget.write_off") and theirs. `turned`: amounts whose sign is
    the other way round. `codes`: our member, their code, ours. `envelopes`: an operation, and where its rows are.
    `date_format` is that of answers, `sent_date_format` that of what is sent."""

    members: tuple[tuple[str, str], ...] = ()
    date_format: str = ""
    turned: tuple[str, ...] = ()
    codes: tuple[tuple[str, str, str], ...] = ()
    envelopes: tuple[tuple[str, str], ...] = ()
    sent_date_format: str = ""

    @property
    def description(self) -> str:
        """Everything that changes how an answer is read, in one text; "" for the plain dialect."""
        read = (self.members, self.date_format, self.turned, self.codes, self.envelopes)
        return repr(read) if any(read) else ""

    def write_sent(self, day: date) -> str:
        """A date as it is sent."""
        return day.strftime(DATE_FORMATS[self.sent_date_format]) if self.sent_date_format else day.isoformat()


PLAIN = Dialect()


@dataclass(frozen=True, slots=True)
class Interfaces:
    """All that an interfaces file says of one funder. `parameters`: "" or an operation, then our name and theirs."""

    paths: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dialect: Dialect = PLAIN

    @property
    def summary(self) -> str:
        """How much it says, in words."""
        dialect = self.dialect
        numbers = (
            ("paths", len(self.paths)),
            ("parameters", sum(map(len, self.parameters.values()))),
            ("members", len(dialect.members)),
            ("codes", len(dialect.codes)),
            ("signs", len(dialect.turned)),
            ("envelopes", len(dialect.envelopes)),
        )
        said = [f"{what}: {number}" for what, number in numbers if number]
        said += [f"dates: {dialect.date_format}"] if dialect.date_format else []
        said += [f"dates that are sent: {dialect.sent_date_format}"] if dialect.sent_date_format else []
        return ", ".join(said) or "nothing differs from what is known"

    def parameters_of(self, operation: str) -> Mapping[str, str]:
        """What the query parameters of an operation are called there, where that is not as here."""
        return {**self.parameters.get("", {}), **self.parameters.get(operation, {})}


_encoder = msgspec.json.Encoder(decimal_format="number")


def write(draft: msgspec.Struct, dialect: Dialect) -> bytes:
    """What is sent, as JSON in the dialect: members, codes and dates as it calls and writes them."""
    if not (dialect.members or dialect.codes or dialect.sent_date_format):
        return _encoder.encode(draft)
    return _encoder.encode(_say(draft, dialect, dict(dialect.members)))


def _say(value: Any, dialect: Dialect, renamed: Mapping[str, str]) -> Any:
    if isinstance(value, tuple):
        return [_say(inner, dialect, renamed) for inner in value]
    if isinstance(value, date):
        return dialect.write_sent(value)
    if not isinstance(value, msgspec.Struct):
        return value
    said = {}
    for info in msgspec.structs.fields(value):
        known, inner = find_ancestor(type(value), info.name), getattr(value, info.name)
        if inner is not msgspec.UNSET:
            codes = {ours: theirs for name, theirs, ours in dialect.codes if name == known}
            is_code = isinstance(inner, str) and inner in codes
            said[renamed.get(known, info.encode_name)] = codes[inner] if is_code else _say(inner, dialect, renamed)
    return said


def find_ancestor(kind: type[msgspec.Struct], member: str) -> str:
    """The type that brings a member, by which the member is known: "BudgetPeriod.start_date" of every budget."""
    structs = [
        ancestor for ancestor in kind.__mro__ if issubclass(ancestor, msgspec.Struct) and ancestor is not msgspec.Struct
    ]
    owners = [ancestor for ancestor in structs if member in ancestor.__struct_fields__]
    return f"{owners[-1].__name__}.{member}"


def list_members(kind: type[msgspec.Struct]) -> Iterator[tuple[str, str]]:
    """Each member of a payload type by the name that it is known by, and what the wire is known to call it."""
    for info in msgspec.structs.fields(kind):
        yield find_ancestor(kind, info.name), info.encode_name


def touches(kind: type[msgspec.Struct], dialect: Dialect) -> bool:
    """Whether signs or codes of a payload type, or of the rows in it, are other than usual."""
    changed = {*dialect.turned, *(member for member, _, _ in dialect.codes)}
    if not changed:
        return False
    rows = [get_args(info.type)[0] for info in msgspec.structs.fields(kind) if get_origin(info.type) is tuple]
    return any(name in changed for name, _ in list_members(kind)) or any(touches(row, dialect) for row in rows)


def bind(kind: type[msgspec.Struct], dialect: Dialect) -> type[msgspec.Struct]:
    """The payload type as the dialect calls its members, so that decoding costs what it costs without one.

    It is the type itself where nothing is called otherwise. What is named in the dialect has no other spelling.
    """
    renamed = dict(dialect.members)
    fields = msgspec.structs.fields(kind)
    known_as = {info.name: find_ancestor(kind, info.name) for info in fields}
    inner = {info.name: _bind_within(info.type, dialect) for info in fields}
    if not renamed.keys() & set(known_as.values()) and all(inner[info.name] == info.type for info in fields):
        return kind
    taken = {renamed[name] for name in known_as.values() if name in renamed}
    spellings: dict[str, tuple[str, ...]] = {}
    for ancestor in reversed(kind.__mro__):
        spellings |= vars(ancestor).get("other_spellings", {})
    kept = {
        name: () if known_as[name] in renamed else tuple(spelling for spelling in names if spelling not in taken)
        for name, names in spellings.items()
    }
    return msgspec.defstruct(
        kind.__name__,
        [_as_defined(info, inner[info.name]) for info in fields],
        bases=(kind,),
        namespace={"other_spellings": kept},
        module=kind.__module__,
        rename={info.name: renamed.get(known_as[info.name], info.encode_name) for info in fields},
        frozen=True,
        gc=False,
        kw_only=True,
    )


def _bind_within(annotation: Any, dialect: Dialect) -> Any:
    """A member's type, with the rows in it bound too."""
    if get_origin(annotation) is tuple and isinstance(get_args(annotation)[0], type):
        row = get_args(annotation)[0]
        if issubclass(row, msgspec.Struct):
            return tuple[bind(row, dialect), ...]  # type: ignore[misc]  # known at run time only
    return annotation


def _as_defined(info: Any, annotation: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    return (info.name, annotation) if info.required else (info.name, annotation, info.default)
