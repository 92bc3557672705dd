"""PRODA: the device's life, shared tokens, renewal in time, and refusals with their reasons."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from carefund.funders.configuration import configure
from carefund.funders.device_keys import new_private_key, public_jwk, signed_assertion
from carefund.funders.devices import AccessToken, DeviceState, InMemoryDeviceStore
from carefund.funders.errors.access import (
    ActivationCodeRejected,
    AssertionRejected,
    ClockSkewed,
    DeviceInactive,
    DeviceKeyExpired,
    DeviceKeyTooYoung,
    DeviceNotActivated,
    DeviceUnknown,
)
from carefund.funders.errors.outages import OutOfService
from carefund.funders.proda_answers import as_instant
from carefund.funders.sessions import open_proda

pytestmark = pytest.mark.anyio


def aged(state: DeviceState, share: float, *, tokens: bool = False) -> DeviceState:
    """The state as if so large a share of the key's life had passed; its tokens, if asked, as due."""
    life = state.key_expires_at - state.refreshed_at
    now = datetime.now(UTC)
    kept = {
        name: AccessToken(token.value, now - timedelta(minutes=59), now + timedelta(minutes=1))
        for name, token in state.tokens.items()
    }
    return replace(
        state,
        refreshed_at=now - life * share,
        key_expires_at=now + life * (1 - share),
        tokens=kept if tokens else {},
    )


async def test_an_activated_device_has_expiries_from_the_answer_and_gets_tokens(sandbox, configuration, store):
    assert store.state.status == "ACTIVE"
    assert store.state.key_expires_at > datetime.now(UTC) + timedelta(days=100)
    assert store.state.device_expires_at > store.state.key_expires_at
    async with open_proda(configuration, store) as proda:
        assert await proda.fetch_token()
    token = store.state.tokens[configuration.token_audience]
    assert timedelta(minutes=59) < token.expires_at - datetime.now(UTC) <= timedelta(hours=1)


async def test_callers_who_come_together_share_one_token_request(sandbox, configuration, store):
    async with open_proda(configuration, store) as proda:
        tokens = await asyncio.gather(*(proda.fetch_token() for _ in range(50)))
    assert len(set(tokens)) == 1
    assert len(sandbox.asked("proda_token")) == 1


async def test_a_second_process_uses_the_stored_token(sandbox, configuration, store):
    for _ in range(3):
        async with open_proda(configuration, store) as proda:
            await proda.fetch_token()
    assert len(sandbox.asked("proda_token")) == 1


async def test_two_processes_that_wait_for_the_device_renew_once(sandbox, configuration, store):
    async with open_proda(configuration, store) as one, open_proda(configuration, store) as other:
        assert await asyncio.gather(one.fetch_token(), other.fetch_token())
    assert len(sandbox.asked("proda_token")) == 1


async def test_a_refused_token_is_replaced_once_for_all(sandbox, configuration, store):
    async with open_proda(configuration, store) as proda:
        refused = await proda.fetch_token()
        sandbox.control("POST", "/clock", {"prodaSkewSeconds": 5})  # two tokens of one second are the same text
        again = await asyncio.gather(*(proda.fetch_token(refused) for _ in range(10)))
    assert refused not in again
    assert len(sandbox.asked("proda_token")) == 2


async def test_a_token_is_renewed_at_the_configured_share_of_its_life(sandbox, configuration, store):
    sandbox.control("POST", "/switches", {"tokenSeconds": 10})
    try:
        async with open_proda(configuration, store) as proda:
            await proda.fetch_token()
            assert proda.current()
            assert proda._renew_at == pytest.approx(time.time() + 8, abs=1)
    finally:
        sandbox.control("POST", "/switches", {"tokenSeconds": 3600})


async def test_a_due_token_is_used_on_while_proda_is_out_of_service(sandbox, configuration, store):
    async with open_proda(configuration, store) as proda:
        first = await proda.fetch_token()
    store.state = aged(store.state, 0.1, tokens=True)
    sandbox.fault(kind="status", status=503, operation="proda_token")
    async with open_proda(configuration, store) as proda:
        assert await proda.fetch_token() == first
        assert proda.current() == first


