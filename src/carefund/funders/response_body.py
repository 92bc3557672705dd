"""Reading the body of an answer: never more than was agreed, unpacked to its end, in UTF-8 or refused. No JSON here.

Bytes are counted as announced, as they come, and as they unpack. What is too much is refused at that byte, so that
memory stays bounded whatever is sent.
See docs/decisions/0015-what-an-answer-can-hold.md.
"""

import codecs
import re
import zlib
from collections.abc import AsyncIterator

import aiohttp

from carefund.funders.errors.answers import NotJson, TooLarge, WrongCharacters
from carefund.funders.errors.outages import Incomplete

MEGABYTE = 1024 * 1024
_CHUNK = 64 * 1024
# A value takes some sixteen bytes in an honest answer and a hundred in memory. Below a megabyte nothing can go wrong.
_BYTES_PER_VALUE = 16
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_BARE_DEFLATE = -zlib.MAX_WBITS
_DECLARED = re.compile(r'charset\s*=\s*"?\s*([^\s";,]+)', re.IGNORECASE)
_SINGLE_BYTE = re.compile(r"(iso8859-\d+|cp125\d|latin.?\d*)")
_WIDE = re.compile(r"utf-(16|32)(-[lb]e)?|utf-8-sig")
_CONTROL = re.compile("[\x80-\x9f]")


async def read_body(response: aiohttp.ClientResponse, operation: str, largest: int) -> bytes:
    """The unpacked body in UTF-8, at most `largest` bytes. Raises TooLarge, Incomplete, NotJson, WrongCharacters."""
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    length = response.content_length
    if length is not None and length > largest:
        raise too_many_bytes(operation, largest)
    if packed in ("", "identity"):
        # A length that was told is kept to: the connection breaks off at it.
        body = await response.read() if length is not None else await _joined(response, operation, largest)
    elif packed in ("gzip", "x-gzip", "deflate"):
        body = await _unpacked(response, operation, largest)
    else:
        raise NotJson("The funder's response uses a compression that Carefund did not ask for.", operation=operation)
    if len(body) > MEGABYTE and body.count(b",") > largest // _BYTES_PER_VALUE:
        raise TooLarge(
            "The funder's response has more values than the limits of this installation.", operation=operation
        )
    declared = _DECLARED.search(response.headers.get("Content-Type", ""))
    return in_utf8(body, declared[1], operation) if declared else body


def too_many_bytes(operation: str, largest: int) -> TooLarge:
    """The error of a body that has, or comes to, more bytes than are read."""
    return TooLarge(f"The funder's response is larger than {largest / MEGABYTE:g} MB.", operation=operation)


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    while chunk := await response.content.read(_CHUNK):
        yield chunk


async def _joined(response: aiohttp.ClientResponse, operation: str, largest: int) -> bytes:
    body = bytearray()
    async for chunk in _chunks(response):
        body += chunk
        if len(body) > largest:
            raise too_many_bytes(operation, largest)
    return bytes(body)


async def _unpacked(response: aiohttp.ClientResponse, operation: str, largest: int) -> bytes:
    unpacking = Unpacking(operation, largest)
    async for chunk in _chunks(response):
        unpacking.add(chunk)
    return unpacking.end()


class Unpacking:
    """A packed body, piece by piece: as it was before it was packed; one that was cut while packed is incomplete,
    however well it reads."""

    def __init__(self, operation: str, largest: int) -> None:
        self._operation, self._largest = operation, largest
        self._body = bytearray()
        self._unpacker: zlib._Decompress | None = None

    def add(self, chunk: bytes) -> None:
        """Unpack one more piece, which is not empty. Raises Incomplete, TooLarge, NotJson."""
        try:
            if self._unpacker is None:
                self._unpacker = _unpacker(chunk)
            self._body += self._unpacker.decompress(chunk, self._largest + 1 - len(self._body))
        except zlib.error:
            raise Incomplete(operation=self._operation) from None
        if len(self._body) > self._largest:
            raise too_many_bytes(self._operation, self._largest)
        if self._unpacker.unused_data:
            raise NotJson("There is more data after the end of the funder's response.", operation=self._operation)

    def end(self) -> bytes:
        """Return the whole body. Raises Incomplete."""
        if self._unpacker is not None and not self._unpacker.eof:
            raise Incomplete(operation=self._operation)
        return bytes(self._body)


def _unpacker(beginning: bytes) -> "zlib._Decompress":
    """What unpacks gzip, zlib, or the bare deflate that some servers send by the same name."""
    is_zlib = beginning[0] & 0x0F == zlib.DEFLATED and int.from_bytes(beginning[:2]) % 31 == 0
    is_gzip = beginning[:1] == b"\x1f"
    return zlib.decompressobj(_GZIP_OR_ZLIB if is_gzip or is_zlib else _BARE_DEFLATE)


def in_utf8(body: bytes, declared: str, operation: str) -> bytes:
    """The body by the character set that it says it is in. Raises WrongCharacters rather than guess.

    JSON is UTF-8; whoever says otherwise is believed unless the bytes speak against it: text that reads as UTF-8, or
    that holds control characters where letters should be, was labelled wrongly.
    """
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        raise WrongCharacters(operation=operation) from None
    if name in ("utf-8", "ascii"):
        return body  # a byte that does not belong is found while decoding
    if _SINGLE_BYTE.fullmatch(name):
        if body.isascii():
            return body
        if not _is_utf8(body):
            return _encoded(body, name, operation)
    elif _WIDE.fullmatch(name):
        return _encoded(body, name, operation)
    raise WrongCharacters(operation=operation)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _encoded(body: bytes, name: str, operation: str) -> bytes:
    try:
        text = body.decode(name)
        encoded = text.encode()
    except UnicodeError:
        raise WrongCharacters(operation=operation) from None
    if _CONTROL.search(text):
        raise WrongCharacters(operation=operation)
    return encoded
