"""PRODA's rules: codes, keys, assertions, tokens."""

import time

import jwt
import pytest

from .conftest import AGED_CARE, PRODA, Client, public_jwk, rsa_key


def test_a_device_is_activated_with_its_code_and_gets_a_token(newcomer: Client):
    state = newcomer.activate(newcomer.register(), public_jwk(newcomer.key, newcomer.device)).json
    answer = newcomer.ask_token(newcomer.assertion()).json

    assert state["deviceStatus"] == state["keyStatus"] == "ACTIVE"
    assert answer["token_type"] == "bearer"
    assert answer["expires_in"] == 3600
    assert answer["key_expiry"] == state["keyExpiry"]
    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["proda.swinst"] == newcomer.device


def test_a_token_looks_like_a_real_one(sandbox: Client):
    token = sandbox.ask_token(sandbox.assertion(AGED_CARE)).json["access_token"]
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})

    assert set(header) == {"alg", "kid"}
    assert claims.pop("exp") - claims.pop("iat") == 3600
    assert claims == {
        "iss": PRODA, "sub": "2410000001", "aud": "PRODA.UNATTENDED.B2B", "proda.swinst": sandbox.device,
        "proda.type": "UNATTENDED.B2B", "proda.org": "2410000001", "proda.aud": AGED_CARE, "proda.rp": "PRODA",
        "proda.sp": ["PRODA"],
    }  # fmt: skip


def test_an_activation_code_works_once(newcomer: Client):
    code = newcomer.register()
    assert newcomer.activate(code, public_jwk(newcomer.key, newcomer.device)).status == 200

    again = newcomer.activate(code, public_jwk(rsa_key(), newcomer.device))

    assert again.json["errors"][0]["code"] == "DE.7"


def test_an_activation_code_expires(newcomer: Client):
    code = newcomer.register()
    newcomer.control("POST", f"/proda/devices/{newcomer.device}", codeExpiresIn=-1)

    assert newcomer.activate(code, public_jwk(newcomer.key, newcomer.device)).json["errors"][0]["code"] == "DE.7"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"alg": "HS256"}, "JWK.2"),
        ({"use": "enc"}, "JWK.8"),
        ({"n": 5}, "JWK.1"),
        ({"kid": "other"}, "111"),
        ({"n": "AQAB"}, "111"),
    ],
)
def test_a_wrong_key_is_refused_by_its_code(newcomer: Client, changes: dict[str, object], code: str):
    refused = newcomer.activate(newcomer.register(), public_jwk(newcomer.key, newcomer.device, **changes))

    assert refused.status == 400
    assert refused.json["errors"][0]["code"] == code


def test_an_unknown_device_is_not_found(newcomer: Client):
    refused = newcomer.activate("code", public_jwk(newcomer.key, newcomer.device))

    assert (refused.status, refused.json["errors"][0]["code"]) == (404, "DE.4")


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"iss": "1"}, 500),
        ({"sub": "other"}, 500),
        ({"aud": "https://elsewhere"}, 500),
        ({"token.aud": "https://elsewhere"}, 500),
        ({"token": {"aud": AGED_CARE}, "token.aud": None}, 500),
        ({"exp": int(time.time()) + 9_000}, 400),
        ({"iat": int(time.time()) - 5_000, "exp": int(time.time()) - 4_500}, 400),
        ({"iat": int(time.time()) + 5_000, "exp": int(time.time()) + 5_500}, 400),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(sandbox: Client, claims: dict[str, object], status: int):
    assert sandbox.ask_token(sandbox.assertion(**claims)).status == status


def test_an_assertion_signed_with_another_key_is_refused(sandbox: Client):
    another = next(key for key in iter(rsa_key, None) if key is not sandbox.key)  # tests have few keys, in turn
    refused = sandbox.ask_token(sandbox.assertion(key=another))

    assert (refused.status, refused.json["error"]) == (400, "mapping_error")


def test_a_wrong_client_id_is_refused(sandbox: Client):
    assert sandbox.ask_token(sandbox.assertion(), client_id="other").json["error"] == "mapping_error"


def test_after_a_refresh_the_new_key_signs_and_the_old_one_does_not(newcomer: Client):
    newcomer.log_in()
    token = newcomer.ask_token(newcomer.assertion(PRODA)).json["access_token"]
    fresh = rsa_key()

    assert newcomer.refresh(public_jwk(fresh, newcomer.device), token).status == 200
    assert newcomer.ask_token(newcomer.assertion()).status == 400
    assert newcomer.ask_token(newcomer.assertion(key=fresh)).status == 200
    assert newcomer.refresh(public_jwk(newcomer.key, newcomer.device), token).json["errors"][0]["code"] == "JWK.9"


def test_a_token_for_aged_care_does_not_refresh_a_key(sandbox: Client):
    assert sandbox.refresh(public_jwk(rsa_key(), sandbox.device), sandbox.token).status == 401


def test_an_early_refresh_is_throttled_when_switched_on(newcomer: Client):
    newcomer.log_in()
    token = newcomer.ask_token(newcomer.assertion(PRODA)).json["access_token"]
    newcomer.control("POST", "/switches", throttleEarlyRefresh=True)

    refused = newcomer.refresh(public_jwk(rsa_key(), newcomer.device), token)

    assert (refused.status, refused.headers["retry-after"]) == (429, "60")


@pytest.mark.parametrize("change", [{"keyExpiresIn": -1}, {"deviceExpiresIn": -1}, {"status": "INACTIVE"}])
def test_an_expired_key_or_device_gets_no_token(newcomer: Client, change: dict[str, object]):
    newcomer.log_in()
    newcomer.control("POST", f"/proda/devices/{newcomer.device}", **change)

    assert newcomer.ask_token(newcomer.assertion()).json["error"] == "device_error"


def test_a_clock_that_is_off_shows_in_the_date_header_and_refuses_the_assertion(sandbox: Client):
    sandbox.control("POST", "/clock", prodaSkewSeconds=7200)

    refused = sandbox.ask_token(sandbox.assertion())

    assert refused.status == 400
    assert "date" in refused.headers
    sandbox.control("POST", "/clock", prodaSkewSeconds=0)
