"""PRODA B2B: activating the device, renewing its key, and tokens that all callers share. No storage of its own.

Keys and tokens live in a `DeviceStore`; whoever renews one has the store to itself and looks again first, since the
work may have been done while it waited. Nothing here is renewed before half of its life is over, because PRODA slows
such callers down.
Source: rules PRODA-01 to PRODA-05.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from yarl import URL

from carefund.funders.configuration import DEVICE_TYPE, ORGANISATION_TYPE, PRODA_AUDIENCE, FunderConfiguration
from carefund.funders.device_keys import new_private_key, public_jwk, signed_assertion
from carefund.funders.devices import AccessToken, DeviceState, DeviceStore
from carefund.funders.errors.access import AssertionRejected, DeviceKeyExpired, DeviceKeyTooYoung, DeviceNotActivated
from carefund.funders.errors.outages import Unavailable
from carefund.funders.errors.root import FunderError
from carefund.funders.http import Response, back_off, exchange, gateway_headers
from carefund.funders.proda_answers import object_in, proda_refusal, token_in, with_expiries
from carefund.funders.response_body import MEGABYTE

log = logging.getLogger(__name__)

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
HALF_LIFE = 0.5
_LAST_MOMENT = timedelta(seconds=30)
_ASK_AGAIN_AFTER = 30.0


class Proda:
    """One device at PRODA, for one funder's audience. Use within one event loop."""

    def __init__(self, session: aiohttp.ClientSession, configuration: FunderConfiguration, store: DeviceStore) -> None:
        self._session = session
        self._configuration = configuration
        self._store = store
        self._share = configuration.timing.refresh_share
        self._one_at_a_time = asyncio.Lock()
        self._token: AccessToken | None = None
        self._renew_at = 0.0

    def current(self) -> str:
        """The token in use, or "" when it is time for another one."""
        return self._token.value if self._token is not None and time.time() < self._renew_at else ""

    async def fetch_token(self, refused: str = "") -> str:
        """A working token other than the refused one; callers who come together share one request.

        Raises DeviceNotActivated, DeviceBusy, whatever PRODA refuses with, or Unavailable when there is no token left.
        """
        async with self._one_at_a_time:
            token = self.current()
            if token and token != refused:
                return token
            stored = self._usable(await self._store.load(), refused)
            return self._use(stored or await self._renew_token(refused))

    async def fetch_new_token(self) -> str:
        """Ask PRODA for a token now, whatever is in hand, so that it shows whether device and key still work.

        For a check that a person asks for: early renewals are throttled. Raises as `fetch_token`.
        Source: rule PRODA-03.
        """
        async with self._one_at_a_time, self._store.exclusive():
            state = await self._with_key_in_time(await self._activated())
            state = await self._with_new_token(state, self._configuration.token_audience)
            await self._store.save(state)
            return self._use(state.tokens[self._configuration.token_audience])

    def _use(self, token: AccessToken) -> str:
        self._token = token
        self._renew_at = token.due_at(self._share).timestamp()
        return token.value

    def _usable(self, state: DeviceState | None, refused: str) -> AccessToken | None:
        token = state.tokens.get(self._configuration.token_audience) if state is not None else None
        if token is None or token.value == refused or datetime.now(UTC) >= token.due_at(self._share):
            return None
        return token

    async def _renew_token(self, refused: str) -> AccessToken:
        audience = self._configuration.token_audience
        async with self._store.exclusive():
            state = await self._activated()
            stored = self._usable(state, refused)
            if stored is not None:
                return stored
            try:
                state = await self._with_key_in_time(state)
                state = await self._with_new_token(state, audience)
            except Unavailable:
                old = state.tokens.get(audience)
                if old is None or old.value == refused or datetime.now(UTC) > old.expires_at - _LAST_MOMENT:
                    raise
                # Due but not expired: better a token that still works than none. Asked for again soon.
                log.warning("PRODA is unavailable; the token in hand is used for longer.")
                now = datetime.now(UTC)
                return AccessToken(old.value, now, now + timedelta(seconds=_ASK_AGAIN_AFTER / self._share))
            await self._store.save(state)
            return state.tokens[audience]

    async def _with_new_token(self, state: DeviceState, audience: str) -> DeviceState:
        """The state with a new token, signed for with the key in use or, if PRODA knows only that, the pending one."""
        try:
            if state.private_key:
                return await self._with_token_by(state, state.private_key, audience)
        except (AssertionRejected, DeviceKeyExpired):
            if not state.pending_key:
                raise
        promoted = replace(state, private_key=state.pending_key, pending_key="", refreshed_at=datetime.now(UTC))
        return await self._with_token_by(promoted, state.pending_key, audience)

    async def _with_token_by(self, state: DeviceState, private_key: str, audience: str) -> DeviceState:
        operation = "proda_token"
        attempt = 1
        while True:
            try:
                answer = await self._ask_for_token(operation, private_key, audience)
                if answer.status != HTTPStatus.OK:
                    raise proda_refusal(operation, answer, state)
                break
            except Unavailable:
                if attempt >= self._configuration.timing.attempts:
                    raise
            await asyncio.sleep(back_off(attempt, self._configuration.timing))
            attempt += 1
        document = object_in(answer, operation)
        token = token_in(document, datetime.now(UTC), operation)
        return replace(with_expiries(state, document), tokens={**state.tokens, audience: token})

    async def _ask_for_token(self, operation: str, private_key: str, audience: str) -> Response:
        assertion = signed_assertion(
            private_key,
            organisation_id=self._configuration.organisation_id,
            device_name=self._configuration.device_name,
            audience=audience,
            now=datetime.now(UTC),
        )
        form = {
            "client_id": self._configuration.proda_client_id,
            "grant_type": GRANT_TYPE,
            "assertion": assertion,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        url = URL(self._configuration.proda_token_url, encoded=True)
        return await exchange(
            self._session, operation, "POST", url, headers, urlencode(form).encode(), largest=MEGABYTE
        )

    async def device(self) -> DeviceState | None:
        """What is stored of the device, or None."""
        return await self._store.load()

    async def activate(self, activation_code: str) -> DeviceState:
        """Make a key and bind it to the device with the one-time code that PRODA showed a person."""
        operation = "proda_activate_device"
        async with self._store.exclusive():
            state = await self._store.load() or DeviceState()
            key = await new_private_key()
            # Saved first: if PRODA says yes and we die, the key is still ours.
            await self._store.save(replace(state, pending_key=key))
            jwk = public_jwk(key, self._configuration.device_name)
            body = {"orgId": self._configuration.organisation_id, "otac": activation_code.strip(), "key": jwk}
            path = f"devices/{quote(self._configuration.device_name, safe='')}/jwk"
            answer = await self._put(operation, path, body, token="")
            if answer.status != HTTPStatus.OK:
                await self._store.save(replace(state, pending_key=""))
                raise proda_refusal(operation, answer, DeviceState())
            now = datetime.now(UTC)
            bound = DeviceState(status="ACTIVE", private_key=key, activated_at=now, refreshed_at=now)
            state = with_expiries(bound, object_in(answer, operation))
            await self._store.save(state)
            self._token = None
            return state

    async def refresh_key(self) -> DeviceState:
        """Give the device a new key now. Raises DeviceKeyTooYoung before half of the old key's life is over."""
        async with self._store.exclusive():
            state = await self._activated()
            allowed_from = state.key_due_at(HALF_LIFE)
            if allowed_from is not None and datetime.now(UTC) < allowed_from:
                raise DeviceKeyTooYoung
            return await self._with_new_key(state)

    async def _activated(self) -> DeviceState:
        state = await self._store.load()
        if state is None or not (state.private_key or state.pending_key):
            raise DeviceNotActivated
        return state

    async def _with_key_in_time(self, state: DeviceState) -> DeviceState:
        """The state with a new key if one is due. A failure is only logged: the old key works until it expires."""
        due_at = state.key_due_at(self._share)
        if due_at is None or datetime.now(UTC) < due_at:
            return state
        try:
            return await self._with_new_key(state)
        except FunderError as problem:
            log.warning("The PRODA device's key is due and could not be renewed: %s", problem.code)
            return await self._activated()

    async def _with_new_key(self, state: DeviceState) -> DeviceState:
        operation = "proda_refresh_key"
        state = await self._with_new_token(state, PRODA_AUDIENCE)
        key = await new_private_key()
        state = replace(state, pending_key=key)
        await self._store.save(state)
        organisation = quote(self._configuration.organisation_id, safe="")
        path = f"orgs/{organisation}/devices/{quote(self._configuration.device_name, safe='')}/jwk"
        jwk = public_jwk(key, self._configuration.device_name)
        answer = await self._put(operation, path, jwk, token=state.tokens[PRODA_AUDIENCE].value)
        if answer.status != HTTPStatus.OK:
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                await self._store.save(replace(state, pending_key=""))
            raise proda_refusal(operation, answer, state)
        renewed = replace(
            state, private_key=key, pending_key="", refreshed_at=datetime.now(UTC), key_expires_at=None, tokens={}
        )
        renewed = with_expiries(renewed, object_in(answer, operation))
        await self._store.save(renewed)
        return renewed

    async def _put(self, operation: str, path: str, body: Mapping[str, object], token: str) -> Response:
        url = URL(f"{self._configuration.proda_device_url.rstrip('/')}/piaweb/api/b2b/v1/{path}", encoded=True)
        headers = gateway_headers(self._configuration) | {
            "dhs-auditIdType": ORGANISATION_TYPE,
            "dhs-subjectId": self._configuration.device_name,
            "dhs-subjectIdType": DEVICE_TYPE,
        }
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return await exchange(
            self._session, operation, "PUT", url, headers, msgspec.json.encode(body), largest=MEGABYTE
        )
