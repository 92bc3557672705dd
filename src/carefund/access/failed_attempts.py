"""Failed attempts to get in, counted per address, whatever was tried: passwords, codes or tokens.

django-axes locks one account for one address after a few wrong passwords. That leaves whoever tries one password on
many accounts, or many tokens; and it leaves the real person outside when a stranger shares their address. For the
first, an address with many failures is refused for a while; for the second, a browser in which that person signed in
before counts for itself, and is never refused for others' failures. Counts are in the database, so every process that
serves pages knows them, also after a restart.
"""

import logging
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from carefund.access.request_addresses import name_for_counting

if TYPE_CHECKING:  # this module is imported before Django's models are ready
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)
KNOWN_BROWSER_COOKIE = "carefund_browser"
_SALT = "carefund.access.failed_attempts"
_KNOWN_SECONDS = 180 * 86400
_WINDOW = timedelta(minutes=15)
_WARNED_AT = 10
_LONGEST_NAME = 200  # of what somebody typed; accounts' own names are shorter


def find_address(request: HttpRequest) -> str:
    """Return the address that a request's attempts count for; django-axes asks here too."""
    return name_for_counting(request.META.get("REMOTE_ADDR", ""))


def note_failure(request: HttpRequest) -> None:
    """Count a failed attempt of an address; the log has the address when it becomes remarkable."""
    address = find_address(request)
    count = _count_one_more(address)
    if count in (_WARNED_AT, settings.ADDRESS_FAILURE_LIMIT):
        refused = "; refused until then" if count >= settings.ADDRESS_FAILURE_LIMIT else ""
        minutes = _WINDOW.seconds // 60
        log.warning("%d failed sign-ins from %s within %d minutes%s", count, address, minutes, refused)


def _count_one_more(address: str) -> int:
    """Count a failure of an address in its window, which begins with the first one; gives the count."""
    now = timezone.now()
    failures = _failures()
    with transaction.atomic():
        failures.get_or_create(address=address, defaults={"begun_at": now})
        row = failures.select_for_update().get(address=address)
        if not _is_in_window(row, now):
            row.count, row.begun_at = 0, now
        row.count += 1
        row.save()
    return int(row.count)


def _failures() -> Any:
    return apps.get_model("access", "AddressFailures")._default_manager


def _is_in_window(row: Any, now: datetime) -> bool:
    return bool(row.begun_at <= now < row.begun_at + _WINDOW)


def seconds_refused(request: HttpRequest) -> int:
    """Return for how long at most an address is refused; 0 if it is not."""
    now = timezone.now()
    row = _failures().filter(address=find_address(request), count__gte=settings.ADDRESS_FAILURE_LIMIT).first()
    return ceil((row.begun_at + _WINDOW - now).total_seconds()) if row and _is_in_window(row, now) else 0


def note_sign_in_failure(sender: Any, request: HttpRequest | None = None, **_: Any) -> None:
    """Count what Django says of a failed sign-in."""
    if request is not None:
        note_failure(request)


def remember_browser(request: HttpRequest, answer: HttpResponseBase, user: "User") -> None:
    """Let this browser count for itself when the same person signs in from it again."""
    value = signing.dumps(user.get_username(), salt=_SALT)
    answer.set_cookie(
        KNOWN_BROWSER_COOKIE, value, max_age=_KNOWN_SECONDS, samesite="Lax", httponly=True, secure=request.is_secure()
    )


def is_known_browser(request: HttpRequest, user_name: str) -> bool:
    """Whether this person has signed in from this browser before."""
    try:
        known = signing.loads(request.COOKIES.get(KNOWN_BROWSER_COOKIE, ""), salt=_SALT, max_age=_KNOWN_SECONDS)
    except signing.BadSignature:
        return False
    return bool(known == user_name)


def name_attempt(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """Return by which name django-axes counts: the account's, apart for a browser that is known."""
    name = (credentials or {}).get("username") or request.POST.get("username")
    if not name:
        return None
    counted = str(name)[:_LONGEST_NAME]
    # Longer than anything that somebody can type, so that nobody else counts as a known browser.
    return f"{counted:<{_LONGEST_NAME}} (known browser)" if is_known_browser(request, name) else counted
