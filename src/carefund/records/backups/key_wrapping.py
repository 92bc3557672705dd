"""The encryption keys in a backup: under a passphrase that a person remembers, or not there at all."""

import os
from base64 import b64decode, b64encode
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from carefund.domain.backups import LEAST_CHARACTERS
from carefund.records.backups.manifest import BackupRefused, WrappedKeys

# OWASP's first choice for scrypt: 128 MB and some tenths of a second for each guess.
_COST, _BLOCK, _PARALLEL = 2**17, 8, 1
_PURPOSE = b"carefund backup, encryption keys, 1"


def wrap_keys(keys: Sequence[str], passphrase: str) -> WrappedKeys:
    """Return the keys as they may lie beside the data that they encrypt. Raise BackupRefused for a short passphrase."""
    if len(passphrase) < LEAST_CHARACTERS:
        raise BackupRefused(
            f"The passphrase has fewer than {LEAST_CHARACTERS} characters.", "Choose words that nobody can guess."
        )
    salt, nonce = os.urandom(16), os.urandom(12)
    ciphertext = AESGCM(_derive(passphrase, salt)).encrypt(nonce, "\n".join(keys).encode(), _PURPOSE)
    return WrappedKeys(*(b64encode(part).decode() for part in (salt, nonce, ciphertext)))


def unwrap_keys(wrapped: WrappedKeys, passphrase: str) -> list[str]:
    """Return the keys. Raise BackupRefused when the passphrase is another one, or the file was changed."""
    try:
        salt, nonce, ciphertext = (b64decode(part) for part in (wrapped.salt, wrapped.nonce, wrapped.ciphertext))
        return AESGCM(_derive(passphrase, salt)).decrypt(nonce, ciphertext, _PURPOSE).decode().split("\n")
    except (InvalidTag, ValueError):
        raise BackupRefused(
            "The passphrase does not open the encryption keys of this backup.",
            "Use the one that was set when the backup was made.",
        ) from None


def _derive(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_COST, r=_BLOCK, p=_PARALLEL).derive(passphrase.encode())
