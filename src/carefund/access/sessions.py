"""Sessions of the console: which are open, ending them, and those that nobody has used for a while."""

import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

_USED_AT = "used_at"
_NOTED_EVERY = 60  # seconds, so that not every request writes


def count_sessions(user: User) -> int:
    """Return how many sessions of an account are open."""
    return sum(1 for _ in _open_sessions(user))


def end_sessions(user: User, *, but: str | None = None) -> int:
    """End the sessions of an account, but for the one with this key. Return how many."""
    keys = [session.session_key for session in _open_sessions(user) if session.session_key != but]
    Session.objects.filter(session_key__in=keys).delete()
    return len(keys)


def _open_sessions(user: User) -> Iterator[Session]:
    # Whose a session is stands in its content; there are as many as people signed in within half a day.
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            yield session


class EndIdleSessions:
    """After authentication: whoever has not used the console for `CAREFUND_IDLE_MINUTES` signs in again.

    What a page asks for while nobody touches it is no use of the console.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.IDLE_MINUTES and request.user.is_authenticated:
            _end_or_note(request, int(time.time()))
        return self._get_response(request)


def _end_or_note(request: HttpRequest, now: int) -> None:
    used_at = request.session.get(_USED_AT, now)
    if now - used_at > settings.IDLE_MINUTES * 60:
        logout(request)
    elif _is_by_hand(request) and (_USED_AT not in request.session or now - used_at >= _NOTED_EVERY):
        request.session[_USED_AT] = now


def _is_by_hand(request: HttpRequest) -> bool:
    return request.method != "GET" or "HX-Request" not in request.headers