async def test_without_any_token_left_an_outage_is_an_outage(sandbox, configuration, store):
    sandbox.fault(kind="status", status=503, operation="proda_token")
    async with open_proda(configuration, store) as proda:
        with pytest.raises(OutOfService):
            await proda.fetch_token()
    assert len(sandbox.asked("proda_token")) == configuration.timing.attempts


async def test_a_key_is_not_renewed_before_half_of_its_life(sandbox, configuration, store):
    store.state = aged(store.state, 0.49)
    async with open_proda(configuration, store) as proda:
        with pytest.raises(DeviceKeyTooYoung):
            await proda.refresh_key()
    assert sandbox.asked("proda_refresh") == []


async def test_a_key_past_half_of_its_life_can_be_renewed_and_works(sandbox, configuration, store):
    store.state = aged(store.state, 0.51)
    old = store.state.private_key
    async with open_proda(configuration, store) as proda:
        state = await proda.refresh_key()
        assert await proda.fetch_token()
    assert store.state.private_key not in ("", old)
    assert store.state.pending_key == ""
    assert state.key_expires_at > datetime.now(UTC) + timedelta(days=100)


async def test_a_due_key_is_renewed_along_with_the_token(sandbox, configuration, store):
    store.state = aged(store.state, 0.81)
    old = store.state.private_key
    async with open_proda(configuration, store) as proda:
        await proda.fetch_token()
    assert store.state.private_key != old
    assert len(sandbox.asked("proda_refresh")) == 1


async def test_a_due_key_that_cannot_be_renewed_goes_on_working(sandbox, configuration, store):
    store.state = aged(store.state, 0.81)
    old = store.state.private_key
    sandbox.fault(kind="status", status=500, operation="proda_refresh")
    async with open_proda(configuration, store) as proda:
        assert await proda.fetch_token()
    assert store.state.private_key == old


async def test_a_crash_between_prodas_yes_and_our_saving_does_not_lock_the_device_out(sandbox, configuration, store):
    store.state = aged(store.state, 0.6)
    before = store.state
    async with open_proda(configuration, store) as proda:
        renewed = await proda.refresh_key()
    store.state = replace(before, pending_key=renewed.private_key)
    async with open_proda(configuration, store) as proda:
        assert await proda.fetch_token()
    assert store.state.private_key == renewed.private_key
    assert store.state.pending_key == ""


async def test_a_crash_after_activation_does_not_waste_the_code(sandbox, configuration, store):
    store.state = DeviceState(pending_key=store.state.private_key)
    async with open_proda(configuration, store) as proda:
        assert await proda.fetch_token()


async def test_without_a_device_nothing_is_sent(sandbox, configuration):
    async with open_proda(configuration, InMemoryDeviceStore()) as proda:
        with pytest.raises(DeviceNotActivated):
            await proda.fetch_token()
    assert sandbox.asked("proda_token") == []


async def test_a_wrong_activation_code_is_told_as_such_and_keeps_the_old_key(sandbox, configuration, store):
    before = store.state
    async with open_proda(configuration, store) as proda:
        with pytest.raises(ActivationCodeRejected):
            await proda.activate("wrong")
    assert store.state == before


async def test_an_activation_code_works_once(sandbox, configuration):
    code = sandbox.activation_code(configuration.device_name)
    async with open_proda(configuration, InMemoryDeviceStore()) as proda:
        await proda.activate(code)
        with pytest.raises(ActivationCodeRejected):
            await proda.activate(code)


async def test_an_unknown_device_is_told_as_such(sandbox, configuration):
    async with open_proda(replace(configuration, device_name="nobody"), InMemoryDeviceStore()) as proda:
        with pytest.raises(DeviceUnknown):
            await proda.activate("code")


