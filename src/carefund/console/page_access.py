"""The way into every page: signed in, second factor given, a role held, and the right that the page asks for.

Each view is decorated here; a test opens all addresses as a stranger. It is also the only place of this interface
that knows what packages below raise when there is nothing, or when a funder refuses.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.middleware import HtmxDetails

from carefund.access import two_factor
from carefund.access.audit_log import store_refusal
from carefund.access.directory import is_of_directory
from carefund.access.roles import may_enter
from carefund.funders.errors.root import FunderError
from carefund.records.not_found import NotHere
from carefund.unexpected_errors import name_route


class Request(HttpRequest):
    """A request that may see the page: its user is an account, and htmx says whether it asks for a fragment."""

    user: User
    htmx: HtmxDetails


View = Callable[..., HttpResponseBase]
May = Callable[[User | AnonymousUser], bool]


def page(may: May = may_enter) -> Callable[[View], View]:
    """Let in whoever has a role and this right; others must sign in, are told that they have no access, or get 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            refusal = _refuse_stranger(request)
            if refusal is not None:
                return refusal
            if not may_enter(request.user):
                return render(request, "console/no_access.html", status=403)
            try:
                if not may(request.user):
                    raise PermissionDenied
                response = view(request, *args, **kwargs)
            except NotHere:
                raise Http404 from None
            except PermissionDenied:
                store_refusal(request.user, name_route(request))
                raise
            response.headers.setdefault("Cache-Control", "no-store")  # funding is not for the browser's cache
            return response

        guarded.__dict__["is_guarded"] = True
        return guarded

    return decorate


@contextmanager
def report_refusals(request: Request, asked_for: str = "") -> Iterator[None]:
    """Make what a funder, or our access to one, refuses a message on the next page; `asked_for` goes before it."""
    try:
        yield
    except FunderError as error:
        messages.error(request, f"{asked_for}: {error.message} {error.advice}".removeprefix(": "))


def signed_in(view: View) -> View:
    """Let in every account that gave its factors, also one without a role: for one's own password and sign-out."""

    @wraps(view)
    def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return _refuse_stranger(request) or view(request, *args, **kwargs)

    guarded.__dict__["is_guarded"] = True
    return guarded


def _lacks_two_factor(user: User) -> bool:
    """Whether an account has no second factor of its own, and no directory that sees to it."""
    return two_factor.find_device(user) is None and not is_of_directory(user)


def _refuse_stranger(request: HttpRequest) -> HttpResponse | None:
    """The answer to somebody who is not fully signed in. A fragment's request is sent to the whole page."""
    if not request.user.is_authenticated:
        answer = redirect_to_login(request.get_full_path())
    elif two_factor.is_awaited(request.user):
        answer = redirect_to_login(request.get_full_path(), reverse("console:two-factor-verify"))
    elif settings.TWO_FACTOR_REQUIRED and _lacks_two_factor(request.user):
        answer = redirect("console:two-factor")
    else:
        return None
    if getattr(request, "htmx", False):
        refusal = HttpResponse(status=401)
        refusal.headers["HX-Redirect"] = reverse("console:sign-in")
        return refusal
    return answer
