"""The sandbox's own tests: a real process, spoken to over loopback HTTP by a client that shares no code with it."""

import base64
import http.client
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

SUPPORT_AT_HOME = "/services-australia/claiming/ext-vnd/acws/service/support-at-home"
ORGANISATION = "2410000001"
PRODA = "https://proda.humanservices.gov.au"
AGED_CARE = "https://sandbox.carefund.example/aged-care"
NDIA_AUDIENCE = "https://sandbox.carefund.example/ndia"
TODAY = "2026-05-20"


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(key: rsa.RSAPrivateKey, name: str, **changes: object) -> dict[str, object]:
    modulus = key.public_key().public_numbers().n
    n = base64.urlsafe_b64encode(modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": name, "n": n, "e": "AQAB", **changes}


class Reply:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A minimal client of the whole sandbox."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.key = rsa_key()
        self.device = f"device-{uuid.uuid4().hex[:8]}"
        self.token = ""

    def call(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body or None, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def control(self, method: str, path: str, **body: object) -> Any:
        reply = self.call(method, f"/sandbox{path}", json.dumps(body).encode() if body else b"")
        assert reply.status == 200, reply.body
        return reply.json

    def headers(self, **changes: str | None) -> dict[str, str]:
        given: dict[str, str | None] = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "dhs-auditId": ORGANISATION,
            "dhs-auditIdType": "http://ns.humanservices.gov.au/audit/type/proda/organisation",
            "dhs-subjectId": self.device,
            "dhs-subjectIdType": "http://ns.humanservices.gov.au/audit/type/proda/device",
            "dhs-messageId": f"urn:uuid:{uuid.uuid4()}",
            "dhs-correlationId": f"urn:uuid:{uuid.uuid4()}",
            "dhs-productId": "Carefund 0.1",
            "X-IBM-Client-Id": "carefund-sandbox-client",
            "Authorization": f"Bearer {self.token}",
        }
        given.update({name.replace("_", "-"): value for name, value in changes.items()})
        return {name: value for name, value in given.items() if value is not None}

    def activate(self, code: str, key: dict[str, object]) -> Reply:
        path = f"/proda-rsp/piaweb/api/b2b/v1/devices/{self.device}/jwk"
        body = json.dumps({"orgId": ORGANISATION, "otac": code, "key": key}).encode()
        return self.call("PUT", path, body, self.headers(Authorization=None))

    def refresh(self, key: dict[str, object], token: str) -> Reply:
        path = f"/proda-rsp/piaweb/api/b2b/v1/orgs/{ORGANISATION}/devices/{self.device}/jwk"
        return self.call("PUT", path, json.dumps(key).encode(), self.headers(Authorization=f"Bearer {token}"))

    def register(self) -> str:
        return self.control("POST", "/proda/devices", deviceName=self.device)["activationCode"]

    def assertion(
        self, audience: str = AGED_CARE, key: rsa.RSAPrivateKey | None = None, kid: str = "", **claims: object
    ) -> str:
        now = int(time.time())
        payload = {
            "iss": ORGANISATION,
            "sub": self.device,
            "aud": PRODA,
            "token.aud": audience,
            "iat": now,
            "exp": now + 600,
        }
        return jwt.encode(
            {**payload, **claims}, key or self.key, algorithm="RS256", headers={"kid": kid or self.device}
        )

    def ask_token(self, assertion: str, **changes: str) -> Reply:
        form = {
            "client_id": "soape-testing-client-v2",
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": assertion,
            **changes,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.call("POST", "/proda/mga/sps/oauth/oauth20/token", urlencode(form).encode(), headers)

    def log_in(self) -> None:
        assert self.activate(self.register(), public_jwk(self.key, self.device)).status == 200
        self.token = self.ask_token(self.assertion()).json["access_token"]

    def get(self, path: str, **changes: str | None) -> Reply:
        return self.call("GET", SUPPORT_AT_HOME + path, headers=self.headers(**changes))

    def rows(self, path: str) -> Any:
        reply = self.get(path)
        assert reply.status == 200, reply.body
        return reply.json


@pytest.fixture(scope="session")
def sandbox_port() -> Iterator[int]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--today", TODAY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline().rsplit(":", 1)[1])
        process.terminate()


@pytest.fixture(scope="session")
def logged_in(sandbox_port: int) -> Client:
    client = Client(sandbox_port)
    client.log_in()
    return client


@pytest.fixture
def sandbox(logged_in: Client) -> Client:
    """A logged-in client of a sandbox as it was at its beginning; devices stay."""
    logged_in.control("POST", "/reset")
    return logged_in


@pytest.fixture
def newcomer(sandbox: Client) -> Client:
    """A client whose device PRODA has not heard of."""
    return Client(sandbox.port)
