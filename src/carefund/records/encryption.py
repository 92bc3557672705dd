"""Secrets in the database, encrypted at rest: the PRODA device's keys, and what people's second factors rest on."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from carefund.funders.errors.configuring import NotConfigured


class Cipher:
    """Encrypts with the first of the encryption keys, decrypts with whichever fits: a key is replaced without a gap."""

    def __init__(self, encryption_keys: Sequence[str]) -> None:
        """`encryption_keys` are Fernet keys. Raises NotConfigured when there is none, or one is malformed."""
        if not encryption_keys:
            raise NotConfigured("CAREFUND_ENCRYPTION_KEYS is not set. Secrets in the database are encrypted with it.")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in encryption_keys])
        except ValueError:
            raise NotConfigured("CAREFUND_ENCRYPTION_KEYS has a value that is not a Fernet key.") from None

    def encrypt(self, secret: bytes) -> bytes:
        """Return a secret as it may be stored."""
        return self._fernet.encrypt(secret)

    def decrypt(self, encrypted: bytes) -> bytes:
        """Return a stored secret. Raises NotConfigured when no encryption key fits it."""
        try:
            return self._fernet.decrypt(encrypted)
        except InvalidToken:
            raise NotConfigured(
                "CAREFUND_ENCRYPTION_KEYS does not have the key that encrypted a secret in the database."
            ) from None
