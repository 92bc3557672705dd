"""The rehearsal of PRODA: a device is registered, activated, signed in, given a new key, and refused each of these."""

from __future__ import annotations

import base64
import time
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.description.stage import Stage
from sandbox.gateway import MANDATORY_HEADERS, ORGANISATION_ID
from sandbox.proda import GRANT_TYPE, PRODA_CLIENT_ID
from sandbox.proda_tokens import ISSUER
from sandbox.wire import JSON

_DEVICES = "/proda-rsp/piaweb/api/b2b/v1"
_TOKEN = "/proda/mga/sps/oauth/oauth20/token"
_DEVICE = "rehearsal"


def sign_in(stage: Stage) -> None:
    """Ask PRODA everything that it can be asked."""
    headers = dict.fromkeys(MANDATORY_HEADERS, "x") | {"Content-Type": JSON, "Accept": JSON}
    first, second = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    one, ours = f"{_DEVICES}/devices/{_DEVICE}/jwk", f"{_DEVICES}/orgs/{ORGANISATION_ID}/devices/{_DEVICE}/jwk"
    code = stage.container.proda.register(_DEVICE).activation_code
    activation = {"orgId": ORGANISATION_ID, "otac": code, "key": _public(first)}
    for body in ({**activation, "otac": ""}, {**activation, "orgId": "1"}, activation):
        stage.ask(one, body, method="PUT", headers=headers)
    form = {"client_id": PRODA_CLIENT_ID, "grant_type": GRANT_TYPE, "assertion": _assertion(first, ISSUER)}
    stage.ask(_TOKEN, form=urlencode({**form, "client_id": ""}).encode())
    stage.ask(_TOKEN, form=urlencode({**form, "assertion": _assertion(first, "nobody")}).encode())
    token, _ = stage.ask(_TOKEN, form=urlencode(form).encode())
    bearer = headers | {"Authorization": f"Bearer {token['access_token']}"}
    for given, path in ((headers, ours), (bearer, ours.replace(ORGANISATION_ID, "1")), (bearer, ours)):
        stage.ask(path, _public(second), method="PUT", headers=given)
    stage.ask(ours, _public(second), method="PUT", headers=bearer)


def _public(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    modulus = key.public_key().public_numbers().n
    content = modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")
    number = base64.urlsafe_b64encode(content).rstrip(b"=").decode()
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": _DEVICE, "n": number, "e": "AQAB"}


def _assertion(key: rsa.RSAPrivateKey, audience: str) -> str:
    now = int(time.time())
    claims = {"iss": ORGANISATION_ID, "sub": _DEVICE, "aud": ISSUER, "token.aud": audience, "iat": now, "exp": now + 60}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": _DEVICE})
