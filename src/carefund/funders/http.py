"""Calls to a funder's gateway: authorised, paced, retried where that is safe, and either a body or a FunderError.

Knows no operation and no payload. No address is ever logged: addresses hold ids of people.
Source: rules SA-02, SA-03 and SA-11.
"""

import asyncio
import os
import random
import re
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Literal, NamedTuple, Protocol
from urllib.request import getproxies, proxy_bypass

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from carefund.funders.configuration import FunderConfiguration, Timing
from carefund.funders.correlation import current_correlation_id
from carefund.funders.counting import count_answer
from carefund.funders.errors.access import NotAuthenticated
from carefund.funders.errors.answers import ImpossibleValue
from carefund.funders.errors.configuring import WrongAddress
from carefund.funders.errors.outages import ConnectionFailed, Incomplete, TimedOut, Unavailable
from carefund.funders.errors.root import FunderError
from carefund.funders.limiter import CallLimiter
from carefund.funders.refusals import refusal
from carefund.funders.response_body import MEGABYTE, read_body

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

LARGEST_ANSWER = 16 * MEGABYTE
_ETAG = re.compile(r"[\x20-\x7e]{1,120}")
_ID_BYTES = 16
_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))

# aiohttp's errors, most particular first. Their texts hold addresses, so they are never chained.
FOREIGN_ERRORS: tuple[tuple[type[BaseException], type[FunderError]], ...] = (
    (TimeoutError, TimedOut),
    (aiohttp.InvalidURL, WrongAddress),
    (aiohttp.NonHttpUrlClientError, WrongAddress),
    (aiohttp.ClientResponseError, WrongAddress),
    (aiohttp.ClientPayloadError, Incomplete),
    (aiohttp.ClientError, ConnectionFailed),
    (OSError, ConnectionFailed),
)


