"""PRODA's access tokens: issued for an audience, checked when they come back, and how PRODA says no. No assertions.

Source: rules PRODA-01 to PRODA-04.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.gateway import ORGANISATION_ID
from sandbox.switches import Switches
from sandbox.wire import Answer, json_answer

ISSUER = "https://proda.humanservices.gov.au"


class TokenRefused(Exception):
    """PRODA says no; carries the answer to give."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("refused by PRODA")
        self.answer = answer


def device_error(status: int, code: str, message: str) -> TokenRefused:
    """A refusal of the device endpoints, in their shape."""
    body = {
        "errors": [{"code": code, "message": message}],
        "reference": str(uuid.uuid4()),
        "status": status,
        "url": "/piaweb/api/b2b/v1/devices",
    }
    return TokenRefused(json_answer(body, status))


def token_error(error: str, description: str, status: int = 400) -> TokenRefused:
    """A refusal of the token endpoint, in its shape."""
    return TokenRefused(json_answer({"error": error, "error_description": description}, status))


class Tokens:
    """The tokens issued so far, and the key that signs them. Time is PRODA's own, in epoch seconds."""

    def __init__(self, now: Callable[[], float], switches: Callable[[], Switches]) -> None:
        self._now = now
        self._switches = switches
        self._signing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = uuid.uuid4().hex
        self._verified: dict[str, tuple[float, str]] = {}
        self._issued: dict[str, float] = {}

    def is_valid(self, token: str, audience: str) -> bool:
        """Whether an access token is ours, unexpired, and for that audience. Cached per token."""
        known = self._verified.get(token)
        if known is None:
            try:
                if jwt.get_unverified_header(token).get("kid") != self._key_id:
                    return False
                claims = jwt.decode(
                    token,
                    self._signing_key.public_key(),
                    algorithms=["RS256"],
                    options={"verify_exp": False, "verify_aud": False, "verify_iat": False},
                )
                known = (float(claims["exp"]), str(claims["proda.aud"]))
            except (jwt.PyJWTError, KeyError, ValueError):
                return False
            if len(self._verified) > 10_000:
                self._verified.clear()
            self._verified[token] = known
        return known[1] == audience and self._now() < known[0]

    def forget(self) -> None:
        """Make every access token issued so far invalid, as after a change of PRODA's own key.

        The key changes its name alone: to find another one takes longer than all else that a reset does.
        """
        self._key_id = uuid.uuid4().hex
        self._verified.clear()
        self._issued.clear()

    def throttle(self, name: str, audience: str) -> None:
        """Raises TokenRefused when a token for this audience was issued less than half its life ago."""
        key = f"{name} {audience}"
        half = self._issued.get(key, float("-inf")) + self._switches().token_seconds / 2
        if self._now() < half:
            raise TokenRefused(
                json_answer(
                    {"error": "throttled", "error_description": "A token was issued less than half its life ago"},
                    429,
                    {"Retry-After": "5"},
                )
            )

    def issue(self, name: str, audience: str) -> dict[str, Any]:
        """A new token for a device, and how long it lives."""
        now, seconds = self._now(), self._switches().token_seconds
        self._issued[f"{name} {audience}"] = now
        claims = {
            "iss": ISSUER,
            "sub": ORGANISATION_ID,
            "aud": "PRODA.UNATTENDED.B2B",
            "iat": int(now),
            "exp": int(now) + seconds,
            "proda.swinst": name,
            "proda.type": "UNATTENDED.B2B",
            "proda.org": ORGANISATION_ID,
            "proda.aud": audience,
            "proda.rp": "PRODA",
            "proda.sp": ["PRODA"],
        }
        # PRODA's header names its key and no type; the library adds one unless it is told not to.
        header = {"kid": self._key_id, "typ": None}
        return {
            "access_token": jwt.encode(claims, self._signing_key, algorithm="RS256", headers=header),
            "token_type": "bearer",
            "expires_in": seconds,
        }
