"""PRODA for software: devices, activation codes, keys and assertions, verified for real; tokens are in proda_tokens.py.

No routes (`app.py`) and no aged-care headers (`gateway.py`). Time is PRODA's own (`Clock.proda_now`), in epoch seconds.
Source: rules PRODA-01 to PRODA-04.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sandbox.clock import stamp
from sandbox.gateway import AGED_CARE_AUDIENCE, MANDATORY_HEADERS, NDIA_AUDIENCE, ORGANISATION_ID
from sandbox.proda_tokens import ISSUER, TokenRefused, Tokens, device_error, token_error
from sandbox.switches import Switches
from sandbox.wire import Answer, Call, json_answer

PRODA_CLIENT_ID = "soape-testing-client-v2"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = frozenset({ISSUER, AGED_CARE_AUDIENCE, NDIA_AUDIENCE})
ASSERTION_SECONDS = 600
# The sandbox tolerates as much difference between clocks as PRODA would plausibly do.
LEEWAY_SECONDS = 60.0


@dataclass
class Device:
    """One software device of the organisation. Instants in epoch seconds."""

    name: str
    activation_code: str
    code_expires_at: float
    status: str = "REGISTERED"
    key: dict[str, str] = field(default_factory=dict)
    key_from: float = 0.0
    key_expires_at: float = 0.0
    device_expires_at: float = 0.0
    used_moduli: list[str] = field(default_factory=list)


class Proda:
    """All of PRODA's state and rules."""

    def __init__(self, now: Callable[[], float], switches: Callable[[], Switches]) -> None:
        self._now = now
        self._switches = switches
        self.devices: dict[str, Device] = {}
        self.tokens = Tokens(now, switches)

    def register(self, name: str) -> Device:
        """Register a device as on PRODA's screen: it gets a one-time activation code, a new one each time."""
        device = self.devices.get(name) or Device(name, "", 0.0)
        device.activation_code = secrets.token_hex(5)
        device.code_expires_at = self._now() + self._switches().activation_code_hours * 3600
        self.devices[name] = device
        return device

    def activate(self, call: Call) -> Answer:
        """PUT devices/{name}/jwk with orgId, otac and key."""
        try:
            _check_headers(call)
            body = _json_object(call)
            if body.get("orgId") != ORGANISATION_ID:
                raise device_error(404, "DE.2", "Organisation not found")
            device = self._device(call.args["deviceName"])
            if not device.activation_code or body.get("otac") != device.activation_code:
                raise device_error(400, "DE.7", "Invalid one-time activation code")
            if device.code_expires_at <= self._now():
                raise device_error(400, "DE.7", "One-time activation code has expired")
            self._take_key(device, body.get("key"))
        except TokenRefused as refused:
            return refused.answer
        device.activation_code = ""
        device.status = "ACTIVE"
        device.device_expires_at = self._now() + self._switches().device_days * 86400
        return json_answer(self._state(device))

    def refresh(self, call: Call) -> Answer:
        """PUT orgs/{org}/devices/{name}/jwk with the bare new key, and a token whose audience is PRODA itself."""
        try:
            _check_headers(call)
            kind, _, token = call.headers.get("Authorization", "").partition(" ")
            if kind.lower() != "bearer" or not self.tokens.is_valid(token, ISSUER):
                raise device_error(401, "111", "User not authenticated")
            if call.args["orgId"] != ORGANISATION_ID:
                raise device_error(404, "DE.2", "Organisation not found")
            device = self._device(call.args["deviceName"])
            if device.status != "ACTIVE":
                raise device_error(400, "DE.5", "Device is in an invalid state")
            half = (device.key_expires_at - device.key_from) / 2
            if self._switches().throttle_early_refresh and self._now() < device.key_from + half:
                raise TokenRefused(
                    json_answer(
                        {
                            "errors": [{"code": "111", "message": "Key refreshed before half of its life"}],
                            "status": 429,
                        },
                        429,
                        {"Retry-After": "60"},
                    )
                )
            self._take_key(device, _json_object(call))
        except TokenRefused as refused:
            return refused.answer
        return json_answer(self._state(device))

    def token(self, call: Call) -> Answer:
        """POST the assertion, receive an access token."""
        try:
            form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
            device, audience = self._check_assertion(form)
            if self._switches().throttle_early_refresh:
                self.tokens.throttle(device.name, audience)
        except TokenRefused as refused:
            return refused.answer
        expiries = {
            "key_expiry": instant_text(device.key_expires_at),
            "device_expiry": instant_text(device.device_expires_at),
        }
        return json_answer(self.tokens.issue(device.name, audience) | expiries | {"scope": ""})

    def saved(self) -> list[dict[str, Any]]:
        """The devices as plain data, for the state file."""
        return [asdict(device) for device in self.devices.values()]

    def load(self, devices: list[dict[str, Any]]) -> None:
        """Take over devices from a state file."""
        self.devices = {row["name"]: Device(**row) for row in devices}

    def _device(self, name: str) -> Device:
        device = self.devices.get(name)
        if device is None:
            raise device_error(404, "DE.4", "Device not found")
        return device

    def _take_key(self, device: Device, key: object) -> None:
        public = _checked_jwk(key, device.name)
        if public["n"] in device.used_moduli:
            raise device_error(400, "JWK.9", "Key was used before")
        device.used_moduli.append(public["n"])
        device.key = public
        device.key_from = self._now()
        device.key_expires_at = device.key_from + self._switches().key_days * 86400

    def _state(self, device: Device) -> dict[str, str]:
        return {
            "orgId": ORGANISATION_ID,
            "deviceName": device.name,
            "deviceStatus": device.status,
            "keyStatus": "ACTIVE",
            "keyExpiry": instant_text(device.key_expires_at),
            "deviceExpiry": instant_text(device.device_expires_at),
        }

    def _check_assertion(self, form: dict[str, str]) -> tuple[Device, str]:
        if form.get("grant_type") != GRANT_TYPE:
            raise token_error("unsupported_grant_type", "The grant type is not supported")
        if form.get("client_id") != PRODA_CLIENT_ID:
            raise token_error("mapping_error", "The client id is not known")
        assertion = form.get("assertion", "")
        try:
            kid = str(jwt.get_unverified_header(assertion).get("kid", ""))
        except jwt.PyJWTError:
            raise token_error("mapping_error", "The assertion cannot be read") from None
        device = self.devices.get(kid)
        if device is None or not device.key:
            raise token_error("mapping_error", "The key id is not known")
        try:
            key = jwt.PyJWK(device.key).key
            claims = jwt.decode(
                assertion,
                key,
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.PyJWTError:
            raise token_error("mapping_error", "The signature does not match the current key") from None
        self._check_times(claims)
        audience = claims.get("token.aud")
        if (
            claims.get("iss") != ORGANISATION_ID
            or claims.get("sub") != kid
            or claims.get("aud") != ISSUER
            or audience not in AUDIENCES
        ):
            raise TokenRefused(Answer(500, b"Unable to retrieve device data", content_type="text/plain"))
        self._check_life(device)
        return device, str(audience)

    def _check_times(self, claims: dict[str, Any]) -> None:
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int | float) or not isinstance(expires, int | float):
            raise token_error("mapping_error", "The assertion lacks iat or exp")
        if expires > issued + ASSERTION_SECONDS:
            raise token_error("mapping_error", "The assertion is valid for too long")
        if expires <= self._now() - LEEWAY_SECONDS or issued > self._now() + LEEWAY_SECONDS:
            raise token_error("mapping_error", "The assertion has expired or is not valid yet")

    def _check_life(self, device: Device) -> None:
        if device.status != "ACTIVE" or device.device_expires_at <= self._now():
            raise token_error("device_error", "The device is inactive or has expired")
        if device.key_expires_at <= self._now():
            raise token_error("device_error", "The device's key has expired")


