"""Which passwords are refused beside those that Django's own rules refuse."""

import re

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

_OWN_WORDS = ("carefund", "password", "administrator", "support at home")
_LEAST_OTHER = 8  # characters that are none of these words
_SHORTEST_WORD = 3


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
