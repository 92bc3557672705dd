"""Signing in with the provider's own directory, by OpenID Connect: authorisation code with PKCE, state and nonce.

Authlib speaks the protocol and checks signature, issuer, audience, nonce and times of the ID token. Here is which
directory that is, and that nobody waits for it longer than some seconds.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import BoundedSemaphore
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from joserfc.errors import JoseError
from requests import RequestException

from carefund.access.directory import DirectoryPerson, NotAdmitted, read_person

log = logging.getLogger(__name__)
_SECONDS = 8
_DISCOVERY = "/.well-known/openid-configuration"
_PLACES, _WAIT_SECONDS = max(1, settings.WEB_THREADS // 2), 0.5
_places = BoundedSemaphore(_PLACES)  # a directory that hangs may hold so many of the threads that serve pages
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class DirectoryUnavailable(Exception):
    """The directory cannot be reached, or is not the one that the settings name."""


def is_configured() -> bool:
    """Whether people may sign in with a directory."""
    return bool(settings.OIDC_ISSUER)


def send_there(request: HttpRequest, return_address: str) -> HttpResponse:
    """Return the answer that leads a browser to the directory. Raise DirectoryUnavailable."""
    client = _client()
    _check_discovery(client)
    answer: HttpResponse = client.authorize_redirect(request, return_address)
    return answer


def receive(request: HttpRequest) -> DirectoryPerson:
    """Return who came back from the directory. Raise NotAdmitted or DirectoryUnavailable."""
    client = _client()
    _check_discovery(client)
    try:
        with _asking():
            token = client.authorize_access_token(request)
    except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError, RuntimeError) as error:
        log.warning("a sign-in by the directory was refused: %s", type(error).__name__)
        raise NotAdmitted("The directory did not sign you in, or the sign-in took too long.") from None
    except RequestException as error:
        raise _unavailable(error) from None
    claims = token.get("userinfo")
    if not claims:
        raise NotAdmitted("The directory did not say who you are.")
    return read_person(settings.OIDC_ISSUER, _with_groups(client, token, dict(claims)), settings.OIDC_GROUPS_CLAIM)


def _with_groups(client: Any, token: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
    """The claims with the groups that some directories tell at their userinfo address alone."""
    name = settings.OIDC_GROUPS_CLAIM
    if name in claims or "userinfo_endpoint" not in client.server_metadata:
        return claims
    try:
        with _asking():
            more = client.userinfo(token=token)
    except (AuthlibBaseError, RequestException, ValueError, TypeError, AttributeError) as error:
        log.warning("the directory did not tell somebody's groups: %s", type(error).__name__)
        return claims
    return claims | {name: more.get(name)} if more.get("sub") == claims.get("sub") else claims


def find_problem() -> str:
    """Return why nobody can sign in with the directory, "" if they can; for `carefund check`."""
    try:
        _check_discovery(_client.__wrapped__())
    except DirectoryUnavailable as error:
        return str(error)
    return ""


def _check_discovery(client: Any) -> None:
    try:
        with _asking():
            metadata = client.load_server_metadata()
    except (RequestException, ValueError, AuthlibBaseError) as error:
        raise _unavailable(error) from None
    except (TypeError, AttributeError):  # it is JSON, but no object
        raise _wrong("is no JSON object") from None
    if metadata.get("issuer") != settings.OIDC_ISSUER:
        raise _wrong("names another issuer than CAREFUND_OIDC_ISSUER")
    if missing := [name for name in _NEEDED if not _is_address(metadata.get(name))]:
        raise _wrong(f"has no address as {', '.join(missing)}")


@contextmanager
def _asking() -> Iterator[None]:
    """Hold a place while the directory is asked. Raise DirectoryUnavailable where all are held for longer."""
    if not _places.acquire(timeout=_WAIT_SECONDS):
        log.warning("the directory keeps %d sign-ins waiting; others are turned away", _PLACES)
        raise DirectoryUnavailable("The directory answers too slowly.")
    try:
        yield
    finally:
        _places.release()


def _is_address(value: object) -> bool:
    """Whether somebody can be asked there; beside an issuer with HTTPS, with nothing less."""
    wanted = ("https://",) if settings.OIDC_ISSUER.startswith("https://") else ("https://", "http://")
    return isinstance(value, str) and value.startswith(wanted)


def _wrong(words: str) -> DirectoryUnavailable:
    """The refusal of a description, which is asked for anew next time."""
    log.error("the directory's description %s", words)
    _client.cache_clear()
    return DirectoryUnavailable(f"The directory's description {words}.")


def _unavailable(error: Exception) -> DirectoryUnavailable:
    log.warning("the directory cannot be reached: %s", type(error).__name__)
    return DirectoryUnavailable("The directory cannot be reached.")


@lru_cache(maxsize=1)
def _client() -> Any:
    """Authlib's client of the directory, which keeps its description."""
    return OAuth().register(
        "directory",
        client_id=settings.OIDC_CLIENT_ID,
        client_secret=settings.OIDC_CLIENT_SECRET,
        server_metadata_url=settings.OIDC_ISSUER.rstrip("/") + _DISCOVERY,
        client_kwargs={
            "scope": settings.OIDC_SCOPES,
            "code_challenge_method": "S256",
            "default_timeout": _SECONDS,
        },
    )
