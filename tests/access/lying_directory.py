"""An OpenID provider that can be told to lie, for what an honest one never does."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
LIES = (
    "other issuer",
    "other audience",
    "other nonce",
    "no nonce",
    "other key",
    "no signature",
    "over",
    "no subject",
    "no ID token",
    "not JSON",
    "a list",
    "broken off",
)


class LyingDirectory:
    """Serves its description, keys and tokens; use it as a context manager."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("localhost", 0), _Handler)
        self._server.directory = self  # type: ignore[attr-defined]  # for the handler
        self.address = f"http://localhost:{self._server.server_port}"
        self.lie, self.nonce = "", ""
        self.described: dict[str, Any] = {}
        self.is_list, self.seconds = False, 0.0

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def remember(self, address: str, lie: str = "") -> dict[str, str]:
        """Take a browser's visit; gives what it comes back with."""
        asked = parse_qs(urlsplit(address).query)
        assert asked["code_challenge_method"] == ["S256"]
        self.lie, self.nonce = lie, asked["nonce"][0]
        return {"code": "a-code", "state": asked["state"][0]}

    def describe(self) -> Any:
        """Its description, with what `described` says in other words, or a list of it."""
        paths = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        usual = {name: f"{self.address}/{path}" for name, path in paths.items()} | {
            "issuer": self.address,
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return [usual] if self.is_list else usual | self.described

    def give_token(self) -> bytes:
        now = int(time.time())
        claims = {
            "iss": self.address, "aud": "carefund", "sub": "s-1", "nonce": self.nonce, "iat": now, "exp": now + 300,
            "preferred_username": "liar", "groups": ["money"],
        }  # fmt: skip
        claims |= {
            "other issuer": {"iss": "http://elsewhere.example"},
            "other audience": {"aud": "another application"},
            "other nonce": {"nonce": "another"},
            "over": {"iat": now - 4000, "exp": now - 3000},
        }.get(self.lie, {})
        for name, lie in (("nonce", "no nonce"), ("sub", "no subject")):
            if self.lie == lie:
                del claims[name]
        key = OTHER_KEY if self.lie == "other key" else KEY
        is_signed = self.lie != "no signature"
        token = jwt.encode(claims, key if is_signed else "", "RS256" if is_signed else "none", headers={"kid": "one"})
        answer: Any = {"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token}
        if self.lie == "no ID token":
            del answer["id_token"]
        text = json.dumps([answer] if self.lie == "a list" else answer).encode()
        return {"not JSON": b"<html>", "broken off": text[:40]}.get(self.lie, text)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        directory = self.server.directory  # type: ignore[attr-defined]
        time.sleep(directory.seconds)
        key = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "one", "use": "sig", "alg": "RS256"}
        self._answer(json.dumps({"keys": [key]} if self.path == "/keys" else directory.describe()).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(self.server.directory.give_token())  # type: ignore[attr-defined]

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
