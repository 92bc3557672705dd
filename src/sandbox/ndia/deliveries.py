"""Events on their way to whoever subscribed: posted to the webhook when they are due, signed, and tried again.

What a subscription names and what an event holds is as the NDIA has it; how the signature travels, and how often the
NDIA tries again, is not public, so both are switches.
Source: rule NDIS-14.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from sandbox.clock import stamp
from sandbox.ndia.state import NdiaState

_POLL_SECONDS = 0.2
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_KEPT = ("webhook_url", "signature", "basic_auth", "algorithm", "frequency")
Row = dict[str, Any]


def read_subscription(body: Mapping[str, Any]) -> Row:
    """What is kept of a subscription. Raises ValueError for one that nothing could be delivered to."""
    found = {name: str(body.get(name) or "") for name in _KEPT}
    if not body.get("event_id"):
        raise ValueError("event_id is missing")
    if not found["webhook_url"].startswith(("http://", "https://")):
        raise ValueError("webhook_url is not an address")
    if found["algorithm"] not in ("", "SHA256"):
        raise ValueError("algorithm must be SHA256")
    return found


def headers_for(subscription: Mapping[str, str], body: bytes, signature_header: str) -> dict[str, str]:
    """The headers of one delivery: the credentials that were asked for and the HMAC under the subscriber's secret."""
    headers = {"Content-Type": "application/json"}
    if given := subscription["basic_auth"]:
        coded = base64.b64encode(given.encode()).decode() if ":" in given else given.removeprefix("Basic ")
        headers["Authorization"] = f"Basic {coded}"
    if secret := subscription["signature"]:
        headers[signature_header] = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return headers


class Deliveries:
    """Delivers what is due. `run` goes on until it is cancelled."""

    def __init__(self, state: NdiaState) -> None:
        self._ndia = state

    async def run(self) -> None:
        """Look for events that are due, again and again."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                await asyncio.gather(*(self._deliver(session, event) for event in self._due()))
                await asyncio.sleep(_POLL_SECONDS)

    def _due(self) -> list[Row]:
        if "ndia" not in self._ndia.world.sections:
            return []
        now = stamp(self._ndia.world.clock.now())
        waiting = [event for event in self._ndia.data["events"] if event.get("delivery", {}).get("state") == "waiting"]
        return [event for event in waiting if event["delivery"]["nextAt"] <= now]

    async def _deliver(self, session: aiohttp.ClientSession, event: Row) -> None:
        delivery, switches = event["delivery"], self._ndia.switches
        subscription = self._ndia.data["subscriptions"].get(event["event_id"])
        if subscription is None:
            delivery["state"] = "given up"
            return
        body = msgspec.json.encode({"event_id": event["event_id"], "response": event["response"]})
        headers = headers_for(subscription, body, str(switches["eventSignatureHeader"]))
        try:
            async with session.post(subscription["webhook_url"], data=body, headers=headers) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            status = 0
        delivery["attempts"] += 1
        delivery["status"] = status
        if 200 <= status < 300:
            delivery["state"] = "delivered"
        elif delivery["attempts"] >= int(switches["eventAttempts"]):
            delivery["state"] = "given up"
        else:
            delivery["nextAt"] = stamp(_next_attempt(self._ndia.world.clock.now(), delivery["attempts"], switches))


def _next_attempt(now: datetime, attempts: int, switches: Row) -> datetime:
    """Twice as long after each attempt."""
    return now + timedelta(seconds=float(switches["eventRetrySeconds"]) * 2 ** (attempts - 1))
