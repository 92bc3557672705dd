"""Encrypt every secret in the database with another key, row by row, so that whoever is interrupted can go on.

Meanwhile the new key stands in front of the older ones, and every secret can be read with one or the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Model

from carefund.access.two_factor import Authenticator
from carefund.funders.errors.configuring import NotConfigured
from carefund.records.durability import durable
from carefund.records.encryption import Cipher
from carefund.records.models.devices import ProdaDevice
from carefund.records.models.webhooks import WebhookEndpoint

# Every column that is encrypted.
_ENCRYPTED: tuple[tuple[type[Model], str], ...] = (
    (ProdaDevice, "secrets"),
    (Authenticator, "encrypted_secret"),
    (WebhookEndpoint, "secrets"),
)


@dataclass(frozen=True, slots=True)
class Reencryption:
    """How many secrets got the first key, and how many none of the keys can read."""

    changed: int
    unreadable: int


def reencrypt(keys: Sequence[str]) -> Reencryption:
    """Encrypt with the first key whatever is encrypted with another. Raise NotConfigured for a malformed key."""
    first, all_keys = Cipher(keys[:1]), Cipher(keys)
    changed = unreadable = 0
    for model, column, row_id, encrypted in _list_encrypted():
        if _can_read(first, encrypted):
            continue
        if not _can_read(all_keys, encrypted):
            unreadable += 1
            continue
        with durable():  # the old key may be removed from its file the moment after
            same = model._default_manager.filter(pk=row_id, **{column: encrypted})
            changed += same.update(**{column: first.encrypt(all_keys.decrypt(encrypted))})
    return Reencryption(changed, unreadable)


def _list_encrypted() -> Iterator[tuple[type[Model], str, int, bytes]]:
    for model, column in _ENCRYPTED:
        for row_id, encrypted in list(model._default_manager.order_by("pk").values_list("pk", column)):
            if encrypted:
                yield model, column, row_id, bytes(encrypted)


def _can_read(cipher: Cipher, encrypted: bytes) -> bool:
    try:
        cipher.decrypt(encrypted)
    except NotConfigured:
        return False
    return True
