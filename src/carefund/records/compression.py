"""How answers and files are kept small: zstandard, with tools of its own for every thread.

Two threads that use one compressor at once end the process (python-zstandard's documentation: not thread-safe).
"""

import threading

import zstandard

_LARGEST = 64 * 1024 * 1024  # of bodies that do not say their size; ours do
_LEVEL = 3


class _Tools(threading.local):
    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_tools = _Tools()


def compress(body: bytes) -> bytes:
    """The same bytes, smaller."""
    return _tools.compressor.compress(body)


def decompress(body: bytes) -> bytes:
    """The bytes that were compressed. Raises zstandard.ZstdError for what is damaged."""
    return _tools.decompressor.decompress(body, max_output_size=_LARGEST)
