"""What is asked of an interface, operation by operation, and of which types its answers and bodies are. No network.

What an interface description is compared with, and what an interfaces file may name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType

import msgspec


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation: its method, the type of its answer or None, whether that is a list, the query parameters that are
    sent beside those in its path, the type of what is sent, and the envelope in which answers are known to come."""

    method: str
    answer: type[msgspec.Struct] | None
    is_list: bool = False
    query: tuple[str, ...] = ()
    body: type[msgspec.Struct] | None = None
    envelope: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """One interface. `name` is its table in an interfaces file; `parameter_spellings` what parameters are often called
    elsewhere; `known_codes` the codes that are known of some members; `lowering` the amounts that usually only lower
    what is there, and `rising` those that usually only add to it; `headers` what calls send apart from those that every
    gateway has; `dates` the query parameters that are dates, written as what is sent."""

    name: str
    label: str
    operations: Mapping[str, Asked]
    paths: Mapping[str, str]
    payloads: tuple[type[msgspec.Struct], ...]
    parameter_spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known_codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lowering: tuple[str, ...] = ()
    rising: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()

    @property
    def sent(self) -> set[type[msgspec.Struct]]:
        """The types of what is only sent."""
        return {kind for kind in self.payloads if kind.__name__.startswith("New")}

    @property
    def parameters(self) -> set[str]:
        """Every query parameter that is sent, and every header that may be called otherwise."""
        return {name for asked in self.operations.values() for name in asked.query} | set(self.headers)


def list_types(*modules: ModuleType) -> Iterator[type[msgspec.Struct]]:
    """Every payload type that modules define."""
    for module in modules:
        for kind in vars(module).values():
            is_payload = isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct
            if is_payload and kind.__module__ == module.__name__ and not kind.__name__.startswith("_"):
                yield kind
