"""Signing in with the provider's own directory: there and back."""

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from carefund.access import failed_attempts, openid_connect
from carefund.access.directory import NotAdmitted, admit
from carefund.access.openid_connect import DirectoryUnavailable
from carefund.console.lockout import refuse_address

_BACKEND = "carefund.access.directory.DirectoryAccounts"
_NEXT = "directory_next"


@never_cache
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Lead the browser to the directory; it comes back to `receive`."""
    _refuse_without_directory()
    if refused := refuse_address(request):
        return refused
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    request.session[_NEXT] = wanted if is_ours else ""
    try:
        return openid_connect.send_there(request, request.build_absolute_uri(reverse("console:directory-return")))
    except DirectoryUnavailable:
        return _explain(request, "", status=503)


@never_cache
@require_safe
def receive(request: HttpRequest) -> HttpResponse:
    """Let in whom the directory has signed in."""
    _refuse_without_directory()
    if refused := refuse_address(request):
        return refused
    wanted = request.session.get(_NEXT) or resolve_url(settings.LOGIN_REDIRECT_URL)
    try:
        user = admit(openid_connect.receive(request), settings.OIDC_ROLES)
    except DirectoryUnavailable:
        return _explain(request, "", status=503)
    except NotAdmitted as refusal:
        failed_attempts.note_failure(request)
        return _explain(request, str(refusal), status=403)
    request.session.pop(_NEXT, None)
    login(request, user, backend=_BACKEND)
    return redirect(wanted)


def _refuse_without_directory() -> None:
    if not openid_connect.is_configured():
        raise Http404


def _explain(request: HttpRequest, reason: str, *, status: int) -> HttpResponse:
    return render(request, "console/directory_refusal.html", {"reason": reason}, status=status)