async def test_a_wrong_organisation_is_told_as_such(sandbox, configuration):
    code = sandbox.activation_code(configuration.device_name)
    async with open_proda(replace(configuration, organisation_id="1"), InMemoryDeviceStore()) as proda:
        with pytest.raises(DeviceUnknown):
            await proda.activate(code)


async def test_wrong_claims_are_not_mistaken_for_an_outage(sandbox, configuration, store):
    async with open_proda(replace(configuration, token_audience="https://x.example"), store) as proda:
        with pytest.raises(AssertionRejected):
            await proda.fetch_token()
    assert len(sandbox.asked("proda_token")) == 1


async def test_a_wrong_client_id_is_refused(sandbox, configuration, store):
    async with open_proda(replace(configuration, proda_client_id="wrong"), store) as proda:
        with pytest.raises(AssertionRejected):
            await proda.fetch_token()


async def test_a_key_that_proda_does_not_know_is_refused(sandbox, configuration, store):
    store.state = replace(store.state, private_key=await new_private_key())
    async with open_proda(configuration, store) as proda:
        with pytest.raises(AssertionRejected):
            await proda.fetch_token()


@pytest.mark.parametrize(("skew", "words"), [(900, "behind"), (-900, "ahead of")])
async def test_a_wrong_clock_is_named_as_the_cause(sandbox, configuration, store, skew, words):
    sandbox.control("POST", "/clock", {"prodaSkewSeconds": skew})
    async with open_proda(configuration, store) as proda:
        with pytest.raises(ClockSkewed, match=words):
            await proda.fetch_token()


async def test_an_expired_key_is_told_as_such(sandbox, configuration, store):
    sandbox.control("POST", f"/proda/devices/{configuration.device_name}", {"keyExpiresIn": -1})
    async with open_proda(configuration, store) as proda:
        with pytest.raises(DeviceKeyExpired):
            await proda.fetch_token()


async def test_an_inactive_device_is_told_as_such(sandbox, configuration, store):
    sandbox.control("POST", f"/proda/devices/{configuration.device_name}", {"status": "INACTIVE"})
    async with open_proda(configuration, store) as proda:
        with pytest.raises(DeviceInactive):
            await proda.fetch_token()


async def test_the_assertion_has_the_proven_claims_with_a_dotted_audience():
    key = await new_private_key()
    now = datetime.now(UTC)
    token = signed_assertion(key, organisation_id="241", device_name="d-1", audience="https://a.example", now=now)
    jwk = public_jwk(key, "d-1")
    assert set(jwk) == {"kty", "use", "alg", "kid", "n", "e"}
    assert jwk["e"] == "AQAB"
    claims = jwt.decode(token, jwt.PyJWK(jwk), algorithms=["RS256"], audience="https://proda.humanservices.gov.au")
    assert (claims["iss"], claims["sub"], claims["token.aud"]) == ("241", "d-1", "https://a.example")
    assert 0 < claims["exp"] - claims["iat"] <= 600
    assert jwt.get_unverified_header(token)["kid"] == "d-1"


@pytest.mark.parametrize(
    "written",
    ["2026-12-01T00:00:00.000Z", "2026-12-01T00:00:00+0000", "2026-12-01T11:00:00+11:00", "2026-12-01T00:00:00",
     "2026-12-01", 1796083200, 1796083200000],
)  # fmt: skip
def test_expiries_are_read_in_many_forms(written):
    assert as_instant(written) == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("written", ["", "soon", None, True, [], 1e300])
def test_an_unreadable_expiry_is_unknown(written):
    assert as_instant(written) is None


def test_secrets_do_not_show_in_a_states_text():
    now = datetime.now(UTC)
    state = DeviceState(private_key="PEM-1", pending_key="PEM-2", tokens={"a": AccessToken("T-1", now, now)})
    assert not any(secret in repr(state) + repr(state.tokens["a"]) for secret in ("PEM-1", "PEM-2", "T-1"))


def test_the_sandbox_needs_no_settings():
    assert configure("services-australia").organisation_id == "2410000001"