class Response(NamedTuple):
    """One answer: the body as received, its status, and its headers (whose names ignore case)."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def etag(self) -> str:
        """The version of the record, for `if_match` of the next write; "" when none was given.

        Raises ImpossibleValue for one that could neither be kept nor sent back.
        """
        tag = self.headers.get("ETag", "")
        if tag and not _ETAG.fullmatch(tag):
            raise ImpossibleValue("The ETag header is not a valid version.", field="ETag")
        return tag


class TokenSource(Protocol):
    """Where bearer tokens come from."""

    def current(self) -> str:
        """A token that works as far as is known, or "" when one must be fetched."""

    async def fetch_token(self, refused: str = "") -> str:
        """A token that works and is not the one just refused."""


@asynccontextmanager
async def open_session(timing: Timing) -> AsyncIterator[aiohttp.ClientSession]:
    """The one connection pool of a client."""
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
    timeout = aiohttp.ClientTimeout(total=timing.timeout_seconds, sock_connect=timing.connect_seconds)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent",),
        auto_decompress=False,
    ) as session:
        yield session


async def exchange(
    session: aiohttp.ClientSession,
    operation: str,
    method: str,
    url: URL,
    headers: Mapping[str, str],
    data: bytes | None = None,
    *,
    largest: int = LARGEST_ANSWER,
) -> Response:
    """One request, one answer whatever its status, its body at most `largest` bytes.

    Raises TimedOut, ConnectionFailed, WrongAddress, Incomplete, or BadAnswer for a body that cannot be read.
    """
    proxy = proxy_for(url.scheme, url.host or "")
    try:
        async with session.request(
            method, url, headers=headers, data=data, allow_redirects=False, proxy=proxy
        ) as response:
            body = await read_body(response, operation, largest)
            return Response(response.status, response.headers, body)
    except (aiohttp.ClientError, OSError, ValueError) as problem:
        kind = next((ours for theirs, ours in FOREIGN_ERRORS if isinstance(problem, theirs)), ConnectionFailed)
        raise kind(operation=operation) from None


@lru_cache(maxsize=64)
def proxy_for(scheme: str, host: str) -> str | None:
    """The proxy that this machine's environment names for a host (HTTPS_PROXY, NO_PROXY); None for this machine itself.

    Looked up once per process and host: aiohttp's own way asks a thread, and reads ~/.netrc, for every call.
    """
    if host in ("localhost", "::1") or host.startswith("127.") or proxy_bypass(host):
        return None
    return getproxies().get(scheme)


class Caller:
    """Makes one funder's calls over one session. Use within one event loop."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        configuration: FunderConfiguration,
        tokens: TokenSource,
        limiter: CallLimiter | None = None,
    ) -> None:
        """`limiter` is None when calls need not be held up."""
        self._session = session
        self._tokens = tokens
        self._limiter = limiter
        self._funder = configuration.funder
        self._timing = configuration.timing
        self._largest = configuration.timing.largest_answer
        self._base = configuration.base_url.rstrip("/")
        self._correlation_prefix = configuration.correlation_prefix
        self._subject_is_person = configuration.subject == "care-recipient"
        self._places = asyncio.Semaphore(configuration.timing.calls_at_once)
        self._constant = CIMultiDict(gateway_headers(configuration) | {"X-IBM-Client-Id": configuration.client_id})
        self._message_ids = message_ids()

    async def read(
        self, operation: str, path: str, *, subject_id: str = "", headers: Mapping[str, str] | None = None
    ) -> Response:
        """GET `path` (already quoted, with its query), tried again while the funder is unavailable."""
        attempt = 1
        while True:
            try:
                return await self._call(operation, "GET", path, subject_id, headers, None)
            except Unavailable as problem:
                if problem.operation != operation:  # PRODA's, which was tried again already
                    raise
                seconds = await self._seconds_to_wait(attempt, problem)
                if seconds is None:
                    raise
            await asyncio.sleep(seconds)
            attempt += 1

    async def send(
        self,
        operation: str,
        method: Method,
        path: str,
        *,
        body: bytes = b"",
        subject_id: str = "",
        if_match: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """A write, sent once: whatever goes wrong, nobody knows whether it was done, so the caller must read first.

        The answer's `etag` is the record's new version. Raises Conflict when `if_match` is no longer the version.
        """
        extra = {"x-requested-with": "Carefund", **(headers or {})}
        if if_match:
            extra["if-match"] = if_match
        return await self._call(operation, method, path, subject_id, extra, body)

    async def _call(
        self,
        operation: str,
        method: Method,
        path: str,
        subject_id: str,
        extra: Mapping[str, str] | None,
        body: bytes | None,
    ) -> Response:
        token = self._tokens.current() or await self._tokens.fetch_token()
        answer = await self._exchange(operation, method, path, subject_id, extra, body, token)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            problem = refusal(operation, answer.status, answer.headers, answer.body)
            if not isinstance(problem, NotAuthenticated):
                raise problem
            token = await self._tokens.fetch_token(refused=token)
            if body is not None:  # a write is sent once, whatever was said of it; the next call has the new token
                raise problem
            answer = await self._exchange(operation, method, path, subject_id, extra, body, token)
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return answer
        raise refusal(operation, answer.status, answer.headers, answer.body)

    async def _exchange(
        self,
        operation: str,
        method: Method,
        path: str,
        subject_id: str,
        extra: Mapping[str, str] | None,
        body: bytes | None,
        token: str,
    ) -> Response:
        headers = self._constant.copy()
        headers["Authorization"] = f"Bearer {token}"
        headers["dhs-messageId"] = next(self._message_ids)
        if correlation_id := current_correlation_id():
            headers["dhs-correlationId"] = self._correlation_prefix + correlation_id
        if self._subject_is_person and subject_id:
            headers["dhs-subjectId"] = subject_id
        if extra:
            headers.update(extra)
        url = URL(self._base + path, encoded=True)
        call = partial(exchange, self._session, operation, method, url, headers, body, largest=self._largest)
        async with self._places:
            if self._limiter is None:
                return await count_answer(self._funder, operation, call())
            # With a place in hand, so that nobody who was let through waits, to start later together with others.
            await self._limiter.wait()
            try:
                return await count_answer(self._funder, operation, call())
            finally:
                self._limiter.done()

    async def _seconds_to_wait(self, attempt: int, problem: Unavailable) -> float | None:
        """How long to wait before the next attempt, or None when there shall be none."""
        asked = problem.retry_after
        if asked is not None and asked <= self._timing.longest_wait_seconds and self._limiter is not None:
            await self._limiter.slow_down(asked)
        if attempt >= self._timing.attempts:
            return None
        jittered = back_off(attempt, self._timing)
        if asked is None:
            return jittered
        return asked + jittered if asked <= self._timing.longest_wait_seconds else None


# What calls carry, whoever is asked; others that an interface wants are not sent.
KNOWN_HEADERS = (
    "Authorization", "X-IBM-Client-Id", "dhs-auditId", "dhs-auditIdType", "dhs-subjectId", "dhs-subjectIdType",
    "dhs-productId", "dhs-messageId", "dhs-correlationId", "Accept", "Content-Type", "If-Match", "x-requested-with",
)  # fmt: skip


def gateway_headers(configuration: FunderConfiguration) -> dict[str, str]:
    """The headers that every call carries: who calls, for which device, with which product, and a fresh message id."""
    return {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "dhs-auditId": configuration.organisation_id,
        "dhs-auditIdType": configuration.audit_type,
        "dhs-subjectId": configuration.device_name,
        "dhs-subjectIdType": configuration.subject_type,
        "dhs-productId": configuration.product_id,
        "dhs-messageId": f"urn:uuid:{uuid.uuid4()}",
        "dhs-correlationId": f"{configuration.correlation_prefix}{uuid.uuid4()}",
    }


def message_ids() -> Iterator[str]:
    """Fresh random message ids (UUID, version 4) for ever. Chance is fetched for many at a time, and written straight
    into their form: a call should cost little more than the wire does."""
    while True:
        chance = os.urandom(_ID_BYTES * 256).hex()
        for start in range(0, len(chance), 2 * _ID_BYTES):
            digits = chance[start : start + 2 * _ID_BYTES]
            variant = _VARIANTS[digits[16]]
            yield f"urn:uuid:{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def back_off(attempt: int, timing: Timing) -> float:
    """Seconds before the next attempt: twice as long each time, a random part of it, so that callers do not march."""
    ceiling = min(timing.longest_wait_seconds, timing.back_off_seconds * 2 ** (attempt - 1))
    return random.uniform(ceiling / 2, ceiling)
