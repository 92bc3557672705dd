"""Single payloads: the bytes of an answer or a file, compressed, once per distinct content. Many at once: `archive`."""

from carefund.records.archive import digest_of
from carefund.records.compression import compress, decompress
from carefund.records.models import Payload


def store_payload(content: bytes) -> str:
    """Keep these bytes, unless they are kept already; gives their SHA-256."""
    digest = digest_of(content)
    Payload.objects.bulk_create(
        [Payload(digest=digest, body=compress(content), size=len(content))], ignore_conflicts=True
    )
    return digest


def read_payload(payload: Payload) -> bytes:
    """The bytes as they came."""
    return decompress(bytes(payload.body))
