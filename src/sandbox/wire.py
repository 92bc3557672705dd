"""What goes over the wire: a call as a handler sees it, an answer as it leaves, and JSON with money in two decimals.

No routes and no rules here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

_number_encoder = msgspec.json.Encoder(decimal_format="number")
_text_encoder = msgspec.json.Encoder(decimal_format="string")

JSON = "application/json"


@dataclass(slots=True)
class Call:
    """One request: path arguments, query, headers and body, as handlers need them."""

    method: str
    operation: str
    args: dict[str, str]
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON. Raises msgspec.DecodeError (a ValueError)."""
        return msgspec.json.decode(self.body)


@dataclass(slots=True)
class Answer:
    """What goes back: status, body, content type and further headers."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON


Handler = Callable[[Call], Answer]


class Route(NamedTuple):
    """One line of the route table. `gate` is the audience that a token must have, or "" for nobody.

    `subject` names the argument that decides whose answer it is; such a read is cached until that person changes.
    """

    operation: str
    method: str
    template: str
    handler: Handler
    gate: str = ""
    subject: str = ""


def encode(value: Any, *, money_as_text: bool = False) -> bytes:
    """JSON bytes; Decimals become numbers with their own decimals, or strings if asked for."""
    return (_text_encoder if money_as_text else _number_encoder).encode(value)


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, encode(value), headers or {})
