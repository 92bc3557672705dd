"""Single payloads: the bytes of an answer or a file, compressed, once per distinct content. Many at once: `archive`."""

import zstandard

from carefund.records.archive import MAX_SIZE, digest_of
from carefund.records.models import Payload


def store_payload(content: bytes) -> str:
    """Keep these bytes, unless they are kept already; gives their SHA-256."""
    digest = digest_of(content)
    body = zstandard.ZstdCompressor(level=3).compress(content)
    Payload.objects.bulk_create([Payload(digest=digest, body=body, size=len(content))], ignore_conflicts=True)
    return digest


def read_payload(payload: Payload) -> bytes:
    """The bytes as they came."""
    return zstandard.ZstdDecompressor().decompress(bytes(payload.body), max_output_size=MAX_SIZE)
