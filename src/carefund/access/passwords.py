"""Which passwords are refused beside those that Django's own rules refuse."""

import os
import re
from hashlib import sha1
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

_OWN_WORDS = ("carefund", "password", "administrator", "support at home")
_LEAST_OTHER = 8  # characters that are none of these words
_SHORTEST_WORD = 3
_HASH_LETTERS = 40


class NotOfOwnWords:
    """Refuses passwords that are little more than the names of the provider and of Carefund."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError for a password in which fewer than 8 characters are none of these words."""
        words = re.findall(r"\w+", " ".join((settings.PROVIDER_NAME, *_OWN_WORDS)).casefold())
        left = password.casefold()
        for word in sorted({word for word in words if len(word) >= _SHORTEST_WORD}, key=len, reverse=True):
            left = left.replace(word, "")
        if len(left) < min(_LEAST_OTHER, len(password)):
            raise ValidationError(
                "Names of your organisation and of Carefund are easy to guess. Add other words.",
                code="own_words",
            )

    def get_help_text(self) -> str:
        """Return what is asked for."""
        return "Use other words than the names of your organisation and of Carefund."


class NotBreached:
    """Refuses passwords of a list of breached ones, if the settings name such a file.

    It has a line for each, in order: the SHA-1 in 40 letters, and whatever follows, as Pwned Passwords gives it out.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError for a password in the list, and where the list cannot be read."""
        if not settings.BREACHED_PASSWORDS_FILE:
            return
        digest = sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        try:
            with Path(settings.BREACHED_PASSWORDS_FILE).open("rb") as lines:
                is_listed = _find_line(lines, digest) == digest
        except OSError:
            raise ValidationError(
                "The list of breached passwords cannot be read. Ask your administrator.", code="no_list"
            ) from None
        if is_listed:
            raise ValidationError("This password is known from a data breach. Choose another one.", code="breached")

    def get_help_text(self) -> str:
        """Return what is asked for."""
        return "Use a password that is not known from a data breach."


def _find_line(lines: BinaryIO, wanted: bytes) -> bytes:
    """Return the hash of the first line that is not before the wanted one, found by halves: the file has gigabytes."""
    low, high = 0, lines.seek(0, os.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        found = _read_hash(lines, middle)
        if found and found < wanted:
            low = middle + 1
        else:
            high = middle
    return _read_hash(lines, low)


def _read_hash(lines: BinaryIO, place: int) -> bytes:
    """Return the hash of the first line that begins at a place or after it; nothing after the last."""
    lines.seek(max(place - 1, 0))
    if place:
        lines.readline()
    return lines.readline()[:_HASH_LETTERS].upper()