def instant_text(epoch: float) -> str:
    """An instant of PRODA's as it writes it."""
    return stamp(datetime.fromtimestamp(epoch, UTC))


def _check_headers(call: Call) -> None:
    for name in (*MANDATORY_HEADERS, "Content-Type", "Accept"):
        if not call.headers.get(name):
            raise device_error(400, "111", f"Input validation: header {name} is missing")


def _json_object(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.body)
    except ValueError:
        raise device_error(400, "JWK.1", "The body cannot be parsed") from None
    if not isinstance(body, dict):
        raise device_error(400, "JWK.1", "The body is not an object")
    return body


def _checked_jwk(key: object, name: str) -> dict[str, str]:
    """The public members of a key, or the refusal that names what is wrong."""
    if not isinstance(key, dict) or any(not isinstance(key.get(member), str) for member in ("kty", "n", "e", "kid")):
        raise device_error(400, "JWK.1", "The key cannot be parsed")
    if key.get("alg") not in ("RS256", "RS384", "RS512") or key["kty"] != "RSA":
        raise device_error(400, "JWK.2", "Invalid algorithm")
    if key.get("use") != "sig":
        raise device_error(400, "JWK.8", "Invalid key use")
    if key["kid"] != name:
        raise device_error(400, "111", "Input validation: kid is not the device's name")
    if any(member in key for member in ("d", "p", "q")):
        raise device_error(400, "JWK.1", "The key holds private members")
    too_short = device_error(400, "111", "Input validation: the key is shorter than 2048 bits")
    try:
        if len(base64.urlsafe_b64decode(key["n"] + "=" * (-len(key["n"]) % 4)).lstrip(b"\0")) * 8 < 2048:
            raise too_short
        loaded = jwt.PyJWK(key).key
    except (jwt.PyJWTError, binascii.Error, ValueError):
        raise device_error(400, "JWK.1", "The key cannot be parsed") from None
    if not isinstance(loaded, RSAPublicKey):
        raise device_error(400, "JWK.1", "The key cannot be parsed")
    return {member: str(key[member]) for member in ("kty", "use", "alg", "kid", "n", "e")}
