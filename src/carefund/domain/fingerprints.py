"""A fingerprint of what somebody was shown: whoever confirms it hands it back, so what changed since is noticed."""

from collections.abc import Iterable
from hashlib import sha256


def fingerprint_of(values: Iterable[object]) -> str:
    """Return 64 hexadecimal digits, the same for the same values in the same order."""
    return sha256(repr([str(value) for value in values]).encode()).hexdigest()
