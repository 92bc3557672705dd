"""Send one message over HTTP: to an address that was looked up once and may be sent to, signed, without redirects.

What the receiver says beyond its status is not read. No database.
"""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from carefund.domain.webhooks import is_named, is_public, sign
from carefund.records.models import WebhookDelivery, WebhookEndpoint
from carefund.records.webhooks.store import Attempt

TIMED_OUT, NO_CONNECTION, REDIRECTED = "no answer in time", "no connection", "redirects are not followed"
NOT_FOUND, NOT_ALLOWED = "the host name was not found", "the address may not be sent to"
NOT_ENCRYPTED, NO_ADDRESS = "the address is not https", "not an address"
_SECONDS = 10.0
_CONNECT_SECONDS = 5.0
_PORTS = {"https": 443, "http": 80}
Network = IPv4Network | IPv6Network


class AddressRefused(Exception):
    """A message may not be sent to this address; the text says why."""


async def resolve(url: str, allowed: Sequence[Network]) -> list[IPv4Address | IPv6Address]:
    """Return the addresses behind a URL. Raise AddressRefused if one of them may not be sent to."""
    try:
        parsed = URL(url)
        host, port = parsed.host or "", parsed.port
    except ValueError:
        raise AddressRefused(NO_ADDRESS) from None
    if parsed.scheme not in _PORTS or not host or parsed.user or parsed.password:
        raise AddressRefused(NO_ADDRESS)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused(NOT_FOUND) from None
    addresses = list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))
    if not all(is_public(address) or is_named(address, allowed) for address in addresses):
        raise AddressRefused(NOT_ALLOWED)
    if parsed.scheme != "https" and not all(is_named(address, allowed) for address in addresses):
        raise AddressRefused(NOT_ENCRYPTED)
    return addresses


class _Pinned(AbstractResolver):
    """Knows the addresses that were looked up and found right, and asks nobody again."""

    def __init__(self, addresses: Sequence[IPv4Address | IPv6Address]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Sends messages to one endpoint; `refusal` is why its address may not be sent to."""

    endpoint: WebhookEndpoint
    secrets: Sequence[str]
    session: aiohttp.ClientSession | None
    refusal: str = ""

    async def send(self, delivery: WebhookDelivery) -> Attempt:
        """Send one message. Never raise: what went wrong is recorded in the attempt."""
        if self.session is None:
            return Attempt(delivery.pk, problem=self.refusal)
        body, timestamp = write_body(delivery), int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Carefund",
            "webhook-id": delivery.message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self.secrets, delivery.message_id, timestamp, body),
        }
        try:
            async with self.session.post(
                URL(self.endpoint.url), data=body, headers=headers, allow_redirects=False
            ) as answer:
                problem = "" if 200 <= answer.status < 300 else f"status {answer.status}"
                return Attempt(delivery.pk, answer.status, REDIRECTED if 300 <= answer.status < 400 else problem)
        except TimeoutError:
            return Attempt(delivery.pk, problem=TIMED_OUT)
        except (aiohttp.ClientError, OSError, ValueError):
            return Attempt(delivery.pk, problem=NO_CONNECTION)


def write_body(delivery: WebhookDelivery) -> bytes:
    """Return a message as it is sent."""
    content: dict[str, Any] = {
        "type": delivery.event,
        "timestamp": delivery.happened_at.isoformat(),
        "data": delivery.data,
    }
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


@asynccontextmanager
async def open_sender(
    endpoint: WebhookEndpoint, secrets: Sequence[str], allowed: Sequence[Network]
) -> AsyncIterator[WebhookSender]:
    """Look an endpoint's address up, once, and be ready to send to it."""
    try:
        addresses = await resolve(endpoint.url, allowed)
    except AddressRefused as refused:
        yield WebhookSender(endpoint, secrets, None, str(refused))
        return
    connector = aiohttp.TCPConnector(resolver=_Pinned(addresses), use_dns_cache=False)
    timeout = aiohttp.ClientTimeout(total=_SECONDS, sock_connect=_CONNECT_SECONDS)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    ) as session:
        yield WebhookSender(endpoint, secrets, session)
