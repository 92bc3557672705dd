"""The device's RSA keys: making them, showing their public half to PRODA, signing with them. No network, no storage.

Source: rules PRODA-01 to PRODA-03.
"""

import asyncio
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.utils import to_base64url_uint

from carefund.funders.configuration import PRODA_AUDIENCE

KEY_BITS = 2048
ASSERTION_LIFE = timedelta(minutes=5)  # PRODA takes at most ten; half leaves room for clocks that differ a little


async def new_private_key() -> str:
    """A new RSA key as PEM, made in a thread: it takes a good part of a second."""
    return await asyncio.to_thread(_make_key)


def _make_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_jwk(private_key: str, device_name: str) -> dict[str, str]:
    """The public half of a PEM key as the JSON web key that PRODA takes; its id is the device's name."""
    numbers = _load(private_key).public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": device_name,
        "n": to_base64url_uint(numbers.n).decode(),
        "e": to_base64url_uint(numbers.e).decode(),
    }


def signed_assertion(private_key: str, *, organisation_id: str, device_name: str, audience: str, now: datetime) -> str:
    """The signed request for a token that is good for `audience`; `token.aud` is one claim with a dot in its name."""
    claims = {
        "iss": organisation_id,
        "sub": device_name,
        "aud": PRODA_AUDIENCE,
        "token.aud": audience,
        "iat": int(now.timestamp()),
        "exp": int((now + ASSERTION_LIFE).timestamp()),
    }
    return jwt.encode(claims, _load(private_key), algorithm="RS256", headers={"kid": device_name})


def _load(private_key: str) -> rsa.RSAPrivateKey:
    """Read a PEM key. Its numbers are not proven to be primes again, which costs more than a signature: the key was
    made above, and what it is kept in is authenticated."""
    key = load_pem_private_key(private_key.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("A PRODA device key is an RSA key.")
    return key
