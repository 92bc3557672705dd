"""Where a request comes from: the client's own address behind proxies that are trusted, and what is counted by it."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

Network = IPv4Network | IPv6Network
UNNAMED_PROXY = "carefund.unnamed_proxy"  # in a request's META: it came through a proxy that nobody named
_PREFIX = 64  # what one customer has of IPv6, to choose addresses from at will


def find_client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Return who a request comes from: the last address in X-Forwarded-For that is no proxy of ours.

    An entry that is no address ends the search, since nothing before it can be believed.
    """
    found = peer
    for text in [*reversed(forwarded.split(",")), ""]:
        if not is_trusted(found, trusted):
            return found
        before = _read(text)
        if before is None:
            return found
        found = str(before)
    return found


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Whether an address is in one of these networks, such as those of our proxies."""
    read = _read(address)
    return read is not None and any(read in network for network in trusted)


def name_for_counting(address: str) -> str:
    """Return what attempts are counted by: an IPv4 address, or the network that an IPv6 address is chosen from."""
    read = _read(address)
    if not isinstance(read, IPv6Address):
        return str(read) if read else ""
    return str(IPv6Network((read, _PREFIX), strict=False).network_address)


def is_among(meta: Mapping[str, Any], allowed: Sequence[Network], trusted: Sequence[Network]) -> bool:
    """Whether a request comes from one of these networks for certain. Behind a proxy that is not named, or that did not
    say for whom it asks, nobody knows."""
    address = meta.get("REMOTE_ADDR", "")
    return not meta.get(UNNAMED_PROXY, True) and not is_trusted(address, trusted) and is_trusted(address, allowed)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address, with or without brackets and a port; one that is IPv4 inside IPv6 is that."""
    plain = text.strip()
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        address = ip_address(plain.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
