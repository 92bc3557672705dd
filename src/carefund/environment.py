"""How an environment variable is read: a value that cannot be right is refused by the variable's name, in one line.

Only settings.py reads with it, and names each variable there.
"""

from typing import Any, TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

from carefund.funders.paths import find_nearest

Choice = TypeVar("Choice", bound=str)
_KINDS = {int: "a whole number", float: "a number", dict: "name=value pairs with commas between them"}


class EnvironmentVariables(environ.Env):  # type: ignore[misc]  # the package has no types
    """The environment. Every read raises ImproperlyConfigured, which does not repeat the value: it may be a secret."""

    def get_value(self, var: str, cast: Any = None, *args: Any, **options: Any) -> Any:
        """Return what a variable holds, read as what it must be."""
        try:
            return super().get_value(var, cast, *args, **options)
        except ValueError:
            raise ImproperlyConfigured(f"{var} must be {_KINDS.get(cast, 'of another kind')}.") from None

    def choice(self, var: str, *choices: Choice, default: Choice) -> Choice:
        """Return one of the choices; a blank counts as not set. What is no choice is answered with the nearest one."""
        value = str(self.str(var, default="")) or default
        for choice in choices:
            if choice == value:
                return choice
        nearest = find_nearest(value, choices)
        hint = f" Did you mean {nearest}?" if nearest else ""
        raise ImproperlyConfigured(f"{var} must be {', '.join(choices[:-1])} or {choices[-1]}.{hint}")

    def pairs(self, var: str) -> dict[str, str]:
        """Return name=value pairs, without the blanks around them."""
        pairs: dict[str, str] = self.dict(var, default={})
        return {name.strip(): value.strip() for name, value in pairs.items()}
