"""Standard Webhooks: how a message is signed, when it is tried again, and to which addresses it may go. No network.

Signatures and headers are those of standardwebhooks.com, version 1.
"""

import base64
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

PREFIX = "whsec_"
SECRET_BYTES = 32
GIVE_UP_AFTER = timedelta(days=1)
OLD_SECRET_COUNTS = timedelta(days=1)
_WAITS_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200)  # then every two hours
_LONGEST_REST = timedelta(minutes=15)
# Through these an IPv4 address is reached that the IPv6 address does not show.
_TUNNELS = (
    IPv6Network("64:ff9b::/96"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("2002::/16"),
    IPv6Network("2001::/32"),
)


def make_secret() -> str:
    """Return a new secret, as receivers are given it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(with_secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signatures of a message with each secret, as one header. Raise ValueError for what is no secret."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        f"v1,{base64.b64encode(hmac.new(_read(secret), content, sha256).digest()).decode()}" for secret in with_secrets
    )


def _read(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ValueError("not a secret") from None


def wait_before(attempt: int) -> timedelta:
    """Return how long after a failed attempt (from 1) the next one is made."""
    return timedelta(seconds=_WAITS_SECONDS[min(attempt, len(_WAITS_SECONDS)) - 1])


def rest_after(failures: int) -> timedelta:
    """Return how long a receiver is left alone after so many rounds (from 1) in which nothing got through."""
    return min(_LONGEST_REST, timedelta(seconds=5 * 2 ** min(failures, 10)))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the internet, and shows where it leads."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in tunnel for tunnel in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast


def is_named(address: IPv4Address | IPv6Address, allowed: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether an administrator has named the address, or its network, as one that may be sent to."""
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in allowed)
