"""How an environment variable is read: a value that cannot be right is refused by the variable's name, in one line.

Only settings.py reads with it, and names each variable there.
"""

import shlex
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

from carefund.funders.paths import find_nearest

Choice = TypeVar("Choice", bound=str)
_KINDS = {int: "a whole number", float: "a number", dict: "name=value pairs with commas between them"}
_COMMAND_SECONDS = 30


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret comes from, for people; the file that it stands in where Carefund may write that."""

    words: str
    file: Path | None = None
    is_environment_file: bool = False


class EnvironmentVariables(environ.Env):  # type: ignore[misc]  # the package has no types
    """The environment. Every read raises ImproperlyConfigured, which does not repeat the value: it may be a secret.

    `without_texts` are the variables that were read: numbers, switches and choices as they are, of a text, which may
    be a secret or a name, only whether it is set. `secret_files` are the files that gave a secret, by their setting.
    """

    def __init__(self) -> None:
        super().__init__()
        self.without_texts: dict[str, Any] = {}
        self.secret_files: dict[str, Path] = {}

    def get_value(self, var: str, cast: Any = None, *args: Any, **options: Any) -> Any:
        """Return what a variable holds, read as what it must be."""
        try:
            value = super().get_value(var, cast, *args, **options)
        except ValueError:
            raise ImproperlyConfigured(f"{var} must be {_KINDS.get(cast, 'of another kind')}.") from None
        if var.startswith("CAREFUND_"):
            is_set = "set" if self.ENVIRON.get(var) else "not set"
            self.without_texts[var] = value if cast in (bool, int, float) else is_set
        return value

    def collector(self, var: str) -> str:
        """Return the address of a collector of spans, or nothing; what would send to it must be installed."""
        address: str = self.str(var, default="")
        if address and not address.startswith(("http://", "https://")):
            raise ImproperlyConfigured(f"{var} must begin with http:// or https://.")
        if address and any(find_spec(name) is None for name in ("opentelemetry", "opentelemetry.sdk")):
            raise ImproperlyConfigured(
                f"{var} needs the packages of OpenTelemetry: run `make install EXTRA=opentelemetry`."
            )
        return address

    def from_zero(self, var: str, what: str, *, default: int) -> int:
        """Return a number that is not below zero."""
        number: int = self.int(var, default=default)
        if number < 0:
            raise ImproperlyConfigured(f"{var} must be a number of {what}, 0 or more.")
        return number

    def web_address(self, var: str) -> str:
        """Return an address that a page may link to, or "" where none is set."""
        address: str = self.str(var, default="").strip()
        if address and not address.startswith(("https://", "http://")):
            raise ImproperlyConfigured(f"{var} must begin with https:// or http://.")
        return address

    def networks(self, var: str, *, default: list[str]) -> list[IPv4Network | IPv6Network]:
        """Return addresses or networks with commas between them; one set to nothing has none."""
        try:
            return [ip_network(part.strip()) for part in self.list(var, default=default) if part.strip()]
        except ValueError:
            raise ImproperlyConfigured(
                f"{var} must be addresses or networks, such as 127.0.0.1 or 10.0.0.0/24."
            ) from None

    def choice(self, var: str, *choices: Choice, default: Choice) -> Choice:
        """Return one of the choices; a blank counts as not set. What is no choice is answered with the nearest one."""
        value = str(self.str(var, default="")) or default
        for choice in choices:
            if choice == value:
                self.without_texts[var] = choice
                return choice
        nearest = find_nearest(value, choices)
        hint = f" Did you mean {nearest}?" if nearest else ""
        raise ImproperlyConfigured(f"{var} must be {', '.join(choices[:-1])} or {choices[-1]}.{hint}")

    def secret(self, var: str, file: str, command: str) -> tuple[str, SecretSource]:
        """Return a secret and where it comes from: the variable itself, a file, a command or systemd's credential.

        Raise ImproperlyConfigured when two of them give it, or one cannot be read.
        """
        folder, name = self.str("CREDENTIALS_DIRECTORY", default=""), var.removeprefix("CAREFUND_").lower()
        credential = Path(folder) / name.replace("_", "-")
        sources = {
            var: self.str(var, default=""),
            file: self.str(file, default=""),
            command: self.str(command, default=""),
            f"systemd's credential {credential.name}": str(credential) if folder and credential.is_file() else "",
        }
        given = {source: value for source, value in sources.items() if value}
        if len(given) > 1:
            raise ImproperlyConfigured(f"{' and '.join(given)} both give the same secret. Leave one of them out.")
        for source, value in given.items():
            if source == var:
                return value, SecretSource(source)
            if source == command:
                return _run(command, value), SecretSource(f"the command of {command}")
            text = _read(source, Path(value))
            self.secret_files[source] = Path(value)
            return text, SecretSource(source, Path(value) if source == file else None)
        return "", SecretSource(var)

    def pairs(self, var: str) -> dict[str, str]:
        """Return name=value pairs, without the blanks around them."""
        pairs: dict[str, str] = self.dict(var, default={})
        return {name.strip(): value.strip() for name, value in pairs.items()}


def _read(source: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise ImproperlyConfigured(f"{source} names a file that this account cannot read.") from None


def _run(setting: str, command: str) -> str:
    """What a command prints, such as that of a secret manager; no shell is between."""
    try:
        done = subprocess.run(  # noqa: S603 the administrator's own
            shlex.split(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=_COMMAND_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ImproperlyConfigured(f"The command of {setting} took longer than {_COMMAND_SECONDS} seconds.") from None
    except (OSError, ValueError, IndexError):
        raise ImproperlyConfigured(f"The command of {setting} cannot be started.") from None
    if done.returncode:
        raise ImproperlyConfigured(f"The command of {setting} ended with status {done.returncode}.")
    try:
        return done.stdout.decode().strip()
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"The command of {setting} printed something that is not text.") from None
