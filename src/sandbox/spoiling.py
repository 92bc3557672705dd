"""How an answer is made so that no honest server would send it: values that are none, depth, weight, other letters.

What `faults` cannot do to a document, because the result is no longer one. No routing, no counting.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any, Protocol

from sandbox.wire import Answer, encode

_HERE = "put the text here"
_MEGABYTE = 1024 * 1024
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class Order(Protocol):
    """What a fault says about how to spoil."""

    field: str
    text: str
    number: int


def with_raw_value(order: Order, answer: Answer) -> Answer:
    """The answer with every field of a name holding a piece of text that need not be JSON."""
    document = json.loads(answer.body, parse_float=Decimal)
    for json_object in _objects(document):
        if order.field in json_object:
            json_object[order.field] = _HERE
    body = encode(document).replace(f'"{_HERE}"'.encode(), order.text.encode())
    return Answer(answer.status, body, answer.headers, answer.content_type)


def with_extra_row(order: Order, answer: Answer) -> Answer:
    """A list with one more row, which need not be JSON, at its end."""
    body = answer.body.rstrip()
    comma = b"" if json.loads(body) == [] else b","
    return Answer(
        answer.status, body.removesuffix(b"]") + comma + order.text.encode() + b"]", answer.headers, answer.content_type
    )


def nested(order: Order, answer: Answer) -> Answer:
    """The answer with a member that nobody knows, nested so many levels deep, in its first object."""
    deep = b"[" * order.number + b"]" * order.number
    body = answer.body.replace(b"{", b'{"somethingNew":' + deep + b",", 1)
    return Answer(answer.status, body, answer.headers, answer.content_type)


def with_second_list(order: Order, answer: Answer) -> Answer:
    """A list in an object, with a second, empty list beside it."""
    document = json.loads(answer.body, parse_float=Decimal)
    body = encode({order.field or "messages": [], "items": document} if isinstance(document, list) else document)
    return Answer(answer.status, body, answer.headers, answer.content_type)


def in_charset(order: Order, answer: Answer) -> Answer:
    """The answer in another character set that it names; one in brackets is used and not named."""
    name = order.text.strip("()")
    text = answer.body.decode().replace("a", "\xe4", 3) if order.number else answer.body.decode()
    kind = answer.content_type if order.text.startswith("(") else f"{answer.content_type}; charset={name}"
    return Answer(answer.status, text.encode(name), answer.headers, kind)


def packed(order: Order, answer: Answer) -> Answer:
    """The answer and then so many megabytes of blanks, as gzip: a thousandth of that on the way."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts = [_GZIP_HEAD, packer.compress(answer.body), packer.flush(zlib.Z_FULL_FLUSH)]
    blanks = b" " * _MEGABYTE
    # After a full flush a block stands alone, so that one can be sent any number of times.
    block = packer.compress(blanks) + packer.flush(zlib.Z_FULL_FLUSH)
    check = zlib.crc32(answer.body)
    for _ in range(order.number):
        check = zlib.crc32(blanks, check)
    size = (len(answer.body) + order.number * _MEGABYTE) & 0xFFFFFFFF
    parts += [block * order.number, packer.flush(), struct.pack("<II", check, size)]
    headers = answer.headers | {"Content-Encoding": "gzip"}
    return Answer(answer.status, b"".join(parts), headers, answer.content_type)


def endless(answer: Answer, page: int, limit: int) -> Answer:
    """A list's page filled up with copies of its rows under ids that were never used."""
    rows = json.loads(answer.body, parse_float=Decimal) if answer.status == 200 else [{}]
    filled = []
    for number in range(limit):
        row = deepcopy(rows[number % len(rows)])
        for name in ("budgetId", "invoiceId", "claimId", "externalReferenceId"):
            if name in row or not row:
                row[name] = f"{page:06d}{number:06d}"
        filled.append(row)
    return Answer(200, encode(filled), answer.headers, answer.content_type)


def _objects(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        yield document
    for value in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from _objects(value)


WORSE: dict[str, Callable[[Any, Answer], Answer]] = {
    "raw-value": with_raw_value,
    "extra-row": with_extra_row,
    "nested": nested,
    "second-list": with_second_list,
    "charset": in_charset,
    "packed": packed,
}
