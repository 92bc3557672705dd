"""From bytes to whatever JSON they are, also where that is not quite JSON. No types, no network.

Source: rule SA-06.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from carefund.funders.errors.answers import NotJson, TooDeep, WrongCharacters
from carefund.funders.errors.outages import Incomplete
from carefund.funders.errors.root import FunderError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NO_NUMBER = Decimal("NaN")
_LONGEST_WHOLE = 40  # digits; no id and no amount has more
_DEEPEST = 50  # levels that are kept where an answer has too many; nothing that is asked for has ten
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)


def decode_any(body: bytes, operation: str) -> Any:
    """Any JSON, numbers with a point as Decimal; NaN stands for a number that is none. Raises BadAnswer, Incomplete."""
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        return _ANY.decode(body)
    except RecursionError:
        raise TooDeep(operation=operation) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        return _decode_oddly(body, operation, problem)


def decode_cut(body: bytes, operation: str) -> Any:
    """Any JSON, with NaN in place of each value that is nested too deeply: no member takes it, and one that nobody asks
    for does no harm. Raises BadAnswer, Incomplete."""
    try:
        return decode_any(body, operation)
    except TooDeep:
        return decode_any(_cut(body), operation)


def _cut(body: bytes) -> bytes:
    kept, level, place = [], 0, 0
    for token in _TOKEN.finditer(body):
        if token[0] in (b"[", b"{"):
            level += 1
            if level == _DEEPEST:
                kept.append(body[place : token.start()])
        elif token[0] in (b"]", b"}"):
            if level == _DEEPEST:
                kept.append(b"NaN")
                place = token.end()
            level -= 1
    return b"".join(kept) + body[place:]


def _decode_oddly(body: bytes, operation: str, problem: Exception) -> Any:
    """What the standard library makes of JSON that is not quite JSON: NaN, half characters, endless digits. A field
    that holds such a thing can then be named, and one that nobody asks for does no harm."""
    # An empty body is no JSON; one that begins as JSON and ends too early broke off.
    begun = body.lstrip()[:1] in (b"[", b"{")
    try:
        return json.loads(body.decode(), parse_float=_number, parse_int=_whole, parse_constant=lambda _: _NO_NUMBER)
    except RecursionError:
        raise TooDeep(operation=operation) from None
    except UnicodeDecodeError:
        kind: type[FunderError] = WrongCharacters if begun else NotJson
    except ValueError:
        kind = Incomplete if begun and "truncated" in str(problem) else NotJson
    raise kind(operation=operation) from None


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return _NO_NUMBER


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _LONGEST_WHOLE else _NO_NUMBER


_ANY = msgspec.json.Decoder(float_hook=_number)
